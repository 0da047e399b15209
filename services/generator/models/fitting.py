"""Getting a pipeline onto its device: all of it, or with parts kept off the card until they are used."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch

from services.generator.models.device import Placement, is_out_of_memory
from services.generator.models.files import ModelError
from services.generator.models.loading import cast_to_fp8
from services.generator.models.memory import GB, Offload, Weighs
from shared.process.model_settings import ModelSettings
from shared.system.memory import available_bytes

ADVICE = "Take a smaller model, PARAFOVEA_QUANTIZE=nf4 or a .gguf file (PARAFOVEA_NETWORK)"


@dataclass(frozen=True, slots=True)
class Fit:
    """What was done so that a model fits. ``said``: a sentence on what the settings did not ask for; None: nothing."""

    offload: Offload
    said: str | None = None


def decide(weighs: Weighs, there: float | None, settings: ModelSettings, placement: Placement) -> Fit:
    """What has to stay off the device.

    Args:
        there: bytes that are free on the device; None: nobody knows.

    Raises:
        ModelError: the settings ask for what this device cannot do.
    """
    place = placement.device.type
    need_card(settings, placement)
    if settings.offload in ("model", "group"):
        return Fit(settings.offload)
    if there is None or settings.offload == "none":
        return Fit("none")
    way = weighs.offload_for(there) if place != "cpu" else ("none" if weighs.needed("none") <= there else None)
    if way == "none":
        return Fit("none")
    needs = f"needs about {weighs.needed('none') / GB:.1f} GB and {placement.device} has {there / GB:.1f} GB free"
    if place == "cpu":
        return Fit("none", f"The model {needs}: the machine may run out of memory. {ADVICE}.")
    if way is None:
        return Fit("group", f"The model {needs}, and even by groups it may not fit. {ADVICE}.")
    slower = "whole parts are moved in turn" if way == "model" else "its layers are moved one after the other: slow"
    return Fit(way, f"The model {needs}: PARAFOVEA_OFFLOAD={way} was chosen, {slower}. {ADVICE} to have it whole.")


def need_card(settings: ModelSettings, placement: Placement) -> None:
    """Raise ModelError where the settings keep something off a card, and there is none."""
    if settings.offload in ("model", "group") and placement.device.type == "cpu":
        raise ModelError(
            f"PARAFOVEA_OFFLOAD={settings.offload} is for a card; the model is on the processor. Leave it out."
        )


def after(fit: Fit, settings: ModelSettings, placement: Placement) -> Fit | None:
    """What is left to try where memory ran out all the same; None: nothing, or the settings leave no choice."""
    following: dict[Offload, Offload] = {"none": "model", "model": "group"}
    way = following.get(fit.offload)
    if way is None or settings.offload != "auto" or placement.device.type == "cpu":
        return None
    return Fit(way, f"Memory ran out on {placement.device}: PARAFOVEA_OFFLOAD={way} was chosen. {ADVICE}.")


def place(pipeline: Any, fit: Fit, placement: Placement, settings: ModelSettings) -> None:
    """Move a pipeline to its device. Raises ModelError: it cannot be done with this pipeline."""
    device = placement.device
    if settings.quantize == "fp8":
        cast_to_fp8(pipeline, placement.dtype)
    try:
        if fit.offload == "model":
            pipeline.enable_model_cpu_offload(device=device)
        elif fit.offload == "group":
            pipeline.enable_group_offload(
                onload_device=device,
                offload_device=torch.device("cpu"),
                offload_type="leaf_level",
                use_stream=device.type == "cuda",
            )
        else:
            pipeline.to(device)
    except (ValueError, NotImplementedError, RuntimeError) as error:
        if is_out_of_memory(error) or fit.offload == "none":
            raise
        raise ModelError(f"PARAFOVEA_OFFLOAD={fit.offload} does not work with this model: {error}") from error


def free_bytes(device: torch.device) -> float | None:
    """Bytes that are free on a device; None where that is not known."""
    if device.type == "cuda":
        return float(torch.cuda.mem_get_info(device)[0])
    if device.type == "mps":
        return float(torch.mps.recommended_max_memory() - torch.mps.driver_allocated_memory())
    return available_bytes()
