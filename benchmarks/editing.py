"""An edit by the embedded model, 1024 square, against the bare call of its pipeline.

What is compared is everything that the engine adds: understanding the prompt, cutting the object out, finding the
photograph's light, sharpness and sky, compositing.
"""

from __future__ import annotations

import io
from typing import Any

import numpy as np
from PIL import Image

from benchmarks.figures import Figure, abba, seconds
from benchmarks.systems import photograph
from services.generator.engine import Edit, Engine
from services.generator.load import load_engine
from services.generator.models.presets import recommend
from services.generator.models.sources import find
from shared.process.settings import Settings
from shared.sectors import region

ROUNDS = 6
SIDE = 1024
PROMPT = "a glossy red mushroom"


def measure() -> list[Figure]:
    """The edit's time as a ratio. A new seed each time; both have the prompt's embedding from the second call on."""
    settings = Settings(model="")
    engine = load_engine(settings)
    import torch  # not before: what is loaded first decides how its threads wait

    pixels = np.asarray(Image.open(io.BytesIO(photograph(SIDE))).convert("RGB"))
    target = region("BR", 3, SIDE, SIDE)
    bare = _bare(engine)
    defaults = recommend(find(settings).model, None).preset
    seeds = iter(range(1, 1000))

    def ours() -> float:
        edit = Edit(pixels, target, PROMPT, next(seeds))
        return seconds(lambda: engine.run(edit, lambda done, of: None, lambda: False).painted.sector(pixels))

    def pipelines() -> float:
        generator = torch.Generator("cpu").manual_seed(next(seeds))
        with torch.inference_mode():
            return seconds(
                lambda: bare(
                    prompt=PROMPT,
                    num_inference_steps=defaults.steps,
                    guidance_scale=defaults.guidance_scale,
                    width=defaults.size,
                    height=defaults.size,
                    generator=generator,
                    output_type="np",
                )
            )

    ours(), pipelines()  # the first call of each also warms up
    edit, call = abba(ours, pipelines, ROUNDS)
    engine.close()
    return [
        Figure(
            "an edit at 1024 square by the embedded model against its pipeline's bare call",
            edit / call,
            at_most=2.0,
            detail=f"{edit * 1000:.0f} ms against {call * 1000:.0f} ms, {engine.info.dtype} on {engine.info.device}",
        )
    ]


def _bare(engine: Engine) -> Any:
    """The same model as diffusers itself loads it, in the engine's precision and on its device."""
    import diffusers
    import torch

    pipeline = diffusers.DiffusionPipeline.from_pretrained(
        str(find(Settings(model="")).model.folder),
        dtype=getattr(torch, engine.info.dtype),
        local_files_only=True,
        safety_checker=None,
        requires_safety_checker=False,
    ).to(engine.info.device)
    pipeline.set_progress_bar_config(disable=True)
    return pipeline
