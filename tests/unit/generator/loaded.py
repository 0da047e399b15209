"""Tiny models of families behind the engine's interface, loaded with settings and asked for a picture."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from peft import LoraConfig
from peft.utils import get_peft_model_state_dict

from services.generator.engine import Edit, Engine, Pixels, edited_picture
from services.generator.load import load_engine
from services.generator.models.running import DiffusersEngine
from shared import sectors
from shared.process.settings import Settings

Folder = Callable[[str], Path]


def load(model: Path, **settings: Any) -> DiffusersEngine:
    engine = load_engine(Settings(model=str(model), device="cpu", **{"dtype": "float32", **settings}))
    assert isinstance(engine, DiffusersEngine)
    return engine


def picture(engine: Engine, photo: Pixels) -> Pixels:
    edit = Edit(photo, sectors.region("MC", 3, photo.shape[1], photo.shape[0]), "a fox", 3)
    first, again = (
        edited_picture(edit, engine.run(edit, lambda done, of: None, lambda: False)) for _ in range(2)
    )  # fmt: skip
    assert np.array_equal(first, again), "what a run leaves behind must not reach the next one"
    return first


def lora(pipeline: Any, part: str, path: Path) -> Path:
    """A LoRA file of random weights for a pipeline's network."""
    network = getattr(pipeline, part)
    network.add_adapter(LoraConfig(r=2, lora_alpha=2, target_modules=["to_q", "to_k", "to_v"]))
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for name, weights in network.named_parameters():
            if "lora_B" in name:
                weights.normal_(0, 1, generator=generator)
    layers = {f"{part}_lora_layers": get_peft_model_state_dict(network)}
    type(pipeline).save_lora_weights(str(path.parent), weight_name=path.name, **layers)
    return path
