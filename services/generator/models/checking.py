"""Would a model load here, and fit? What there is to say before it is fetched, in sentences."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from services.generator.models import memory
from services.generator.models.files import ModelError
from services.generator.models.looking import Expected, Look, parameters
from services.generator.models.memory import GB, Weighs
from services.generator.models.room import free_disk, too_little_disk
from services.generator.models.weights import need_sentencepiece, without
from shared.process.model_settings import ModelSettings
from shared.system.extras import NotInstalled, need_packages
from shared.system.memory import available_bytes

WAYS = ("none", "nf4", "fp8")
"""Of keeping weights; ``none``: as they are."""
_SLOW_ON_A_PROCESSOR = 300_000_000
"""Parameters from which on a run on a processor takes minutes rather than seconds."""
_FEW_STEPS, _MANY_STEPS = 10, 20
_LOADED = ("text_encoder", "transformer", "unet", "vae")


@dataclass(frozen=True, slots=True)
class Memory:
    """What a model needs of its device, and what there is.

    Attributes:
        device: in words.
        parameters: by component.
        needs: by way of keeping the weights.
        free, total: bytes; None where the system does not say.
        ram: bytes of the machine's memory that can be had now.
    """

    device: str
    is_processor: bool
    dtype: str
    parameters: dict[str, int]
    needs: dict[str, Weighs]
    free: float | None
    total: float | None
    ram: float | None


@dataclass(slots=True)
class Said:
    """Sentences: why it would not load or fit; what is to be known before it is loaded; what is good to know."""

    refused: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Check:
    """What there is to say of a model. ``disk``: bytes that are free where models of the hub are kept, and where."""

    memory: Memory
    disk: tuple[int, Path]
    said: Said


def check(look: Look, expected: Expected, settings: ModelSettings) -> Check:
    """Look at files, disk and memory. Raises ModelError: the settings' device is not there, or a file is damaged."""
    said = Said()
    there = _memory(look, expected, settings)
    disk = free_disk()
    said.refused += too_little_disk(look.to_fetch_bytes, disk)
    said.refused += _unloadable_parts(look, set(without(settings)))
    said.refused += _missing(look, settings)
    said.refused += _refusals(look, settings)
    say_memory(there, settings, said)
    _say_files(look, settings, said)
    _say_runs(look, expected, there, said)
    return Check(there, disk, said)


def _memory(look: Look, expected: Expected, settings: ModelSettings) -> Memory:
    import torch

    from services.generator.models import device, fitting

    placement = device.choose(settings.device, settings.dtype)
    place = placement.device
    counts = memory.with_network(parameters(look), look.model, settings, placement.dtype_name)
    size = expected.size_px or memory.LARGE_PX
    can_be_nf4 = place.type != "mps" and look.model.single is None
    ways = [way for way in WAYS if way != "nf4" or can_be_nf4]
    needs = {way: memory.weighs(counts, size, placement.dtype_name, way, look.network) for way in ways}
    name = torch.cuda.get_device_name(place) if place.type == "cuda" else "the processor"
    total: float | None = _ram_bytes()
    if place.type == "cuda":
        total = float(torch.cuda.mem_get_info(place)[1])
    elif place.type == "mps":
        name, total = "this Mac's GPU", float(torch.mps.recommended_max_memory())
    free = fitting.free_bytes(place)
    return Memory(name, place.type == "cpu", placement.dtype_name, counts, needs, free, total, available_bytes())


def _ram_bytes() -> float | None:
    if sys.platform == "win32":
        return None
    return float(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"))


def _unloadable_parts(look: Look, elsewhere: set[str]) -> Iterator[str]:
    """Parts without weights, or of a class that the libraries here do not have."""
    import diffusers
    import transformers

    weighed = {name.partition("/")[0] for name in look.chosen.weights}
    libraries: dict[str, Any] = {"diffusers": diffusers, "transformers": transformers}
    for part in look.model.parts:
        library, name = look.model.index[part]
        if part.startswith(_LOADED) and library in libraries and not hasattr(libraries[library], name):
            version = libraries[library].__version__
            yield f"Its {part} is a {name}, which {library} {version} does not have; a newer one may."
        elif part.startswith(_LOADED) and part not in weighed | elsewhere and look.model.single is None:
            yield f"There are no weights of its {part} that could be loaded; look at the files on its page."


def _missing(look: Look, settings: ModelSettings) -> Iterator[str]:
    """Packages that are wanted for this model and these settings, and not installed."""
    wanted: list[tuple[tuple[str, ...], str]] = []
    for part in need_sentencepiece(look.model, look.chosen):
        wanted.append((("sentencepiece", "protobuf"), f"The {part} of {look.model.id}"))
    if settings.quantize == "nf4":
        wanted.append((("bitsandbytes",), "PARAFOVEA_QUANTIZE=nf4"))
    if settings.network.endswith(".gguf"):
        wanted.append((("gguf",), "A .gguf file"))
    if settings.lora:
        wanted.append((("peft",), "PARAFOVEA_LORA"))
    for packages, what in wanted:
        try:
            need_packages(packages, what, "models")
        except NotInstalled as error:
            yield str(error)


def _refusals(look: Look, settings: ModelSettings) -> Iterator[str]:
    """What loading would refuse of the settings, by what loading itself asks."""
    from services.generator.models import device, fitting, loading, loras, tiny_decoder, tuning

    placement = device.choose(settings.device, settings.dtype)
    asked: tuple[Callable[[], object], ...] = (
        lambda: loading.need_nf4(look.model, placement, settings),
        lambda: fitting.need_card(settings, placement),
        lambda: tuning.refuse(settings),
        lambda: loras.files(settings),
        lambda: tiny_decoder.need_named(settings),
    )
    for refuse in asked:
        try:
            refuse()
        except ModelError as error:
            yield str(error)


def say_memory(there: Memory, settings: ModelSettings, said: Said) -> None:
    """Add what there is to say of a model's memory, as the settings would load it."""
    if settings.quantize not in there.needs:
        return  # it would be refused, and that is said
    weighs = there.needs[settings.quantize]
    weights = sum(weighs.parts.values())
    if settings.quantize != "none":
        said.notes.append(f"PARAFOVEA_QUANTIZE={settings.quantize} changes pixels: weights are rounded.")
    if there.is_processor:
        if there.total is not None and weighs.needed("none") > there.total:
            said.refused.append(_too_large(there, weighs.needed("none")))
        elif there.free is not None and weighs.needed("none") > there.free:
            said.warnings.append(f"{_needs(there, weighs)}: end other programs first, or the machine may run out.")
        return
    least = weighs.needed("group")
    if there.total is not None and least > there.total:
        said.refused.append(_too_large(there, least))
    elif there.free is not None and (way := weighs.offload_for(there.free)) != "none":
        slower = {
            "model": "whole parts are moved to it in turn (PARAFOVEA_OFFLOAD=model), which is slower",
            "group": "its layers are moved to it one after the other (PARAFOVEA_OFFLOAD=group), which is slow",
            None: "not even layers that are moved to it in turn fit; end what else is on the card",
        }[way]
        smaller = [one for one in there.needs if there.needs[one].needed("none") <= there.free]
        instead = f"; PARAFOVEA_QUANTIZE={smaller[0]} would have it whole, with other pixels" if smaller else ""
        said.warnings.append(f"{_needs(there, weighs)}: {slower}{instead}.")
    if there.ram is not None and weights > there.ram:
        said.warnings.append(
            f"Its weights pass through the machine's memory: {weights / GB:.1f} GB, of which {there.ram / GB:.1f} GB "
            "can be had now."
        )


def _needs(there: Memory, weighs: Weighs) -> str:
    free = 0.0 if there.free is None else there.free
    return f"It needs about {weighs.needed('none') / GB:.1f} GB and {there.device} has {free / GB:.1f} GB free"


def _too_large(there: Memory, least: float) -> str:
    total = 0.0 if there.total is None else there.total
    return (
        f"It needs about {least / GB:.1f} GB at the least and {there.device} has {total / GB:.1f} GB in all. Take a "
        "smaller model, PARAFOVEA_QUANTIZE=nf4 or a .gguf file (PARAFOVEA_NETWORK), or another machine."
    )


def _say_files(look: Look, settings: ModelSettings, said: Said) -> None:
    if look.chosen.pickles:
        said.warnings.append("Its weights are pickles, which can run any code of their maker.")
    if look.listing is not None and look.listing.gated:
        said.notes.append(
            "Its page asks you to accept a licence before it is given; you have a token that may fetch it."
        )
    if settings.network:
        said.notes.append("PARAFOVEA_NETWORK takes the place of its network, whose weights are not fetched.")


def _say_runs(look: Look, expected: Expected, there: Memory, said: Said) -> None:
    if there.is_processor and sum(there.parameters.values()) >= _SLOW_ON_A_PROCESSOR:
        said.warnings.append("It would run on the processor, since there is no card: slow, minutes a picture.")
    if expected.steps >= _MANY_STEPS:
        said.notes.append(f"It takes {expected.steps} steps a picture; few-step models of its family take 4 to 8.")
    elif expected.steps <= _FEW_STEPS:
        said.notes.append(f"It takes only {expected.steps} steps a picture.")
    if expected.takes_twice:
        said.notes.append(
            "Each step takes twice as long as it might: its guidance is a second prediction, without the prompt. A "
            f"guidance of {expected.guided_above:g} turns that off, where the model bears it."
        )
    if look.role.kind == "edit":
        said.notes.append("It takes no mask: it repaints a whole crop, and what lies outside the sector is put back.")
    if look.role.family is None and look.role.kind != "layer":
        said.notes.append("It is of no family that is known here: nothing is recommended for it, and nobody tried it.")
