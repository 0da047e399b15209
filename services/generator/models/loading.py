"""A model's weights into a pipeline: by the class that edits, in the precision and form that the settings ask for.

A safety checker is not loaded: it answers a false alarm with a black picture, which would go into the sector of an
experiment unnoticed.
"""

from __future__ import annotations

import inspect
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch

from services.generator.models import loras, tiny_decoder
from services.generator.models.device import Placement, is_out_of_memory
from services.generator.models.files import ModelError, ModelFolder, first_line, network_file
from services.generator.models.kinds import Role, pipeline_class
from services.generator.models.presets import Preset
from services.generator.models.processors import Processors, processors_of
from services.generator.models.sources import Wanted
from services.generator.models.weights import NETWORKS, UNLOADED, need_sentencepiece
from shared.process.model_settings import ModelSettings
from shared.system.extras import NotInstalled, need_packages

_ENCODERS = ("text_encoder", "text_encoder_2", "text_encoder_3")
_KEPT_WIDE = ("embed", "norm", "shared", r"\.wo$")


def load_pipeline(wanted: Wanted, role: Role, placement: Placement, settings: ModelSettings, preset: Preset) -> Any:
    """The pipeline in the machine's memory, not yet on its device. Raises ModelError: it cannot be loaded, and why."""
    cls = pipeline_class(role.loaded_by)
    try:
        _need_for_tokenizers(wanted)
        processors = processors_of(wanted.model.folder)
        options = _options(cls, wanted, placement, settings, processors)
        if wanted.model.single is not None:
            pipeline = cls.from_single_file(str(wanted.model.single), config=str(wanted.model.folder), **options)
        else:
            with _files_of(wanted) as files:
                pipeline = cls.from_pretrained(**files, local_files_only=True, variant=wanted.chosen.variant, **options)
        processors.complete(pipeline)
        _complete(pipeline)
        _set_scheduler(pipeline, preset)
        tiny_decoder.put_in(pipeline, settings, placement)
        loras.load(pipeline, settings)
    except ModelError:
        raise
    except NotInstalled as error:
        raise ModelError(str(error)) from None
    except Exception as error:
        if is_out_of_memory(error):
            raise
        raise ModelError(
            f"{wanted.model.id!r} cannot be loaded as a model that does {role.kind}: {first_line(error)}"
        ) from error
    pipeline.set_progress_bar_config(disable=True)
    return pipeline


def network_of(pipeline: Any) -> tuple[str, Any]:
    """Name and module of the component that runs at each step; an empty name and None where there is none."""
    return next(((name, part) for name in NETWORKS if (part := getattr(pipeline, name, None)) is not None), ("", None))


def _need_for_tokenizers(wanted: Wanted) -> None:
    for part in need_sentencepiece(wanted.model, wanted.chosen):
        need_packages(("sentencepiece", "protobuf"), f"the {part} of {wanted.model.id}", "models")


@contextmanager
def _files_of(wanted: Wanted) -> Iterator[dict[str, Any]]:
    """Where diffusers finds the files that were chosen, and which it is to take.

    Where some are pickles it would choose anew, part by part, and maybe others than the model's identity is worked out
    from: so it is shown a folder of links to the chosen ones alone.
    """
    weights = wanted.chosen.weights
    if not wanted.chosen.pickles:
        yield {"pretrained_model_name_or_path": str(wanted.model.folder), "use_safetensors": True}
        return
    with tempfile.TemporaryDirectory(prefix="parafovea-") as alone:
        for name in wanted.chosen.names:
            link = Path(alone, name)
            link.parent.mkdir(parents=True, exist_ok=True)
            _link(link, (wanted.model.folder / name).resolve())
        some = any(name.endswith(".safetensors") for name in weights)
        yield {"pretrained_model_name_or_path": alone, "use_safetensors": None if some else False}


def _link(link: Path, file: Path) -> None:
    try:
        link.symlink_to(file)
    except OSError:  # Windows lets few accounts make links
        shutil.copyfile(file, link)


def _complete(pipeline: Any) -> None:
    """What a class of diffusers 0.42 asks of its network's configuration, and Chroma's does not have."""
    _, network = network_of(pipeline)
    if type(pipeline).__name__ == "ChromaInpaintPipeline" and "guidance_embeds" not in network.config:
        network.register_to_config(guidance_embeds=False)


def _options(
    cls: Any, wanted: Wanted, placement: Placement, settings: ModelSettings, processors: Processors
) -> dict[str, Any]:
    takes = inspect.signature(cls.__init__).parameters
    options: dict[str, Any] = {"dtype": placement.dtype, **processors.options()}
    options |= {part: None for part in UNLOADED if part in takes}
    if "requires_safety_checker" in takes:
        options["requires_safety_checker"] = False
    if "add_watermarker" in takes:  # an invisible mark would change pixels of an experiment
        options["add_watermarker"] = False
    network = next((name for name in NETWORKS if name in takes), "")
    if settings.network:
        options[network] = _load_network(wanted, network, placement, settings)
    if settings.quantize != "none":
        options |= _quantisation(wanted, network, placement, settings)
    return options


def _load_network(wanted: Wanted, network: str, placement: Placement, settings: ModelSettings) -> Any:
    """The network from a file of its own; GGUF's weights stay packed, and are unpacked as they are used."""
    import diffusers

    path = network_file(settings)
    listed = wanted.model.index.get(network)
    if not isinstance(listed, list) or not hasattr(diffusers, str(listed[-1])):
        raise ModelError(f"{wanted.model.pipeline} has no network that PARAFOVEA_NETWORK could take the place of.")
    options: dict[str, Any] = {"config": str(wanted.model.folder), "subfolder": network}
    if path.suffix == ".gguf":
        need_packages(("gguf",), "a .gguf file", "models")
        options["quantization_config"] = diffusers.GGUFQuantizationConfig(compute_dtype=placement.dtype)
    loader = getattr(diffusers, str(listed[-1]))
    if not hasattr(loader, "from_single_file"):
        raise ModelError(f"diffusers cannot load a {listed[-1]} from one file; leave PARAFOVEA_NETWORK empty.")
    return loader.from_single_file(str(path), dtype=placement.dtype, local_files_only=True, **options)


def _quantisation(wanted: Wanted, network: str, placement: Placement, settings: ModelSettings) -> dict[str, Any]:
    """Of nf4; fp8 is done after loading, since it only changes how weights are kept."""
    if settings.quantize != "nf4":
        return {}
    need_nf4(wanted.model, placement, settings)
    need_packages(("bitsandbytes",), "PARAFOVEA_QUANTIZE=nf4", "models")
    from diffusers.quantizers import PipelineQuantizationConfig

    parts = [part for part in (network, *_ENCODERS) if part in wanted.model.parts]
    return {
        "quantization_config": PipelineQuantizationConfig(
            quant_backend="bitsandbytes_4bit",
            quant_kwargs={
                "load_in_4bit": True,
                "bnb_4bit_quant_type": "nf4",
                "bnb_4bit_compute_dtype": placement.dtype,
            },
            components_to_quantize=parts,
        )
    }


def need_nf4(model: ModelFolder, placement: Placement, settings: ModelSettings) -> None:
    """Raise ModelError where the settings ask for four bits, which this device or this model cannot have."""
    if settings.quantize != "nf4":
        return
    if placement.device.type != "cuda":
        raise ModelError(
            f"PARAFOVEA_QUANTIZE=nf4 needs a CUDA card, and the model is on {placement.device.type}. Take fp8, or a "
            ".gguf file (PARAFOVEA_NETWORK)."
        )
    if model.single is not None:
        raise ModelError("PARAFOVEA_QUANTIZE=nf4 needs a model's folder; this one is a single file. fp8 works.")


def _set_scheduler(pipeline: Any, preset: Preset) -> None:
    if preset.scheduler is None and preset.timestep_spacing is None:
        return
    import diffusers

    cls = getattr(diffusers, preset.scheduler, None) if preset.scheduler else type(pipeline.scheduler)
    if cls is None:
        raise ModelError(f"diffusers {diffusers.__version__} has no {preset.scheduler}; correct the preset.")
    spacing = {"timestep_spacing": preset.timestep_spacing} if preset.timestep_spacing else {}
    pipeline.scheduler = cls.from_config(pipeline.scheduler.config, **spacing)


def cast_to_fp8(pipeline: Any, compute: torch.dtype) -> None:
    """Keep the network's weights, and those of what encodes text, in 8 bits; each layer is widened while it runs.
    Norms and embeddings stay as they are, as diffusers recommends, and of T5 what looks at its own weights' type."""
    from diffusers.hooks import apply_layerwise_casting

    _, network = network_of(pipeline)
    parts = [network, *(getattr(pipeline, name, None) for name in _ENCODERS)]
    for part in parts:
        if hasattr(part, "enable_layerwise_casting"):
            part.enable_layerwise_casting(storage_dtype=torch.float8_e4m3fn, compute_dtype=compute)
        elif isinstance(part, torch.nn.Module):
            apply_layerwise_casting(
                part, torch.float8_e4m3fn, compute, skip_modules_pattern=_KEPT_WIDE, non_blocking=False
            )
