"""A small decoder in place of a model's autoencoder: PARAFOVEA_TINY_DECODER. Its two files are a part of the model."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from services.generator.models.device import Placement, said_as
from services.generator.models.files import ModelError, first_line, hub_id, local
from shared.process.model_settings import ModelSettings

_FILES = ("config.json", "diffusion_pytorch_model.safetensors")


def put_in(pipeline: Any, settings: ModelSettings, placement: Placement) -> None:
    """Put the settings' decoder into a pipeline. Raises ModelError: it cannot be had, or is for other latents."""
    if not settings.tiny_decoder:
        return
    from diffusers import AutoencoderTiny

    own = getattr(pipeline, "vae", None)
    if own is None:
        raise ModelError(f"{type(pipeline).__name__} has no autoencoder that PARAFOVEA_TINY_DECODER could replace.")
    folder = _folder(settings)
    if missing := [name for name in _FILES if not (folder / name).is_file()]:
        raise ModelError(
            f"PARAFOVEA_TINY_DECODER={settings.tiny_decoder} has no {' and no '.join(missing)}: take one saved by "
            "diffusers as .safetensors; pickles can run code."
        )
    with said_as(
        lambda why: (
            f"PARAFOVEA_TINY_DECODER={settings.tiny_decoder} is no AutoencoderTiny that can be loaded: {why}. Take one "
            "that diffusers has saved, or leave the setting empty."
        )
    ):
        tiny = AutoencoderTiny.from_pretrained(
            str(folder), dtype=placement.dtype, use_safetensors=True, local_files_only=True
        )
    if tiny.config.latent_channels != own.config.latent_channels:
        raise ModelError(
            f"PARAFOVEA_TINY_DECODER has {tiny.config.latent_channels} latent channels and the model "
            f"{own.config.latent_channels}: take the one that was made for this model (taesd, taesdxl, taesd3, taef1)."
        )
    pipeline.vae = tiny


def files(pipeline: Any) -> list[Path]:
    """The files that a pipeline's tiny decoder was loaded from."""
    folder = Path(pipeline.vae.config["_name_or_path"])
    return [folder / name for name in _FILES]


def need_named(settings: ModelSettings) -> Path | tuple[str, str | None] | None:
    """The decoder that the settings name: its folder, or its id and revision on the hub; None where they name none.
    Raises ModelError: it is neither."""
    named = settings.tiny_decoder
    found = (local(named, settings.models_dir) or hub_id(named)) if named else None
    if named and found is None:
        raise ModelError(f"PARAFOVEA_TINY_DECODER: there is no folder {named!r}, here or in {settings.models_dir}.")
    return found


def _folder(settings: ModelSettings) -> Path:
    """The decoder's folder; of one of the hub that of one commit, so that what is loaded is what is hashed."""
    found = need_named(settings)
    assert found is not None
    if isinstance(found, Path):
        return found
    from huggingface_hub import snapshot_download

    name, revision = found
    try:
        return Path(snapshot_download(name, revision=revision, allow_patterns=list(_FILES)))
    except Exception as error:
        raise ModelError(
            f"PARAFOVEA_TINY_DECODER={settings.tiny_decoder} is neither a folder here nor a model that could be "
            f"fetched: {first_line(error)}. Download it, and name its folder."
        ) from error
