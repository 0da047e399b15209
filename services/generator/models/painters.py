"""How each kind of model makes its change: one repaints the sector, with a mask (inpaint) or without one (edit); one
makes an object (layer), which is put into the photograph."""

from __future__ import annotations

import re
from typing import Any

from services.generator.engine import Edit, Edited, WorkSize
from services.generator.language.understanding import understand
from services.generator.language.vocabulary import Vocabulary
from services.generator.language.words import Size
from services.generator.models.denoising import Denoiser, Monitor
from services.generator.models.values import Used
from services.generator.painting.cutout import NothingDrawn, cut_out
from services.generator.painting.inputs import inputs_of
from services.generator.painting.painted import Drawn, Untouched
from services.generator.painting.placing import Wish
from services.generator.painting.repainted import Repainted
from shared.errors import GenerationFailed

_SMALL = re.compile(r"\b(small|tiny|little|mini|miniature)\b", re.IGNORECASE)
_LARGE = re.compile(r"\b(large|big|huge|giant|enormous)\b", re.IGNORECASE)
_RGBA = 4
_CELL_PX = 8
"""Of an autoencoder that does not say."""


class Repaint:
    """Paints a sector anew: its crop goes through the model, and what lies inside the sector is pasted back.

    A pipeline that takes no mask sees the crop alone, and changes what its prompt says.
    """

    def __init__(self, denoiser: Denoiser) -> None:
        self._denoiser = denoiser
        self.work = work_size(denoiser)

    def __call__(self, edit: Edit, used: Used, monitor: Monitor) -> Edited:
        inputs = inputs_of(edit, self.work)
        generated = self._denoiser.run(
            edit,
            used,
            monitor,
            image=inputs.picture,
            mask_image=inputs.mask,
            width=inputs.crop.work_width,
            height=inputs.crop.work_height,
        )
        painted = Repainted.of(generated, inputs, edit.seed)
        return Edited(painted, used.steps, used.guidance_scale, used.strength, self._denoiser.unheeded(edit, used))


def work_size(denoiser: Denoiser) -> WorkSize:
    """What a pipeline works at when it repaints. Masks end at cells of its latents; a transformer takes two by two of
    them."""
    pipeline = denoiser.pipeline
    pixels = getattr(pipeline, "vae_scale_factor", None)
    cell = pixels if isinstance(pixels, int) else _CELL_PX
    patch = 1 if getattr(pipeline, "transformer", None) is None else 2
    return WorkSize(denoiser.size, denoiser.factor, patch * cell, denoiser.chooses_size)


class Layer:
    """Draws an object from text, with a pipeline whose pictures have four channels, and composites it into the sector.
    A model that came without a vocabulary is given the prompt as it is."""

    def __init__(self, denoiser: Denoiser, vocabulary: Vocabulary | None) -> None:
        self._denoiser = denoiser
        self._vocabulary = vocabulary

    def __call__(self, edit: Edit, used: Used, monitor: Monitor) -> Edited:
        caption, wish, notes = self._understand(edit, used)
        if wish is None:
            monitor.check()
            return Edited(Untouched(edit.region), 0, used.guidance_scale, used.strength, notes)
        side = self._denoiser.size
        rgba = self._denoiser.run(edit, used, monitor, prompt=caption, width=side, height=side)
        if rgba.shape[2] != _RGBA:
            raise GenerationFailed(f"The model gave {rgba.shape[2]} channels, not RGBA; set PARAFOVEA_MODEL_KIND.")
        try:
            cutout = cut_out(rgba)
        except NothingDrawn:
            raise GenerationFailed("The model drew nothing for this prompt; try another seed or prompt.") from None
        height, width = edit.pixels.shape[:2]
        drawn = Drawn(cutout, wish, edit.region, edit.seed, (width, height))
        return Edited(drawn, used.steps, used.guidance_scale, used.strength, notes)

    def _understand(self, edit: Edit, used: Used) -> tuple[str, Wish | None, dict[str, Any]]:
        """Caption for the model, wish for the placing (None: nothing is to be drawn), and what to tell the client."""
        if self._vocabulary is None:
            return edit.prompt, Wish(size=size_in(edit.prompt)), self._denoiser.unheeded(edit, used)
        height, width = edit.pixels.shape[:2]
        resolved = understand(self._vocabulary, edit.prompt, edit.negative_prompt, edit.region, (width, height))
        said = {"object": resolved.object, "fallback": resolved.fallback}
        notes = {name: value for name, value in said.items() if value is not None}
        if resolved.object is None:
            return "", None, notes
        wish = Wish(resolved.size, resolved.place, resolved.count, colour_asked=resolved.colour is not None)
        return resolved.caption_for(edit.seed), wish, notes


def size_in(prompt: str) -> Size:
    """The size that a prompt asks for in a word."""
    if _SMALL.search(prompt):
        return "small"
    return "large" if _LARGE.search(prompt) else "medium"
