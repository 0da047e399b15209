"""What the student sees: windows of labelled crops, and things cut out of them and put into other photographs.

A labelled crop is stored larger than the network's input, so a window of it is a new example for which the teacher
need not be asked. Composites have a mask that is known, and put things where no photograph has them.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

COMPOSITES = 0.35
"""Share of the examples that are put together."""
LEAST, MOST = 0.004, 0.4
"""Share of a crop that a whole thing covers."""
_SPECKS = 30
"""Pieces of a mask from which on it shows no thing, unless one is larger than the others together."""
Pixels = NDArray[np.uint8]
Example = tuple[Pixels, Pixels]
"""A crop, side x side x 3, and its mask, side x side, 0 to 255."""


def touches_border(mask: NDArray[np.bool_]) -> bool:
    """Whether a mask reaches the crop's edge, so that what it shows may go on outside."""
    return bool(mask[:2].any() or mask[-2:].any() or mask[:, :2].any() or mask[:, -2:].any())


def is_whole(mask: Pixels, least: float = LEAST, most: float = MOST) -> bool:
    """Whether a mask (0 to 255) shows, with certainty, one whole thing."""
    sure = mask > 127
    if not least <= float(sure.mean()) <= most or touches_border(sure):
        return False
    doubtful = float(((mask > 40) & (mask < 215)).sum())
    if doubtful > 0.6 * float(sure.sum()):
        return False
    parts, _, areas, _ = cv2.connectedComponentsWithStats(sure.astype(np.uint8))
    return parts > 1 and float(areas[1:, cv2.CC_STAT_AREA].max()) > 0.85 * float(sure.sum())


def cleaned(mask: Pixels) -> Pixels:
    """A mask of the teacher, or an empty one where it is specks, as it makes of even skies and of letters."""
    sure = (mask > 127).astype(np.uint8)
    parts, _, areas, _ = cv2.connectedComponentsWithStats(sure)
    is_specks = parts > _SPECKS and float(areas[1:, cv2.CC_STAT_AREA].max()) < 0.5 * float(sure.sum())
    return np.zeros_like(mask) if is_specks else mask


class Examples:
    """The labelled crops of a folder of shards, which may still grow, and examples made of them."""

    def __init__(self, shards: Path, seed: int) -> None:
        self.shards, self.chance = shards, np.random.default_rng(seed)
        self.labels: list[Example] = []
        self.things: list[int] = []
        """Numbers of the labels that show a whole thing, to be cut out."""
        self.empty: list[int] = []
        """Numbers of the labels with no thing, to put things into."""
        self._read: set[str] = set()
        self.refresh()

    def refresh(self) -> None:
        """Read the shards that have come since."""
        for path in sorted(self.shards.glob("[!.]*.npz")):
            if path.name in self._read:
                continue
            self._read.add(path.name)
            with np.load(path) as shard:
                parts = shard["crops"], shard["masks"]
            for crop, found in zip(*parts, strict=True):
                mask = cleaned(found)
                if is_whole(mask, 0.01, 0.65):
                    self.things.append(len(self.labels))
                if float((mask > 60).mean()) < 0.001:
                    self.empty.append(len(self.labels))
                self.labels.append((crop, mask))

    def batch(self, number: int, side: int) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
        """``number`` examples: crops N x side x side x 3, masks N x side x side."""
        made = [self._one(side) for _ in range(number)]
        return np.stack([crop for crop, _ in made]), np.stack([mask for _, mask in made])

    def _one(self, side: int) -> Example:
        composed = self.things and self.empty and self.chance.random() < COMPOSITES
        crop, mask = self._composite(side) if composed else self._window(side)
        if self.chance.random() < 0.5:
            crop, mask = crop[:, ::-1], mask[:, ::-1]
        return _as_a_camera(np.ascontiguousarray(crop), self.chance), np.ascontiguousarray(mask)

    def _window(self, side: int) -> Example:
        crop, mask = self.labels[self.chance.integers(len(self.labels))]
        stored = len(mask)
        edge = stored if self.chance.random() < 0.25 else int(stored * self.chance.uniform(0.45, 1.0))
        left, top = (int(self.chance.integers(stored - edge + 1)) for _ in range(2))
        rows, columns = (np.flatnonzero((mask > 127).any(axis)) for axis in (1, 0))
        if len(rows) and self.chance.random() < 0.7:  # with the thing whole, where it is smaller than the window
            top, left = (_holding(along, edge, stored, self.chance) for along in (rows, columns))
        place = slice(top, top + edge), slice(left, left + edge)
        return _resized(crop[place], side), _resized(mask[place], side)

    def _composite(self, side: int) -> Example:
        ground, _ = self.labels[self.chance.choice(self.empty)]
        ground = _resized(ground, side)
        crop, mask = self.labels[self.chance.choice(self.things)]
        rows, columns = (np.flatnonzero((mask > 20).any(axis)) for axis in (1, 0))
        place = slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)
        thing, alpha = crop[place], np.asarray(np.clip((mask[place] - 40.0) * 1.5, 0, 255), np.uint8)  # no faint halo
        scale = side * float(np.exp(self.chance.uniform(np.log(0.08), np.log(0.75)))) / max(alpha.shape)
        middle = alpha.shape[1] / 2, alpha.shape[0] / 2
        turn = cv2.getRotationMatrix2D(middle, float(self.chance.normal(0, 12)), scale)
        for axis in (0, 1):
            turn[axis, 2] += self.chance.uniform(0.15, 0.85) * side - middle[axis]
        blur = max(0.35 / scale, 0.1)  # warpAffine does not average by itself
        thing = _warped(cv2.GaussianBlur(thing, (0, 0), blur), turn, side, cv2.BORDER_REPLICATE)
        alpha = _warped(cv2.GaussianBlur(alpha, (0, 0), blur), turn, side, cv2.BORDER_CONSTANT)
        share = alpha[..., None].astype(np.float32) / 255
        lit = _in_light_of(thing, alpha, ground, self.chance)
        return np.asarray(lit * share + ground * (1 - share), np.uint8), alpha


def _holding(along: NDArray[np.int64], edge: int, stored: int, chance: np.random.Generator) -> int:
    """Where a window of ``edge`` pixels begins that has all of ``along`` in it, if it can; never outside the crop."""
    low, high = max(int(along[-1]) + 1 - edge, 0), min(int(along[0]), stored - edge)
    return int(chance.integers(min(low, high), max(low, high) + 1))


def _resized(pixels: Pixels, side: int) -> Pixels:
    how = cv2.INTER_AREA if len(pixels) >= side else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(pixels, (side, side), interpolation=how), np.uint8)


def _warped(pixels: NDArray[Any], turn: NDArray[Any], side: int, border: int) -> Pixels:
    return np.asarray(cv2.warpAffine(pixels, turn, (side, side), borderMode=border), np.uint8)


def _in_light_of(thing: Pixels, alpha: Pixels, ground: Pixels, chance: np.random.Generator) -> NDArray[np.float32]:
    """The thing, a part of the way to the brightness and tint of what is around it."""
    inside = alpha > 127
    if not inside.any():
        return thing.astype(np.float32)
    gain = (ground.mean((0, 1)) + 20) / (thing[inside].mean(0) + 20)
    return np.asarray(np.clip(thing * gain ** chance.uniform(0, 0.7), 0, 255), np.float32)


def _as_a_camera(crop: Pixels, chance: np.random.Generator) -> Pixels:
    """Other light, other colours, noise, blur, and what JPEG does."""
    values = crop.astype(np.float32)
    values = (values - 128) * chance.uniform(0.7, 1.3) + 128 + chance.uniform(-25, 25)
    values *= chance.uniform(0.9, 1.1, 3).astype(np.float32)
    grey = values.mean(2, keepdims=True)
    values = grey + (values - grey) * (0.0 if chance.random() < 0.04 else chance.uniform(0.5, 1.4))
    if chance.random() < 0.15:
        values = cv2.GaussianBlur(values, (0, 0), float(chance.uniform(0.4, 1.3)))
    if chance.random() < 0.3:
        values += chance.normal(0, chance.uniform(1, 8), values.shape[:2])[..., None]
    out = np.clip(values, 0, 255).astype(np.uint8)
    if chance.random() < 0.3:
        _, written = cv2.imencode(".jpg", out, [cv2.IMWRITE_JPEG_QUALITY, int(chance.integers(40, 92))])
        out = cv2.imdecode(written, cv2.IMREAD_COLOR)
    return np.asarray(out, np.uint8)
