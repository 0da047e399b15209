"""One run of a diffusers pipeline, whatever its class: it is given what it takes, stopped when asked, and watched; and
the engine over it, with no failure that outlives its job.

What a pipeline takes is read from its signature: classes differ in the names of their guidance, in whether they take a
size, a strength, a negative prompt, and in how they report a step.
"""

from __future__ import annotations

import inspect
import logging
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from services.generator.engine import Edit, EditCancelled, Edited, Floats, ModelInfo
from services.generator.models import device
from services.generator.models.device import Placement
from services.generator.models.files import Defaults, first_line
from services.generator.models.text_cache import TextCache
from shared.errors import GenerationFailed, ParafoveaError

log = logging.getLogger(__name__)

_SIZE_WHEN_UNSAID_PX = 512
NO_NEGATIVE = "negative_prompt has no effect: this model, at this guidance_scale, does not heed one"
_PIXELS_AT_LEAST = 8
"""Most pipelines check that their sides are multiples of 8, whatever their parts."""


@dataclass(frozen=True, slots=True)
class Monitor:
    """Gets each step of a run, and may stop it."""

    on_step: Callable[[int, int], None]
    cancelled: Callable[[], bool]

    def check(self) -> None:
        if self.cancelled():
            raise EditCancelled


@dataclass(frozen=True, slots=True)
class Used:
    """The values a run really had. None: the pipeline takes no such value."""

    steps: int
    guidance_scale: float | None
    strength: float | None


class Denoiser:
    """A loaded pipeline.

    Attributes:
        pipeline: as diffusers loaded it; None once closed.
        size: side of the square that the model works at, in pixels.
        factor: what the sides it works at are to be multiples of, in pixels.
        texts: what its text encoders have answered.
    """

    def __init__(self, pipeline: Any, placement: Placement, defaults: Defaults) -> None:
        self.pipeline = pipeline
        self._placement = placement
        self._defaults = defaults
        signature = inspect.signature(pipeline.__call__).parameters
        self._takes = {name: parameter.default for name, parameter in signature.items()}
        self._guidance = _guidance_name(self._takes)
        self.size, self.factor = working_size(pipeline)
        self.size = defaults.size or self.size
        self.texts = TextCache()
        for name, part in pipeline.components.items():
            if name.startswith("text_encoder") and isinstance(part, torch.nn.Module):
                self.texts.memoise(name, part)

    def values(self, edit: Edit) -> Used:
        """What a run of this edit will use: the edit's, else the model folder's, else the pipeline's. Enough steps are
        taken that a small strength leaves at least one."""
        steps = _first(edit.steps, self._defaults.steps, self._takes.get("num_inference_steps"), 50)
        guidance = strength = None
        if self._guidance:
            guidance = _first(edit.guidance_scale, self._defaults.guidance_scale, self._takes[self._guidance])
        if "strength" in self._takes:
            strength = float(_first(edit.strength, self._defaults.strength, self._takes["strength"], 1.0))
            steps = max(steps, math.ceil(1 / strength))
        return Used(int(steps), None if guidance is None else float(guidance), strength)

    def unheeded(self, edit: Edit, used: Used) -> dict[str, str]:
        """A note on a negative prompt that this pipeline has no use for; empty where there is nothing to say.

        Pipelines heed one only while they are guided: by a scale above 1 (Ho and Salimans, "Classifier-free diffusion
        guidance", 2022, with w = scale - 1).
        """
        if not (edit.negative_prompt and edit.negative_prompt.strip()):
            return {}
        if "negative_prompt" in self._takes and used.guidance_scale is not None and used.guidance_scale > 1:
            return {}
        return {"fallback": NO_NEGATIVE}

    def run(self, edit: Edit, used: Used, monitor: Monitor, prompt: str | None = None, **inputs: Any) -> Floats:
        """Denoise one picture: height x width x channels, 0 to 1.

        Args:
            edit: prompt and seed; ``prompt`` stands in for its prompt where given.
            used: from :meth:`values`.
            inputs: pictures and sizes; those that the pipeline does not take are left out.

        Raises:
            EditCancelled: after the step at which the run was no longer wanted.
            GenerationFailed: the model's numbers overflowed.
        """
        wanted: dict[str, Any] = {
            "prompt": edit.prompt if prompt is None else prompt,
            "num_inference_steps": used.steps,
            "strength": used.strength,
            "generator": device.seeded(edit.seed),
            "output_type": "np",
            "negative_prompt": edit.negative_prompt,
            **inputs,
        }
        if edit.negative_prompt is None and self._guidance == "true_cfg_scale":
            wanted["negative_prompt"] = " "  # without one these pipelines do not guide at all
        if "width" in inputs and "height" in inputs:  # Flux Kontext would choose both of its own accord
            wanted |= {"max_area": inputs["width"] * inputs["height"], "_auto_resize": False}
        if self._guidance:
            wanted[self._guidance] = used.guidance_scale
        call = {name: value for name, value in wanted.items() if value is not None and name in self._takes}
        call.update(self._callbacks(used.steps, monitor))
        monitor.check()
        with torch.inference_mode():
            image = np.asarray(self.pipeline(**call).images[0], np.float32)
        if not np.isfinite(image).all():
            raise GenerationFailed(
                f"The model gave no picture: its numbers overflowed in {self._placement.dtype_name}. "
                "Set PARAFOVEA_DTYPE to float32 or bfloat16."
            )
        return image

    def recover(self) -> None:
        """After a failed run: free what it held, so that the next one finds the memory it needs."""
        self.texts.clear()
        device.release_memory(self._placement.device)

    def close(self) -> None:
        self.pipeline = None
        self.recover()

    def _callbacks(self, steps: int, monitor: Monitor) -> dict[str, Any]:
        done = 0

        def count() -> None:
            nonlocal done
            done += 1
            # A strength below 1 leaves steps out, a scheduler of second order has two timesteps each.
            total = getattr(self.pipeline, "num_timesteps", None) or steps
            monitor.on_step(done, max(total, done))
            monitor.check()

        def on_step_end(_pipeline: Any, _step: int, _timestep: Any, tensors: dict[str, Any]) -> dict[str, Any]:
            count()
            return tensors

        if "callback_on_step_end" in self._takes:
            return {"callback_on_step_end": on_step_end}
        if "callback" in self._takes:
            return {"callback": lambda *_: count(), "callback_steps": 1}
        return {}


Painter = Callable[[Edit, Used, Monitor], Edited]
"""How one kind of model makes its change: see :mod:`painters`."""


class DiffusersEngine:
    """An :class:`services.generator.engine.Engine` over a loaded pipeline."""

    def __init__(self, denoiser: Denoiser, painter: Painter, info: ModelInfo) -> None:
        self.denoiser = denoiser
        self._painter = painter
        self.info = info

    def run(self, edit: Edit, on_step: Callable[[int, int], None], cancelled: Callable[[], bool]) -> Edited:
        try:
            return self._painter(edit, self.denoiser.values(edit), Monitor(on_step, cancelled))
        except (EditCancelled, ParafoveaError):
            raise
        except Exception as error:
            log.exception("an edit failed")
            detail = _sentence(error)
        # Here the exception is gone, and with its frames the tensors that they held: memory can be given back.
        self.denoiser.recover()
        raise GenerationFailed(detail)

    def close(self) -> None:
        self.denoiser.close()


def working_size(pipeline: Any) -> tuple[int, int]:
    """Side of the square that a pipeline was trained on, and what its sides are multiples of; both in pixels.

    From the configurations: the network's ``sample_size`` is in latent cells, a cell is ``vae_scale_factor`` pixels; a
    UNet halves it once for each block but the last, a transformer takes patches of two.
    """
    cell = getattr(pipeline, "vae_scale_factor", None) or 1
    network = getattr(pipeline, "unet", None) or getattr(pipeline, "transformer", None)
    config = getattr(network, "config", {})
    cells = config.get("sample_size") or getattr(pipeline, "default_sample_size", None)
    if isinstance(cells, tuple | list):
        cells = max(cells)
    blocks = config.get("block_out_channels")
    factor = math.lcm(_PIXELS_AT_LEAST, cell * (2 ** (len(blocks) - 1) if blocks else 2))
    return (cells * cell if cells else _SIZE_WHEN_UNSAID_PX), factor


def _guidance_name(takes: dict[str, Any]) -> str | None:
    """The parameter that weighs the prompt. Where ``guidance_scale`` has no default it is for distilled models only."""
    if "true_cfg_scale" in takes and takes.get("guidance_scale") is None:
        return "true_cfg_scale"
    return "guidance_scale" if "guidance_scale" in takes else None


def _first(*values: Any) -> Any:
    return next((value for value in values if value is not None), None)


def _sentence(error: Exception) -> str:
    if device.is_out_of_memory(error):
        return "The device ran out of memory; free some, or choose a smaller model or PARAFOVEA_DTYPE=float16."
    return f"The model failed on this request ({first_line(error)}); the log has the details."
