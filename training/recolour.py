"""Recolouring a drawing's main part in CIE Lab: shading stays, the hue becomes the word's."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from skimage.color import lab2rgb, rgb2lab

from training.objects import PALETTE

WINDOW_DEG = 40.0
"""Hues this near to the strongest one belong to the main part."""
GREY = 16.0
"""Chroma below which a pixel has no hue worth the name."""


def main_part(lab: NDArray[np.float32], solid: NDArray[np.bool_], neutral: bool) -> NDArray[np.float32]:
    """Weight 0 to 1 of each pixel in the recoloured part.

    Of the strongest hue by summed chroma, with a soft border; or, for ``neutral`` things, the light grey part.
    """
    chroma = np.hypot(lab[..., 1], lab[..., 2])
    if neutral:
        return (np.clip((GREY + 8 - chroma) / 8, 0, 1) * np.clip((lab[..., 0] - 38) / 8, 0, 1) * solid).astype(
            np.float32
        )
    hue = np.degrees(np.arctan2(lab[..., 2], lab[..., 1])) % 360
    vivid = solid & (chroma > GREY)
    histogram = np.bincount((hue[vivid] / 5).astype(int) % 72, weights=chroma[vivid], minlength=72)
    smooth = sum(np.roll(histogram, shift) for shift in range(-4, 5))
    peak = float(np.argmax(smooth)) * 5 + 2.5
    distance = np.abs((hue - peak + 180) % 360 - 180)
    near = np.clip((WINDOW_DEG + 12 - distance) / 12, 0, 1)
    return (near * np.clip((chroma - GREY * 0.4) / (GREY * 0.6), 0, 1) * solid).astype(np.float32)


def recolour(pixels: NDArray[np.float32], colour: str, neutral: bool = False) -> NDArray[np.float32]:
    """A drawing (height x width x 4, colour not multiplied by alpha) with its main part in ``colour``.

    Raises ``KeyError`` for a colour word outside the palette.
    """
    target = rgb2lab(np.array(PALETTE[colour], np.float32)[None, None] / 255)[0, 0]
    lab = rgb2lab(pixels[..., :3]).astype(np.float32)
    weight = main_part(lab, pixels[..., 3] > 0.5, neutral)
    if weight.sum() < 1:
        return pixels.copy()
    light, chroma = lab[..., 0], np.hypot(lab[..., 1], lab[..., 2])
    mean_light = float((light * weight).sum() / weight.sum())
    mean_chroma = max(float((chroma * weight).sum() / weight.sum()), 1.0)
    contrast = 0.55 if colour in ("white", "black") else 0.85
    new = np.empty_like(lab)
    new[..., 0] = np.clip(target[0] + contrast * (light - mean_light), 4, 99)
    strength = np.ones_like(chroma) if neutral else np.clip(chroma / mean_chroma, 0.45, 1.25)
    new[..., 1:] = target[1:] * strength[..., None]
    mixed = lab + weight[..., None] * (new - lab)
    result = pixels.copy()
    result[..., :3] = np.clip(lab2rgb(mixed), 0, 1)
    return result
