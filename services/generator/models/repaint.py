"""The kinds of model that repaint a sector: with a mask (inpaint) and without one (edit)."""

from __future__ import annotations

import numpy as np
from PIL import Image

from services.generator.engine import Edit, Edited, Floats, Pixels
from services.generator.models.denoising import Denoiser, Monitor, Used
from services.generator.painting import crop, paste
from shared.sectors import Region


class Repaint:
    """Paints a sector anew: its crop goes through the model, and what lies inside the sector is pasted back.

    A pipeline that takes no mask sees the crop alone, and changes what its prompt says.
    """

    def __init__(self, denoiser: Denoiser) -> None:
        self._denoiser = denoiser

    def __call__(self, edit: Edit, used: Used, monitor: Monitor) -> Edited:
        height, width = edit.pixels.shape[:2]
        planned = crop.plan(edit.region, width, height, self._denoiser.size, self._denoiser.factor)
        box, work = planned.box, (planned.work_width, planned.work_height)
        original = edit.pixels[box.slices]
        picture = Image.fromarray(original).resize(work, Image.Resampling.LANCZOS)
        generated = self._denoiser.run(
            edit,
            used,
            monitor,
            image=picture,
            mask_image=_mask(planned.target, (box.width, box.height), work),
            width=planned.work_width,
            height=planned.work_height,
        )
        painted = paste.match_tone(_to_box(generated, box), original, planned.target)
        inside = planned.target
        pixels = paste.paste(edit.pixels, edit.region, painted[inside.slices])
        notes = self._denoiser.unheeded(edit, used)
        return Edited(pixels, used.steps, used.guidance_scale, used.strength, notes)


def _mask(target: Region, box_size: tuple[int, int], work_size: tuple[int, int]) -> Image.Image:
    """White where to paint. Scaled as the picture is, then hard again: pipelines threshold masks each in its way."""
    mask = Image.new("L", box_size)
    mask.paste(255, target.as_tuple())
    return mask.resize(work_size, Image.Resampling.BILINEAR).point([0] * 128 + [255] * 128)


def _to_box(generated: Floats, box: Region) -> Pixels:
    pixels = np.rint(generated[:, :, :3].clip(0, 1) * 255).astype(np.uint8)
    return np.asarray(Image.fromarray(pixels).resize((box.width, box.height), Image.Resampling.LANCZOS))
