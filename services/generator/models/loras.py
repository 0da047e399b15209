"""LoRA files into a pipeline (Hu et al., "LoRA: low-rank adaptation of large language models", 2021)."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

from services.generator.models.device import said_as
from services.generator.models.files import ModelError, local_file
from shared.process.model_settings import ModelSettings, parse_lora
from shared.system.extras import need_packages


def files(settings: ModelSettings) -> list[tuple[Path, float]]:
    """The LoRA files that the settings name, with their weights. Raises ModelError: one is not there."""
    folder, kinds = settings.models_dir, (".safetensors",)
    named = map(parse_lora, settings.lora)
    return [(local_file(path, folder, "PARAFOVEA_LORA", kinds), weight) for path, weight in named]


def load(pipeline: Any, settings: ModelSettings) -> None:
    """Load the settings' LoRA files, to be used together. Raises ModelError: a file does not fit the model."""
    found = files(settings)
    if not found:
        return
    need_packages(("peft",), "PARAFOVEA_LORA", "models")
    if not hasattr(pipeline, "load_lora_weights"):
        raise ModelError(f"diffusers has no LoRA for {type(pipeline).__name__}; leave PARAFOVEA_LORA empty.")
    names = [f"lora_{number}" for number in range(len(found))]
    for name, (path, _) in zip(names, found, strict=True):
        options = {"weight_name": path.name, "adapter_name": name, "local_files_only": True}
        with said_as(partial("PARAFOVEA_LORA: {} does not fit this model: {}".format, path.name)):
            pipeline.load_lora_weights(str(path.parent), **options)
        if not any(name in adapters for adapters in pipeline.get_list_adapters().values()):
            raise ModelError(f"PARAFOVEA_LORA: nothing in {path.name} fits this model; was it made for another?")
    pipeline.set_adapters(names, [weight for _, weight in found])
