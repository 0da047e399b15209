"""What the inference thread does beside the pipeline's call when a sector is repainted: there the card waits.

The pipeline is one that gives back the picture it was given, in no time. Counted are the bytes that the thread touches,
of pictures and arrays, for each byte of what the model gave; milliseconds are told beside them, and those of the other
threads: the inputs are made before, the sector is put together after.
"""

from __future__ import annotations

import io
import statistics
import time
from collections.abc import Callable
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
from PIL import Image

from benchmarks.figures import Figure, seconds
from benchmarks.pictures import photograph
from benchmarks.touched import touched, watched
from services.generator.engine import Edit, Pixels
from services.generator.painting.inputs import make_inputs
from shared.sectors import region

CASES = ((1024, 512), (1024, 1024), (2048, 1024), (4096, 1024))
"""Side of the picture and of the model's square, in pixels."""
ROUNDS = 9
CELL_PX = 8


class Returning:
    """A pipeline that gives back its picture, and knows how long that took it."""

    def __init__(self, size: int) -> None:
        self.vae_scale_factor = CELL_PX
        self.config = SimpleNamespace()
        self.unet = SimpleNamespace(config={"sample_size": size // CELL_PX, "block_out_channels": (1, 1, 1, 1)})
        self.scheduler = SimpleNamespace(step=lambda: None)
        self.components: dict[str, Any] = {}
        self.took_s = 0.0
        self.gives: np.ndarray[Any, Any] = np.zeros(0)

    def __call__(
        self,
        prompt: str,
        image: Image.Image,
        mask_image: Image.Image,
        num_inference_steps: int = 1,
        output_type: str = "np",
        callback_on_step_end: Any = None,
    ) -> Any:
        started = time.perf_counter()
        if not self.gives.size:
            self.gives = np.asarray(image).astype(np.float32)[None] / 255
        self.took_s = time.perf_counter() - started
        return SimpleNamespace(images=self.gives)

    def maybe_free_model_hooks(self) -> None:
        return


def measure() -> list[Figure]:
    """Bytes for a byte of the model's, for each size of picture and model."""
    return [_measured(side, size) for side, size in CASES]


def _measured(side: int, size: int) -> Figure:
    from services.generator.models import device
    from services.generator.models.denoising import Denoiser, Monitor
    from services.generator.models.painters import Repaint
    from services.generator.models.presets import Preset

    pipeline = Returning(size)
    denoiser = Denoiser(pipeline, device.choose("cpu", "float32"), Preset())
    repaint = Repaint(denoiser)
    pixels: Pixels = np.asarray(Image.open(io.BytesIO(photograph(side))).convert("RGB"))
    edit = Edit(pixels, region("MC", 3, side, side), "", 1)
    monitor = Monitor(lambda done, of: None, lambda: False)
    ahead = replace(edit, inputs=make_inputs(pixels, edit.region, repaint.work))

    def beside(one: Edit) -> float:
        took_s = seconds(lambda: repaint(one, denoiser.values(one), monitor))
        return took_s - pipeline.took_s

    def median(call: Callable[[], float]) -> float:
        return statistics.median(call() for _ in range(ROUNDS)) * 1000

    edited = repaint(edit, denoiser.values(edit), monitor)
    inference, inline = median(lambda: beside(ahead)), median(lambda: beside(edit))
    inputs = median(lambda: seconds(lambda: make_inputs(pixels, edit.region, repaint.work)))
    sector = median(lambda: seconds(lambda: edited.painted.sector(pixels)))
    given = pipeline.gives.nbytes
    pipeline.gives = watched(pipeline.gives)
    with touched() as count:
        repaint(ahead, denoiser.values(ahead), monitor)
    with touched() as count_inline:
        repaint(edit, denoiser.values(edit), monitor)
    return Figure(
        f"bytes that the inference thread touches beside the model, {side} px at {size}, for a byte of the model's",
        count.bytes / given,
        at_most=1.5,
        detail=(
            f"{count.bytes / 1e6:.1f} MB, {inference:.1f} ms; without inputs made ahead "
            f"{count_inline.bytes / 1e6:.1f} MB, {inline:.1f} ms; on other threads before {inputs:.1f} ms, "
            f"after {sector:.1f} ms"
        ),
    )
