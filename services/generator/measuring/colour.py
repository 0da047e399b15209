"""Colours as they are seen: CIELAB of sRGB, and the difference CIEDE2000 between two of them."""

from __future__ import annotations

import numpy as np

from services.generator.engine import Floats, Pixels

_TO_XYZ = np.array(
    [
        [0.4124564, 0.3575761, 0.1804375],
        [0.2126729, 0.7151522, 0.0721750],
        [0.0193339, 0.1191920, 0.9503041],
    ]
)
"""Linear sRGB to XYZ under D65 (IEC 61966-2-1)."""
_KNEE = 6 / 29
"""Of the cube root in CIE 15: below its cube, lightness is a straight line."""
_25_TO_7 = 25.0**7


def _tables() -> Floats:
    """What each 8-bit level of each of R, G, B adds to each of X, Y, Z: 3 x 3 x 256. Divided by the matrix's own white,
    so that a grey has no colour."""
    level = np.arange(256) / 255
    linear = np.where(level <= 0.04045, level / 12.92, ((level + 0.055) / 1.055) ** 2.4)
    share = _TO_XYZ / _TO_XYZ.sum(axis=1, keepdims=True)
    tables: Floats = (share[:, :, None] * linear).astype(np.float32)
    return tables


_TABLES = _tables()


def lightness(pixels: Pixels) -> Floats:
    """L* (0 to 100) of 8-bit sRGB: ... x 3 to ..., 32-bit."""
    value: Floats = 116 * _root(_tristimulus(pixels, 1)) - 16
    return value


def lab(pixels: Pixels) -> Floats:
    """CIELAB (L* 0 to 100, a*, b*; D65) of 8-bit sRGB: ... x 3 to ... x 3, 32-bit."""
    x, y, z = (_root(_tristimulus(pixels, row)) for row in range(3))
    return np.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], axis=-1)


def ciede2000(one: Floats, other: Floats) -> Floats:
    """The colour difference CIEDE2000 of CIELAB colours: ... x 3 and ... x 3 to ..., as exact as they are.

    As in G. Sharma, W. Wu, E. N. Dalal, "The CIEDE2000 color-difference formula", Color Research and Application 30(1),
    2005, with all three parametric factors 1, their reference conditions. Names are theirs.
    """
    l1, a1, b1 = np.moveaxis(one, -1, 0)
    l2, a2, b2 = np.moveaxis(other, -1, 0)
    g = 0.5 * (1 - _chroma_weight((np.hypot(a1, b1) + np.hypot(a2, b2)) / 2))
    a1, a2 = (1 + g) * a1, (1 + g) * a2
    c1, c2 = np.hypot(a1, b1), np.hypot(a2, b2)
    h1, h2 = _hue_deg(a1, b1, c1), _hue_deg(a2, b2, c2)

    grey = c1 * c2 == 0  # of one without colour the hue says nothing
    apart = h2 - h1
    turn = np.where(apart > 180, apart - 360, np.where(apart < -180, apart + 360, apart))
    delta_l, delta_c = l2 - l1, c2 - c1
    delta_h = 2 * np.sqrt(c1 * c2) * np.sin(np.radians(np.where(grey, 0, turn)) / 2)

    mean_l, mean_c, total = (l1 + l2) / 2, (c1 + c2) / 2, h1 + h2
    around = np.where(np.abs(apart) <= 180, total, np.where(total < 360, total + 360, total - 360)) / 2
    mean_h = np.where(grey, total, around)
    t = (
        1
        - 0.17 * _cos_deg(mean_h - 30)
        + 0.24 * _cos_deg(2 * mean_h)
        + 0.32 * _cos_deg(3 * mean_h + 6)
        - 0.20 * _cos_deg(4 * mean_h - 63)
    )
    delta_theta = 30 * np.exp(-(((mean_h - 275) / 25) ** 2))
    r_t = -np.sin(np.radians(2 * delta_theta)) * 2 * _chroma_weight(mean_c)
    from_middle = (mean_l - 50) ** 2
    in_l = delta_l / (1 + 0.015 * from_middle / np.sqrt(20 + from_middle))
    in_c = delta_c / (1 + 0.045 * mean_c)
    in_h = delta_h / (1 + 0.015 * mean_c * t)
    # Rounding can leave a hair below zero where two colours are all but the same.
    difference: Floats = np.sqrt(np.maximum(in_l**2 + in_c**2 + in_h**2 + r_t * in_c * in_h, 0))
    return difference


def _tristimulus(pixels: Pixels, row: int) -> Floats:
    """X, Y or Z (row 0, 1, 2), 1 for white."""
    red, green, blue = _TABLES[row]
    value: Floats = red[pixels[..., 0]] + green[pixels[..., 1]] + blue[pixels[..., 2]]
    return value


def _root(value: Floats) -> Floats:
    root: Floats = np.where(value > _KNEE**3, np.cbrt(value), value / (3 * _KNEE**2) + 4 / 29)
    return root


def _chroma_weight(chroma: Floats) -> Floats:
    to_7 = chroma**7
    weight: Floats = np.sqrt(to_7 / (to_7 + _25_TO_7))
    return weight


def _hue_deg(a: Floats, b: Floats, chroma: Floats) -> Floats:
    hue: Floats = np.where(chroma == 0, 0, np.degrees(np.arctan2(b, a)) % 360)
    return hue


def _cos_deg(angle: Floats) -> Floats:
    cosine: Floats = np.cos(np.radians(angle))
    return cosine
