"""Whole things in a part of a picture, out of a segmenter's masks: what is a scrap, cut off or faint is left out."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from services.generator.engine import Floats
from services.generator.natural.raster import Mask, grown, outlines_of, parts_of, resized
from shared.sectors import Region

LEAST_AREA, MOST_AREA = 0.003, 0.25
"""Of the sector."""
CONFIDENT = 0.80
"""Mean of the mask over a thing."""
_SOFT = 0.35
"""Most of a thing's pixels that may be half one, half the other: an edge that is found is narrow."""
_SOLID = 0.55
"""Least share of its convex hull: scattered bits are no thing."""
_HOLE = 0.02
"""Of a thing's area: smaller holes are closed."""
_SAME = 0.6
"""Overlap (intersection over union) from which two are one."""
_MARGIN = 0.012
"""How near a thing may come to the edge of its crop, in parts of its side: nearer, it is cut off."""


@dataclass(frozen=True, slots=True)
class Thing:
    """One thing in a picture.

    Attributes:
        box: in the picture's pixels, a little larger than the thing.
        mask: of the box's size, 0 to 1: rough, as the segmenter has drawn it.
        confidence: 0 to 1.
    """

    box: Region
    mask: Floats
    confidence: float

    @property
    def area_px(self) -> int:
        return int((self.mask > 0.5).sum())

    def on(self, region: Region) -> Floats:
        """Its mask within a region of the picture, of that region's size."""
        return self.moved_to(region, self.box.left - region.left, self.box.top - region.top)

    def moved_to(self, region: Region, left: int, top: int) -> Floats:
        """Its mask at a place of a canvas of a region's size."""
        canvas = np.zeros((region.height, region.width), np.float32)
        height, width = self.mask.shape
        first_row, first_column = max(top, 0), max(left, 0)
        last_row, last_column = min(top + height, region.height), min(left + width, region.width)
        if first_row < last_row and first_column < last_column:
            canvas[first_row:last_row, first_column:last_column] = self.mask[
                first_row - top : last_row - top, first_column - left : last_column - left
            ]
        return canvas


def things_in(mask: Floats, crop: Region, sector: Region) -> list[Thing]:
    """The whole things of one mask.

    Args:
        mask: any height x width, 0 to 1, of the pixels of ``crop``.
        crop: the part of the picture that the segmenter was given.
        sector: the part in which things are wanted.
    """
    mask = resized(mask, (crop.width, crop.height))
    parts, boxes = parts_of(mask > 0.5)
    margin = max(2, round(_MARGIN * min(crop.width, crop.height)))
    found = []
    sector_px = sector.width * sector.height
    for number, (left, top, width, height, area) in enumerate(boxes, 1):
        if not LEAST_AREA * sector_px <= area <= MOST_AREA * sector_px:
            continue
        if min(left, top) < margin or left + width > crop.width - margin or top + height > crop.height - margin:
            continue
        pad = max(4, round(0.08 * max(width, height)))
        right, bottom = min(crop.width, left + width + pad), min(crop.height, top + height + pad)
        box = Region(max(0, left - pad), max(0, top - pad), right, bottom)
        inside = parts[box.slices] == number
        confidence = float(mask[box.slices][inside].mean())
        if confidence < CONFIDENT or not _is_one_shape(inside, mask[box.slices]):
            continue
        here = Region(crop.left + box.left, crop.top + box.top, crop.left + box.right, crop.top + box.bottom)
        if not _holds(sector, here, pad):
            continue
        found.append(Thing(here, _its_own(mask[box.slices], inside), confidence))
    return found


def distinct(things: list[Thing]) -> list[Thing]:
    """The most confident of those that are one and the same, and none that holds several others."""
    kept: list[Thing] = []
    for thing in sorted(things, key=lambda thing: (-thing.confidence, thing.box.as_tuple())):
        if all(_overlap(thing, other) < _SAME and not _is_inside(thing, other) for other in kept):
            kept.append(thing)
    return kept


def _is_one_shape(inside: Mask, mask: Floats) -> bool:
    hull = cv2.contourArea(cv2.convexHull(max(outlines_of(inside), key=cv2.contourArea)))
    soft = float(((mask > 0.2) & (mask < 0.8)).sum())
    area = float(inside.sum())
    return area >= _SOLID * max(hull, 1.0) and soft <= _SOFT * area + 40


def _its_own(mask: Floats, inside: Mask) -> Floats:
    """A part of a mask without its neighbours; small holes closed."""
    whole = inside.astype(np.uint8)
    for outline in outlines_of(inside, holes=True):
        if cv2.contourArea(outline) < _HOLE * inside.sum():
            cv2.drawContours(whole, [outline], -1, 1, cv2.FILLED)
    closed = whole > 0
    return np.where(grown(closed, 4), np.maximum(mask, closed & ~inside), 0).astype(np.float32)


def _holds(sector: Region, box: Region, pad: int) -> bool:
    """Whether a thing, without the padding of its box, lies in the sector."""
    slack = max(0, pad - 2)
    return (
        box.left + slack >= sector.left
        and box.top + slack >= sector.top
        and box.right - slack <= sector.right
        and box.bottom - slack <= sector.bottom
    )


def _overlap(one: Thing, other: Thing) -> float:
    region = Region(
        min(one.box.left, other.box.left),
        min(one.box.top, other.box.top),
        max(one.box.right, other.box.right),
        max(one.box.bottom, other.box.bottom),
    )
    first, second = one.on(region) > 0.5, other.on(region) > 0.5
    return float((first & second).sum() / max(1, (first | second).sum()))


def _is_inside(one: Thing, other: Thing) -> bool:
    """Whether one lies mostly in the other, or the other in it."""
    first, second = one.on(other.box) > 0.5, other.mask > 0.5
    common = float((first & second).sum())
    return common > 0.5 * min(one.area_px, other.area_px)
