"""Another colour for a thing, in OKLCH (Ottosson 2020): its shading, its print and its highlights stay.

Hue is turned, chroma is scaled: what has no colour, as a highlight on gloss has, stays without one. A thing without
colour is tinted like dyed cloth, most in its middle tones.
"""

from __future__ import annotations

import math

import numpy as np

from services.generator.engine import Floats
from services.generator.painting.scene import to_linear, to_srgb

COLOURS: dict[str, tuple[float, float, float]] = {
    "red": (0.55, 0.19, 27.0),
    "orange": (0.70, 0.17, 58.0),
    "yellow": (0.85, 0.16, 98.0),
    "green": (0.58, 0.14, 143.0),
    "turquoise": (0.70, 0.11, 195.0),
    "blue": (0.50, 0.15, 258.0),
    "purple": (0.48, 0.16, 305.0),
    "pink": (0.73, 0.15, 355.0),
    "brown": (0.45, 0.08, 55.0),
    "white": (0.92, 0.0, 0.0),
    "grey": (0.60, 0.0, 0.0),
    "black": (0.22, 0.0, 0.0),
}
"""By name: lightness (0 to 1), chroma, and hue in degrees of a typical surface of that colour."""

_TO_LMS = np.array(
    [
        [0.4122214708, 0.5363325363, 0.0514459929],
        [0.2119034982, 0.6806995451, 0.1073969566],
        [0.0883024619, 0.2817188376, 0.6299787005],
    ]
)
_TO_LAB = np.array(
    [
        [0.2104542553, 0.7936177850, -0.0040720468],
        [1.9779984951, -2.4285922050, 0.4505937099],
        [0.0259040371, 0.7827717662, -0.8086757660],
    ]
)
_FROM_LMS, _FROM_LAB = np.linalg.inv(_TO_LMS), np.linalg.inv(_TO_LAB)

COLOURFUL = 0.045
"""Chroma from which on a thing has a colour of its own that can be turned."""
_LIGHTNESS_SHARE = 0.6
"""How far a thing's mean lightness goes towards that of a named colour."""
_TURNS_DEG = 70.0, 180.0
"""By how much a hue is turned where any other colour will do."""
_CUTS = 6
"""Halvings of the search for the largest chroma that a screen can show."""


def to_oklab(levels: Floats) -> Floats:
    """... x 3 in levels of sRGB to lightness (0 to 1), a, b."""
    linear = to_linear(np.asarray(levels, np.float32) / 255)
    lab: Floats = (np.cbrt(linear @ _TO_LMS.T) @ _TO_LAB.T).astype(np.float32)
    return lab


def from_oklab(lab: Floats) -> Floats:
    """The inverse: levels, not clipped."""
    linear = (np.asarray(lab) @ _FROM_LAB.T) ** 3 @ _FROM_LMS.T
    levels: Floats = np.where(linear >= 0, 255 * to_srgb(linear.clip(0, None)), 255 * 12.92 * linear).astype(np.float32)
    return levels


def typical_chroma(lab: Floats, weights: Floats) -> float:
    """Of a thing's pixels (... x 3) by their opacity: the chroma that a third of it surpasses."""
    solid = np.hypot(lab[..., 1], lab[..., 2])[weights > 0.7]
    return float(np.percentile(solid, 66)) if solid.size else 0.0


def recolour(
    levels: Floats, opacity: Floats, colour: str | None, draw: np.random.Generator, share: float = 1.0
) -> Floats:
    """A thing in another colour, height x width x 3 levels; mixed in by its opacity.

    Args:
        levels: height x width x 3: the thing's own colours.
        colour: one of :data:`COLOURS`; None: another hue, drawn.
        share: how far the way to it is gone, 0 to 1.
    """
    lab = to_oklab(levels)
    solid = lab[opacity > 0.7]
    if not len(solid):
        return np.asarray(levels, np.float32)
    mean = solid.mean(axis=0)
    own = typical_chroma(lab, opacity)
    if colour is None:
        low, high = _TURNS_DEG
        turn = math.radians(draw.uniform(low, high) * (1 if draw.random() < 0.5 else -1))
        hue = math.atan2(mean[2], mean[1]) + turn
        lightness, chroma = float(mean[0]), max(own, 0.09)
    else:
        lightness, chroma, degrees = COLOURS[colour]
        hue = math.radians(degrees)
        lightness = float(mean[0]) + share * _LIGHTNESS_SHARE * (lightness - float(mean[0]))
    new = _dyed(lab, mean, own, (lightness, chroma, hue), share)
    return from_oklab(_within_gamut(new))


def _dyed(lab: Floats, mean: Floats, own: float, wanted: tuple[float, float, float], share: float) -> Floats:
    lightness, chroma, hue = wanted
    light = _lighter(lab[..., 0], float(mean[0]), lightness)
    if chroma == 0:
        return np.stack([light, lab[..., 1] * (1 - share), lab[..., 2] * (1 - share)], axis=-1)
    if own >= COLOURFUL:
        turn = share * math.remainder(hue - math.atan2(mean[2], mean[1]), 2 * math.pi)
        scale = 1 + share * (min(max(chroma / own, 0.75), 1.6) - 1)
        cos, sin = scale * math.cos(turn), scale * math.sin(turn)
        a, b = lab[..., 1], lab[..., 2]
        return np.stack([light, cos * a - sin * b, sin * a + cos * b], axis=-1)
    # Dye takes most in the middle tones; a highlight keeps the light's colour.
    tone = (4 * light * (1 - light)).clip(0, 1)
    dye = share * 0.8 * chroma * tone
    return np.stack([light, lab[..., 1] + dye * math.cos(hue), lab[..., 2] + dye * math.sin(hue)], axis=-1)


def _lighter(light: Floats, mean: float, wanted: float) -> Floats:
    """Lightness moved so that its mean becomes another, black and white staying where they are."""
    if mean <= 0.01 or mean >= 0.99 or abs(wanted - mean) < 1e-3:
        return light
    power = math.log(min(max(wanted, 0.02), 0.98)) / math.log(mean)
    moved: Floats = np.power(light.clip(1e-4, 1), power).astype(np.float32)
    return moved


def _within_gamut(lab: Floats) -> Floats:
    """The same hue and lightness at the most chroma, up to the given one, that sRGB has."""
    flat = lab.reshape(-1, 3).copy()
    levels = from_oklab(flat)
    out = np.nonzero((levels < -1).any(axis=1) | (levels > 256).any(axis=1))[0]
    if len(out):
        low, high = np.zeros(len(out)), np.ones(len(out))
        for _ in range(_CUTS):
            middle = (low + high) / 2
            tried = from_oklab(np.column_stack([flat[out, 0], flat[out, 1] * middle, flat[out, 2] * middle]))
            fits = ((tried >= -1) & (tried <= 256)).all(axis=1)
            low, high = np.where(fits, middle, low), np.where(fits, high, middle)
        flat[out, 1] *= low
        flat[out, 2] *= low
    return flat.reshape(lab.shape)
