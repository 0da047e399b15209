"""One run of a diffusers pipeline, whatever its class: it is given what it takes, stopped when asked, and watched.

What a pipeline takes is read from its signature: classes differ in the names of their guidance, in whether they take a
size, a strength, a negative prompt, and in how they report a step.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from PIL import Image

from services.generator.engine import Edit, EditCancelled, Floats
from services.generator.models import device
from services.generator.models.device import Placement
from services.generator.models.families import Family
from services.generator.models.presets import Preset
from services.generator.models.text_cache import TextCache
from services.generator.models.values import Used, Values
from shared.errors import GenerationFailed

_SIZE_WHEN_UNSAID_PX = 512
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


class Denoiser:
    """A loaded pipeline.

    Attributes:
        pipeline: as diffusers loaded it; None once closed.
        size: side of the square that the model works at, in pixels.
        factor: what the sides it works at are to be multiples of, in pixels.
        chooses_size: how it rounds the sides of what it is given; None: it takes them.
        texts: prompts that it has encoded.
    """

    def __init__(self, pipeline: Any, placement: Placement, preset: Preset, family: Family | None = None) -> None:
        self.pipeline = pipeline
        self._placement = placement
        self._values = Values(pipeline, preset, family)
        self.size, self.factor = working_size(pipeline)
        self.size = preset.size or self.size
        self.chooses_size = family.chooses_size if family is not None else None
        self.texts = TextCache()
        self.texts.memoise(pipeline)

    def values(self, edit: Edit) -> Used:
        """What a run of this edit will use."""
        return self._values.of(edit)

    def unheeded(self, edit: Edit, used: Used) -> dict[str, str]:
        """A note on a negative prompt that does nothing here; empty where there is nothing to say."""
        return self._values.unheeded(edit, used)

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
        takes = self._values.takes
        wanted: dict[str, Any] = {
            "prompt": edit.prompt if prompt is None else prompt,
            "generator": device.seeded(edit.seed),
            "output_type": "np",
            **self._values.call(edit, used),
            **inputs,
        }
        if "width" in inputs and "height" in inputs:
            wanted |= self._of_size(inputs["width"], inputs["height"])
        call = {name: value for name, value in wanted.items() if value is not None and name in takes}
        monitor.check()
        torch.manual_seed(edit.seed)  # for a class that draws something without the generator that it is given
        with self._watched(used.steps, monitor) as callbacks, torch.inference_mode():
            image = np.asarray(self.pipeline(**call, **callbacks).images[0], np.float32)
        if not math.isfinite(float(image.sum(dtype=np.float64))):
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

    def _of_size(self, width: int, height: int) -> dict[str, Any]:
        """What some classes need to be told besides: not to choose a size of their own accord; and those that want a
        control picture beside a mask are given an empty one."""
        more: dict[str, Any] = {"max_area": width * height, "_auto_resize": False}
        if "control_image" in self._values.takes:
            more["control_image"] = Image.new("RGB", (width, height))
        return more

    @contextmanager
    def _watched(self, steps: int, monitor: Monitor) -> Iterator[dict[str, Any]]:
        """Counts the steps of a run, and ends it where it is not wanted. Yields arguments for the call; a class that
        has no callback has its scheduler watched, which takes each step."""
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

        try:
            if "callback_on_step_end" in self._values.takes:
                yield {"callback_on_step_end": on_step_end}
            elif "callback" in self._values.takes:
                yield {"callback": lambda *_: count(), "callback_steps": 1}
            else:
                with _after_each_step(self.pipeline.scheduler, count):
                    yield {}
        except BaseException:
            self._forget_steps()
            raise

    def _forget_steps(self) -> None:
        """A run that was broken off leaves what a step cache has kept, and parts on the card: the next one must find
        neither. Whoever runs to its end does both itself."""
        if self.pipeline is not None:
            self.pipeline.maybe_free_model_hooks()


@contextmanager
def _after_each_step(scheduler: Any, then: Callable[[], None]) -> Iterator[None]:
    """Calls back when a scheduler has taken a step."""
    step = scheduler.step

    def counted(*args: Any, **kwargs: Any) -> Any:
        result = step(*args, **kwargs)
        then()
        return result

    scheduler.step = counted
    try:
        yield
    finally:
        del scheduler.step  # the class's own comes back


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
