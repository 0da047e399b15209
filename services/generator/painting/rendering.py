"""A cut-out object at its pose: enlarged so that it stays sharp, turned, tinted."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from PIL import Image
from scipy import ndimage

from services.generator.engine import Floats
from services.generator.painting.cutout import Cutout
from services.generator.painting.placing import Pose
from services.generator.painting.scene import LUMA

_FINE_UP_TO_PX = 256
"""Up to this size an object is drawn at twice its size and then halved, which keeps turned edges smooth."""
_PADDING = 4
_ALPHA_STEEPNESS = 0.55
_WARP = 0.45
"""How far edges are drawn together, in source pixels."""


@dataclass(frozen=True, slots=True)
class Patch:
    """An object as it is to be laid on the picture, before its light is matched.

    Attributes:
        colour: height x width x 3, sRGB from 0 to 1, not multiplied.
        alpha: height x width, 0 to 1.
        left, top: where its first pixel goes, in the picture's pixels.
    """

    colour: Floats
    alpha: Floats
    left: int
    top: int


def render(cutout: Cutout, pose: Pose) -> Patch:
    """Draw an object at a pose.

    Colour and opacity are resampled apart: the colour goes on beyond the edge (see :class:`Cutout`), so nothing of
    a background gets in, and the opacity's edge can be made as steep as it was before it was enlarged.
    """
    inner_width, inner_height = cutout.width - 2, cutout.height - 2  # without the transparent border
    fine = 2 if max(pose.width, pose.height) <= _FINE_UP_TO_PX else 1
    scale = fine * pose.width / inner_width, fine * pose.height / inner_height
    size = max(1, round(cutout.width * scale[0])), max(1, round(cutout.height * scale[1]))
    enlarged = math.sqrt(scale[0] * scale[1])
    colour = np.stack([_resize(cutout.colour[:, :, i], size, Image.Resampling.LANCZOS) for i in range(3)], axis=-1)
    alpha = _resize(cutout.alpha, size, Image.Resampling.BICUBIC)
    if enlarged > 1.2:
        colour = _draw_edges_together(colour, enlarged)
        alpha = _steepen(alpha, enlarged)
    colour = tint(colour.clip(0, 1), pose)
    if pose.flip:
        colour, alpha = colour[:, ::-1], alpha[:, ::-1]
    colour, alpha = _turn(colour, alpha, pose.turn_deg, fine)
    height, width = alpha.shape
    return Patch(
        colour=colour.clip(0, 1),
        alpha=alpha.clip(0, 1),
        left=round(pose.x - width / 2),
        top=round(pose.y - height / 2),
    )


def tint(colour: Floats, pose: Pose) -> Floats:
    """Hue turned about the grey axis, then saturation and gain. The matrix is the rotation about (1, 1, 1) by
    Rodrigues' formula."""
    cos, sin = math.cos(math.radians(pose.hue_deg)), math.sin(math.radians(pose.hue_deg))
    third, root = (1 - cos) / 3, sin / math.sqrt(3)
    turn = np.full((3, 3), third) + cos * np.eye(3) + root * np.array([[0, -1, 1], [1, 0, -1], [-1, 1, 0]])
    turned = colour @ turn.T.astype(np.float32)
    grey = (turned @ LUMA)[:, :, None]
    tinted: Floats = ((grey + (turned - grey) * np.float32(pose.saturation)) * np.float32(pose.gain)).clip(0, 1)
    return tinted


def _resize(plane: Floats, size: tuple[int, int], how: Image.Resampling) -> Floats:
    return np.asarray(Image.fromarray(np.ascontiguousarray(plane, np.float32)).resize(size, how))


def _steepen(alpha: Floats, enlarged: float) -> Floats:
    """Opacity's edge back to the width it had, around the same contour; first smoothed, so that no stairs show."""
    smooth = ndimage.gaussian_filter(alpha, 0.35 * enlarged)
    gain = max(1.0, _ALPHA_STEEPNESS * enlarged)
    steep: Floats = ((smooth - 0.5) * gain + 0.5).clip(0, 1)
    return steep


def _draw_edges_together(colour: Floats, enlarged: float) -> Floats:
    """Sharpen by moving pixels towards the edges from both sides, which leaves no bright or dark seams.

    The displacement follows the slope of the blurred edge strength, as in the "warp sharp" filters of video
    processing; what is sharpened is the blur that enlarging made, so it grows with ``enlarged``.
    """
    luma = colour @ LUMA
    strength = ndimage.gaussian_filter(ndimage.gaussian_gradient_magnitude(luma, 0.4 * enlarged), 0.5 * enlarged)
    down, across = np.gradient(strength)
    longest = float(np.percentile(np.hypot(down, across), 98))
    if longest <= 1e-6:
        return colour
    reach = _WARP * enlarged / longest
    limit = _WARP * enlarged
    rows, columns = np.indices(luma.shape, np.float32)
    at = np.stack([rows - (reach * down).clip(-limit, limit), columns - (reach * across).clip(-limit, limit)])
    return np.stack([ndimage.map_coordinates(colour[:, :, i], at, order=1, mode="nearest") for i in range(3)], axis=-1)


def _turn(colour: Floats, alpha: Floats, turn_deg: float, fine: int) -> tuple[Floats, Floats]:
    """Turned about the centre, and brought down from ``fine`` times the size."""
    border = ((_PADDING, _PADDING), (_PADDING, _PADDING))
    planes = [np.pad(colour[:, :, i], border, mode="edge") for i in range(3)] + [np.pad(alpha, border)]
    turned = [
        Image.fromarray(np.ascontiguousarray(plane, np.float32)).rotate(turn_deg, Image.Resampling.BICUBIC, expand=True)
        for plane in planes
    ]
    size = max(1, round(turned[0].width / fine)), max(1, round(turned[0].height / fine))
    *channels, opacity = (np.asarray(image.resize(size, Image.Resampling.BOX)) for image in turned)
    # Where the turned picture's corners lie outside the drawn one, colour is black; opacity is 0 there, and next to it.
    return np.stack(channels, axis=-1), opacity
