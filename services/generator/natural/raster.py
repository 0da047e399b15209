"""OpenCV's operations on whole arrays as they are needed here, with the types that go in and come out."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from services.generator.engine import Floats, Pixels

Mask = NDArray[np.bool_]
"""Height x width."""
Size = tuple[int, int]
"""Width and height."""
_LARGEST_DISC = 8
"""Pixels: what a larger disc would cover is found by distances, in a time that does not rise with it."""


def grown(mask: Mask, radius: int) -> Mask:
    """All that lies within ``radius`` pixels of a mask."""
    if radius > _LARGEST_DISC:
        return _distances(~mask) <= radius
    return np.asarray(cv2.dilate(mask.view(np.uint8), _disc(radius))) > 0


def eroded(mask: Mask, radius: int) -> Mask:
    """What of a mask lies more than ``radius`` pixels within it."""
    if radius > _LARGEST_DISC:
        return inset(mask) > radius
    return np.asarray(cv2.erode(mask.view(np.uint8), _disc(radius))) > 0


def opened(mask: Mask) -> Mask:
    """A mask without what is thinner than three pixels."""
    return np.asarray(cv2.morphologyEx(mask.view(np.uint8), cv2.MORPH_OPEN, np.ones((3, 3), np.uint8))) > 0


def spread(labels: Floats, by_px: int) -> Floats:
    """Labels carried outwards, pixel by pixel, to places that have none (-1)."""
    for _ in range(by_px):
        grown_once: Floats = np.asarray(cv2.dilate(labels, np.ones((3, 3), np.uint8)), np.float32)
        labels = np.where(labels < 0, grown_once, labels)
    return labels


def inset(mask: Mask) -> Floats:
    """How far each pixel of a mask lies within it."""
    return _distances(np.pad(mask, 1))[1:-1, 1:-1]


def _distances(mask: Mask) -> Floats:
    """How far each pixel of a mask is from the nearest one that is none of it."""
    return np.asarray(cv2.distanceTransform(mask.view(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE), np.float32)


def blurred(values: Floats, sigma: float) -> Floats:
    """A Gaussian's mean around each pixel."""
    return np.asarray(cv2.GaussianBlur(np.asarray(values, np.float32), (0, 0), sigma))


def boxed(values: Floats, radius: int) -> Floats:
    """A square's mean around each pixel, mirrored at the border."""
    side = 2 * radius + 1
    return np.asarray(cv2.blur(values, (side, side), borderType=cv2.BORDER_REFLECT))


def shrunk(values: Floats, size: Size) -> Floats:
    """At a smaller size: the mean of what falls together."""
    return np.asarray(cv2.resize(np.asarray(values, np.float32), size, interpolation=cv2.INTER_AREA))


def resized(values: Floats, size: Size) -> Floats:
    """At another size, between pixels linear."""
    return np.asarray(cv2.resize(np.asarray(values, np.float32), size, interpolation=cv2.INTER_LINEAR))


def enlarged(labels: Floats, size: Size) -> Floats:
    """Labels at another size: each pixel has its nearest one's."""
    return np.asarray(cv2.resize(np.asarray(labels, np.float32), size, interpolation=cv2.INTER_NEAREST))


def differences_of(picture: Floats, template: Floats, part: Mask) -> Floats:
    """By place of a template in a picture, the mean of their squared differences over a part of it, summed over the
    channels."""
    weights = np.repeat(part.astype(np.float32)[:, :, None], 3, axis=2)
    sums = np.asarray(cv2.matchTemplate(picture, template, cv2.TM_SQDIFF, mask=weights))
    return np.maximum(sums, 0) / max(1, int(part.sum()))


def meets(mask: Mask, part: Mask) -> Mask:
    """By place of a part in a mask, whether they have pixels in common."""
    sums = cv2.matchTemplate(mask.astype(np.float32), part.astype(np.float32), cv2.TM_CCORR)
    return np.asarray(sums) > 0.5


def parts_of(mask: Mask) -> tuple[NDArray[np.int32], list[tuple[int, int, int, int, int]]]:
    """The connected parts of a mask: numbered from 1, and of each left, top, width, height and area."""
    _, parts, stats, _ = cv2.connectedComponentsWithStats(mask.view(np.uint8), connectivity=8)
    return np.asarray(parts), [tuple(int(value) for value in row) for row in stats[1:]]  # type: ignore[misc]


def outlines_of(mask: Mask, *, holes: bool = False) -> list[Any]:
    """The outlines of a mask's parts, as OpenCV has them; with those of their holes."""
    how = cv2.RETR_CCOMP if holes else cv2.RETR_EXTERNAL
    return list(cv2.findContours(mask.view(np.uint8), how, cv2.CHAIN_APPROX_NONE)[0])


def to_lab(pixels: Pixels | Floats) -> Floats:
    """Levels, height x width x 3, to CIE Lab (L* from 0 to 100), float32."""
    return np.asarray(cv2.cvtColor(np.asarray(pixels, np.float32) / 255, cv2.COLOR_RGB2LAB))


def luma(pixels: Pixels | Floats) -> Floats:
    """Levels, height x width x 3, to grey ones, float32."""
    return np.asarray(cv2.cvtColor(np.asarray(pixels, np.float32), cv2.COLOR_RGB2GRAY))


def _disc(radius: int) -> NDArray[np.uint8]:
    side = 2 * radius + 1
    return np.asarray(cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side)), np.uint8)
