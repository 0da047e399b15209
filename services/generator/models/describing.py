"""What a frame says of the model that made it: which one, on what, and all that may change its pixels."""

from __future__ import annotations

from importlib.metadata import version
from pathlib import Path
from typing import Any

from services.generator.engine import ModelInfo
from services.generator.models import device, identity, loras, tiny_decoder
from services.generator.models.denoising import Denoiser
from services.generator.models.device import Placement
from services.generator.models.files import network_file
from services.generator.models.fitting import Fit
from services.generator.models.loading import network_of
from services.generator.models.presets import Preset
from services.generator.models.sources import Wanted
from services.generator.painting.renderer import RENDERER
from shared.frame import LoadedLora, Model
from shared.process.model_settings import ModelSettings
from shared.version import VERSION

_LIBRARIES = ("torch", "diffusers", "transformers", "numpy", "pillow", "scipy")


def describe(
    wanted: Wanted,
    kind: str,
    settings: ModelSettings,
    placement: Placement,
    denoiser: Denoiser,
    preset: Preset,
    fit: Fit,
    tuned: dict[str, Any],
) -> ModelInfo:
    """A loaded model. ``tuned``: what :mod:`tuning` has done."""
    pipeline = denoiser.pipeline
    adapters = loras.files(settings)
    model = Model(
        id=wanted.model.id,
        revision=identity.revision_of(wanted.model),
        files_sha256=identity.files_sha256([*wanted.loaded_files, *_beside(settings, adapters, pipeline)]),
        loras=tuple(
            LoadedLora(file=path.name, sha256=identity.digests([path])[0], weight=weight) for path, weight in adapters
        )
        or None,
        kind=kind,
        pipeline=type(pipeline).__name__,
        scheduler=type(getattr(pipeline, "scheduler", None)).__name__,
    )
    done = {
        "offload": fit.offload if fit.offload != "none" else None,
        "quantize": settings.quantize if settings.quantize != "none" else None,
        "network": Path(settings.network).name or None,
        "tiny_decoder": settings.tiny_decoder or None,
        "work_px": denoiser.size,
        "timestep_spacing": preset.timestep_spacing,
        "true_cfg_scale": preset.true_cfg_scale,
    }
    return ModelInfo(
        model=model,
        device=str(placement.device),
        dtype=placement.dtype_name,
        versions={"parafovea": VERSION, **{name: version(name) for name in _LIBRARIES}},
        environment={
            "renderer": RENDERER,
            **device.environment(placement.device),
            "attention": _attention(network_of(pipeline)[1]),
            **{name: value for name, value in done.items() if value is not None},
            **tuned,
        },
        advice=fit.said,
    )


def _beside(settings: ModelSettings, adapters: list[tuple[Path, float]], pipeline: Any) -> list[tuple[str, Path]]:
    """Files that settings add to a model's own, each by what it is for: they are a part of what the model is."""
    found = [(f"lora {weight:g}", path) for path, weight in adapters]
    if settings.network:
        found.append(("network", network_file(settings)))
    if settings.tiny_decoder:
        found += [("tiny_decoder", path) for path in tiny_decoder.files(pipeline)]
    return found


def _attention(network: Any) -> str:
    processors = getattr(network, "attn_processors", {})
    return ", ".join(sorted({type(processor).__name__ for processor in processors.values()})) or "unknown"
