"""The things of a sector: proposed by a segmenter, or pointed at by the caller."""

from __future__ import annotations

import hashlib
from base64 import b64decode
from collections import OrderedDict
from collections.abc import Callable
from typing import Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from services.generator.engine import Floats, Pixels
from services.generator.natural.raster import Mask, enlarged, grown, parts_of, resized
from services.generator.natural.things import CONFIDENT, Thing, distinct, things_in
from shared.errors import InvalidRequest
from shared.sectors import Region

_CLOSER = 0.6
"""Sides of the four parts that are looked at more closely, in parts of the sector's."""
_AROUND_BOX = 0.3
_MATCHES = 0.4
"""Overlap of what the segmenter finds with the caller's box from which it is what the box is drawn around."""
_GRABCUT_ROUNDS, _GRABCUT_SIDE_PX = 6, 256
_KEPT, _KEPT_BYTES = 64, 32 * 1024 * 1024
_LEAST_PX = 36
"""Pixels that a thing has at least."""


class Segmenter(Protocol):
    """A network that finds whole things."""

    @property
    def side(self) -> int:
        """Pixels of the crops that it is given, each way."""
        ...

    def masks(self, crops: NDArray[np.uint8]) -> Floats:
        """N x side x side x 3 to N x side x side, 0 to 1."""
        ...


class Finder:
    """Finds things, and keeps those of the last sectors: a mask costs once for a sector and picture.

    Args:
        load: loads the segmenter, when it is first needed.
    """

    def __init__(self, load: Callable[[], Segmenter]) -> None:
        self._load = load
        self._segmenter: Segmenter | None = None
        self._kept: OrderedDict[tuple[bytes, Region], tuple[Thing, ...]] = OrderedDict()

    def things(self, picture: Pixels, sector: Region) -> tuple[Thing, ...]:
        """The whole things of a sector, the most confident first."""
        key = hashlib.blake2b(np.ascontiguousarray(picture[sector.slices]).tobytes(), digest_size=16).digest(), sector
        if key in self._kept:
            self._kept.move_to_end(key)
            return self._kept[key]
        crops = _crops(sector)
        found = [
            thing
            for crop, mask in zip(crops, self._masks(picture, crops), strict=True)
            for thing in things_in(mask, crop, sector)
        ]
        self._kept[key] = tuple(distinct(found))
        while len(self._kept) > _KEPT or (self._held_bytes > _KEPT_BYTES and len(self._kept) > 1):
            self._kept.popitem(last=False)
        return self._kept[key]

    def in_box(self, picture: Pixels, sector: Region, box: Region) -> Thing | None:
        """The thing that a box is drawn around: as the segmenter finds it, or else as GrabCut does (Rother, Kolmogorov
        and Blake 2004)."""
        crop = _grown(box, _AROUND_BOX, sector)
        mask = self._masks(picture, [crop])[0]
        full = resized(mask, (crop.width, crop.height))
        inner = Region(box.left - crop.left, box.top - crop.top, box.right - crop.left, box.bottom - crop.top)
        kept = np.zeros_like(full)
        kept[inner.slices] = full[inner.slices]
        if _matches(full > 0.5, inner) and (confidence := float(full[full > 0.5].mean())) >= CONFIDENT:
            return _thing(_largest(kept > 0.5, kept), crop, confidence)
        cut = _grabcut(np.ascontiguousarray(picture[crop.slices]), inner)
        return _thing(_largest(cut, cut.astype(np.float32)), crop, 0.5)

    @property
    def _held_bytes(self) -> int:
        return sum(thing.mask.nbytes for things in self._kept.values() for thing in things)

    def _masks(self, picture: Pixels, crops: list[Region]) -> Floats:
        if self._segmenter is None:
            self._segmenter = self._load()
        side = self._segmenter.side
        given = np.stack([_at_side(picture[crop.slices], side) for crop in crops])
        # In levels: last bits, which differ with the number of threads, decide nothing.
        masks: Floats = np.rint(self._segmenter.masks(given) * 255).astype(np.float32) / 255
        return masks


def masked(mask: str, box: Region | None, picture_size: tuple[int, int]) -> Thing | None:
    """The thing that a caller's mask shows: a PNG in base64, light where it is, stretched over the box, or over a
    picture of this size (width, height). None: it shows none. Raises InvalidRequest: it is no picture."""
    try:
        decoded = cv2.imdecode(np.frombuffer(b64decode(mask), np.uint8), cv2.IMREAD_GRAYSCALE)
    except cv2.error:
        decoded = None
    if decoded is None:
        raise InvalidRequest("change: the mask is no PNG that can be read.", fields={"change": "its mask is no PNG"})
    there = box or Region(0, 0, *picture_size)
    size = there.width, there.height
    full = np.asarray(cv2.resize(decoded, size, interpolation=cv2.INTER_LINEAR), np.float32) / 255
    return _thing(full, there, 1.0)


def _crops(sector: Region) -> list[Region]:
    """The sector, and its four parts, which overlap."""
    across, down = round(_CLOSER * sector.width), round(_CLOSER * sector.height)
    parts = [
        Region(left, top, left + across, top + down)
        for top in (sector.top, sector.bottom - down)
        for left in (sector.left, sector.right - across)
    ]
    return [sector, *parts]


def _grown(box: Region, share: float, sector: Region) -> Region:
    """A box with what lies around it in the sector."""
    across, down = max(2, round(share * box.width)), max(2, round(share * box.height))
    return Region(
        max(sector.left, box.left - across),
        max(sector.top, box.top - down),
        min(sector.right, box.right + across),
        min(sector.bottom, box.bottom + down),
    )


def _matches(found: Mask, box: Region) -> bool:
    """Whether what is found fills the box about as a thing fills its own."""
    rows, columns = np.nonzero(found[box.slices].any(axis=1))[0], np.nonzero(found[box.slices].any(axis=0))[0]
    if not len(rows) or found[box.slices].sum() < 0.8 * found.sum():
        return False
    extent = (rows[-1] - rows[0] + 1) * (columns[-1] - columns[0] + 1)
    return bool(extent >= _MATCHES * box.width * box.height)


def _grabcut(pixels: Pixels, box: Region) -> Mask:
    """Height x width: where the thing in a box is."""
    scale = min(1.0, _GRABCUT_SIDE_PX / max(pixels.shape[:2]))
    size = max(8, round(pixels.shape[1] * scale)), max(8, round(pixels.shape[0] * scale))
    small = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA)
    left, top = round(box.left * scale), round(box.top * scale)
    wide, tall = max(2, round(box.width * scale)), max(2, round(box.height * scale))
    mask = np.zeros(small.shape[:2], np.uint8)
    models = np.zeros((1, 65)), np.zeros((1, 65))
    cv2.setRNGSeed(0)  # it begins with clusters that are drawn
    cv2.grabCut(small, mask, (left, top, wide, tall), *models, _GRABCUT_ROUNDS, cv2.GC_INIT_WITH_RECT)
    inside = ((mask == cv2.GC_FGD) | (mask == cv2.GC_PR_FGD)).astype(np.uint8)
    closed = cv2.morphologyEx(inside, cv2.MORPH_CLOSE, np.ones((5, 5), np.uint8))
    return enlarged(np.asarray(closed, np.float32), (pixels.shape[1], pixels.shape[0])) > 0


def _largest(inside: Mask, mask: Floats) -> Floats:
    """A mask without all but its largest part."""
    parts, boxes = parts_of(inside)
    if not boxes:
        return np.zeros_like(mask)
    largest = 1 + max(range(len(boxes)), key=lambda number: boxes[number][4])
    return np.where(grown(parts == largest, 4), mask, np.float32(0))


def _at_side(pixels: Pixels, side: int) -> Pixels:
    return np.asarray(cv2.resize(pixels, (side, side), interpolation=cv2.INTER_AREA), np.uint8)


def _thing(mask: Floats, crop: Region, confidence: float) -> Thing | None:
    """What a mask of a crop shows, in its own box; None: next to nothing."""
    rows, columns = np.nonzero((mask > 0.1).any(axis=1))[0], np.nonzero((mask > 0.1).any(axis=0))[0]
    if (mask > 0.5).sum() < _LEAST_PX:
        return None
    top, bottom, left, right = int(rows[0]), int(rows[-1]) + 1, int(columns[0]), int(columns[-1]) + 1
    box = Region(crop.left + left, crop.top + top, crop.left + right, crop.top + bottom)
    return Thing(box, np.ascontiguousarray(mask[top:bottom, left:right], dtype=np.float32), confidence)
