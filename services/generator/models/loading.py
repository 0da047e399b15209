"""A model's weights into a pipeline: by the class that edits, in the precision and form that the settings ask for.

A safety checker is not loaded: it answers a false alarm with a black picture, which would go into the sector of an
experiment unnoticed.
"""

from __future__ import annotations

import inspect
import logging
from pathlib import Path
from typing import Any

import torch

from services.generator.models import loras
from services.generator.models.device import Placement
from services.generator.models.files import ModelError, first_line, local
from services.generator.models.kinds import Role, pipeline_class
from services.generator.models.presets import Preset
from services.generator.models.processors import Processors, processors_of
from services.generator.models.sources import Wanted
from services.generator.models.weights import NETWORKS, UNLOADED
from shared.process.model_settings import ModelSettings
from shared.system.extras import NotInstalled, need_packages

log = logging.getLogger(__name__)

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
            pipeline = cls.from_pretrained(
                str(wanted.model.folder),
                local_files_only=True,
                variant=wanted.chosen.variant,
                use_safetensors=not wanted.chosen.pickles,
                **options,
            )
        processors.complete(pipeline)
        _complete(pipeline)
        _set_scheduler(pipeline, preset)
        _set_tiny_decoder(pipeline, settings, placement)
        loras.load(pipeline, settings)
    except ModelError:
        raise
    except NotInstalled as error:
        raise ModelError(str(error)) from None
    except Exception as error:
        raise ModelError(
            f"{wanted.model.id!r} cannot be loaded as a model that does {role.kind}: {first_line(error)}"
        ) from error
    pipeline.set_progress_bar_config(disable=True)
    return pipeline


def network_of(pipeline: Any) -> tuple[str, Any]:
    """Name and module of the component that runs at each step; an empty name and None where there is none."""
    return next(((name, part) for name in NETWORKS if (part := getattr(pipeline, name, None)) is not None), ("", None))


def _need_for_tokenizers(wanted: Wanted) -> None:
    """A tokenizer that is kept as a model of sentencepiece alone is converted while it is loaded."""
    for part in wanted.model.parts:
        kept = {name.rpartition("/")[2] for name in wanted.chosen.names if name.startswith(f"{part}/")}
        if (
            part.startswith("tokenizer")
            and "tokenizer.json" not in kept
            and any(one.endswith(".model") for one in kept)
        ):
            need_packages(("sentencepiece", "protobuf"), f"the {part} of {wanted.model.id}", "models")


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
    if placement.device.type != "cuda":
        raise ModelError(
            f"PARAFOVEA_QUANTIZE=nf4 needs a CUDA card, and the model is on {placement.device.type}. Take fp8, or a "
            ".gguf file (PARAFOVEA_NETWORK)."
        )
    need_packages(("bitsandbytes",), "PARAFOVEA_QUANTIZE=nf4", "models")
    if wanted.model.single is not None:
        raise ModelError("PARAFOVEA_QUANTIZE=nf4 needs a model's folder; this one is a single file. fp8 works.")
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


def _set_scheduler(pipeline: Any, preset: Preset) -> None:
    if preset.scheduler is None and preset.timestep_spacing is None:
        return
    import diffusers

    cls = getattr(diffusers, preset.scheduler, None) if preset.scheduler else type(pipeline.scheduler)
    if cls is None:
        raise ModelError(f"diffusers {diffusers.__version__} has no {preset.scheduler}; correct the preset.")
    spacing = {"timestep_spacing": preset.timestep_spacing} if preset.timestep_spacing else {}
    pipeline.scheduler = cls.from_config(pipeline.scheduler.config, **spacing)


def _set_tiny_decoder(pipeline: Any, settings: ModelSettings, placement: Placement) -> None:
    if not settings.tiny_decoder:
        return
    from diffusers import AutoencoderTiny

    own = getattr(pipeline, "vae", None)
    if own is None:
        raise ModelError(f"{type(pipeline).__name__} has no autoencoder that PARAFOVEA_TINY_DECODER could replace.")
    named = local(settings.tiny_decoder, settings.models_dir)
    tiny = AutoencoderTiny.from_pretrained(str(named or settings.tiny_decoder), dtype=placement.dtype)
    if tiny.config.latent_channels != own.config.latent_channels:
        raise ModelError(
            f"PARAFOVEA_TINY_DECODER has {tiny.config.latent_channels} latent channels and the model "
            f"{own.config.latent_channels}: take the one that was made for this model (taesd, taesdxl, taesd3, taef1)."
        )
    pipeline.vae = tiny


def network_file(settings: ModelSettings) -> Path:
    """The file with the network's weights that the settings name. Raises ModelError: it is not there."""
    return local_file(settings.network, settings.models_dir, "PARAFOVEA_NETWORK", (".gguf", ".safetensors"))


def local_file(text: str, models_dir: Path, setting: str, suffixes: tuple[str, ...]) -> Path:
    """A file that a setting names, by its path or by its name in the folder of models. Raises ModelError: it is not
    there, or of another kind."""
    for path in (Path(text).expanduser(), models_dir.expanduser() / text):
        if path.is_file():
            if path.suffix.lower() not in suffixes:
                raise ModelError(f"{setting}: {path.name} is no {' or '.join(suffixes)} file.")
            return path
    raise ModelError(f"{setting}: there is no file {text!r}, here or in {models_dir}.")


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
