"""The crop around a sector as a model painted it, and its way into the picture: back to size, without the model's drift
in tone, with the detail and grain that it lost on the way, and feathered. All of it off the inference thread."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from PIL import Image

from services.generator.engine import Floats, Pixels
from services.generator.painting import grain, paste, tone
from services.generator.painting.crop import MASK_REACH_PX, Crop
from services.generator.painting.inputs import ModelInputs
from services.generator.painting.likeness import likeness
from shared.sectors import Region

_WINDOW_PX = 24
"""Around the sector, at the model's size, what is looked at to tell how alike input and output are at its edge."""
_ANEW = 0.5
"""Likeness below which a patch is painted anew, so that its grain is the model's."""


@dataclass(frozen=True, slots=True)
class Repainted:
    """The crop around a sector as the model painted it.

    Attributes:
        generated: height x width x at least 3 channels, 0 to 1.
        region: the sector, in the picture.
        given: what the model was given, at its size.
        asked: what it was to paint of that, in pixels there.
        seed: of the grain.
    """

    generated: Floats
    region: Region
    crop: Crop
    given: Image.Image
    asked: Region
    seed: int

    @classmethod
    def of(cls, generated: Floats, inputs: ModelInputs, seed: int) -> Repainted:
        """What a model made of its inputs."""
        return cls(generated, inputs.region, inputs.crop, inputs.picture, inputs.painted, seed)

    @property
    def seen(self) -> Region:
        return self.crop.box

    @property
    def reads(self) -> Region:
        return self.crop.box

    @property
    def held_bytes(self) -> int:
        return self.generated.nbytes + 3 * self.given.width * self.given.height

    def sector(self, pixels: Pixels) -> Pixels:
        given = np.asarray(self.given)
        generated = _of_size(self.generated, self.given.size)
        window = self._window()
        drift = tone.drift(given, generated, self.asked)
        made = drift.taken_out(generated[window.slices])
        painted = self._back(made, window).astype(np.float32)
        alike = likeness(given[window.slices], made)
        kept = self._back((alike * 255).astype(np.uint8), window).astype(np.float32)[:, :, None] / 255
        lost = pixels[self.region.slices].astype(np.float32) - self._back(given, Region(0, 0, *self.given.size))
        painted += kept * lost
        missing = self._missing(pixels, given, made, alike, None if min(self.crop.scale) < 1 else painted)
        if missing is not None:
            missing *= np.sqrt(1 - kept**2)
        return paste.blend(pixels, self.region, painted, missing)

    def _window(self) -> Region:
        """What is needed of the model's pixels for the sector: it, and what is read around it."""
        reach = math.ceil(max(1.0, *self.crop.scale) * MASK_REACH_PX) + 1
        room = max(reach, _WINDOW_PX)
        left, top, right, bottom = self.crop.work_target
        return Region(
            max(0, math.floor(left) - room),
            max(0, math.floor(top) - room),
            min(self.given.width, math.ceil(right) + room),
            min(self.given.height, math.ceil(bottom) + room),
        )

    def _back(self, made: Pixels, window: Region) -> Pixels:
        """The sector of a window of the model's pixels, at its size in the picture."""
        left, top, right, bottom = self.crop.work_target
        box = (
            max(left - window.left, 0.0),
            max(top - window.top, 0.0),
            min(right - window.left, window.width),
            min(bottom - window.top, window.height),
        )
        size = self.region.width, self.region.height
        return np.asarray(Image.fromarray(made).resize(size, Image.Resampling.LANCZOS, box=box))

    def _missing(
        self, pixels: Pixels, given: Pixels, made: Pixels, alike: Floats, painted: Floats | None
    ) -> Floats | None:
        """Grain for the sector, as there is around it, less what the model has painted of it; in levels. None: there is
        none around it. ``painted``: the sector, where its size at the model is no smaller."""
        seen = pixels[self.crop.box.slices]
        around = grain.patches(seen, Region(0, 0, self.crop.box.width, self.crop.box.height), self.crop.target)
        found = grain.grain_of(around)
        if found is None:
            return None
        unit = grain.drawn(self.region.height, self.region.width, found.neighbour, self.seed)
        whole = unit.astype(np.float32) - 128
        if painted is not None:
            levels = painted.clip(0, 255).astype(np.uint8)
            there = grain.patches(levels, Region(0, 0, self.region.width, self.region.height))
            return grain.coloured(whole * _lacking(grain.least_of(around), grain.least_of(there)), found)
        everywhere = Region(0, 0, *self.given.size)
        before = grain.least_of(grain.patches(given, everywhere, self.asked))
        lacking = _lacking(before, _least_anew(made, alike)) if before > 0 else 1.0
        if lacking < 1:
            across, down = self.crop.scale
            work = max(1, round(self.region.width * across)), max(1, round(self.region.height * down))
            whole -= (1 - lacking) * grain.as_kept(unit, work)
        return grain.coloured(whole, found)


def _lacking(around: float, there: float) -> float:
    """How much of grain of a variance is to be added to what is there."""
    return math.sqrt(max(0.0, 1 - there / around)) if around > 0 else 0.0


def _least_anew(made: Pixels, alike: Floats) -> float:
    """Variance of the finest that the model has painted anew: :func:`~grain.least_of` over such patches."""
    area = Region(0, 0, made.shape[1], made.shape[0])
    found = grain.patches(np.dstack([made, (alike * 255).astype(np.uint8)]), area)
    if not len(found):
        return 0.0
    anew = found[:, :, :, 3].mean(axis=(1, 2)) < 255 * _ANEW
    return grain.least_of(found[anew][:, :, :, :3])


def _of_size(generated: Floats, size: tuple[int, int]) -> Floats:
    """What a model gave, of the size (width, height) that it was given: some choose one of their own accord."""
    colours = generated[:, :, :3]
    if (colours.shape[1], colours.shape[0]) == size:
        return colours
    levels = np.rint(colours.clip(0, 1) * 255).astype(np.uint8)
    return np.asarray(Image.fromarray(levels).resize(size, Image.Resampling.LANCZOS)).astype(np.float32) / 255
