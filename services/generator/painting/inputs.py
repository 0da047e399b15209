"""What a repainting model is given of a picture: its crop at the model's size, and the mask. No torch in it, and no
thread: whoever has the time makes it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from PIL import Image

from services.generator.engine import Edit, Pixels, WorkSize
from services.generator.painting import crop
from services.generator.painting.crop import Crop
from shared.sectors import Region


@dataclass(frozen=True, slots=True)
class ModelInputs:
    """A crop and its mask, as a pipeline takes them. Both are only read.

    Attributes:
        pixels: the whole picture that they were made of.
        picture: RGB, of the model's size.
        mask: grey, of the same size, white where to paint: whole cells of the latents.
    """

    pixels: Pixels
    region: Region
    work: WorkSize
    crop: Crop
    picture: Image.Image
    mask: Image.Image

    @property
    def held_bytes(self) -> int:
        """Memory that they take beside their picture."""
        return 4 * self.crop.work_width * self.crop.work_height

    @property
    def painted(self) -> Region:
        """What is white in the mask."""
        return self.crop.mask(self.work.cell)

    def are_for(self, edit: Edit, work: WorkSize) -> bool:
        """Whether a model of this size would be given just these for an edit."""
        return self.pixels is edit.pixels and self.region == edit.region and self.work == work


def make_inputs(pixels: Pixels, region: Region, work: WorkSize) -> ModelInputs:
    """Crop and mask for a sector: the same arguments give the same bytes. Of the picture, height x width x 3, nothing
    is read but the crop's box. Called from any thread. Raises ValueError: the sector is not within the picture."""
    height, width = pixels.shape[:2]
    planned = crop.plan(region, width, height, work.size, work.factor, rounds=work.chooses)
    size = planned.work_width, planned.work_height
    seen = Image.fromarray(np.ascontiguousarray(pixels[planned.box.slices]))
    mask = Image.new("L", size)
    mask.paste(255, planned.mask(work.cell).as_tuple())
    return ModelInputs(pixels, region, work, planned, seen.resize(size, Image.Resampling.LANCZOS), mask)


def inputs_of(edit: Edit, work: WorkSize) -> ModelInputs:
    """The inputs that came with an edit, or where they are not for it and this model, new ones."""
    given = edit.inputs
    if isinstance(given, ModelInputs) and given.are_for(edit, work):
        return given
    return make_inputs(edit.pixels, edit.region, work)
