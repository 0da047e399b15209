"""The files that are loaded are those that the model's identity is worked out from; pickles only where allowed."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import diffusers
import huggingface_hub
import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from services.generator.engine import Pixels
from services.generator.models import hub, identity, sources
from services.generator.models.files import ModelError
from services.generator.models.hub import Listing
from shared.process.settings import Settings
from tests.support.ldm import save_as_one_file
from tests.unit.generator.folders import saved_as
from tests.unit.generator.loaded import Folder, load, picture


def pickled(path: Path, change: Callable[[torch.Tensor], torch.Tensor] = lambda values: values) -> Path:
    """A file of weights as a pickle beside it."""
    name = "pytorch_model.bin" if path.name.startswith("model") else "diffusion_pytorch_model.bin"
    torch.save({key: change(values) for key, values in load_file(path).items()}, path.with_name(name))
    return path


@pytest.mark.parametrize("parts", [("text_encoder",), ("unet",), ("text_encoder", "unet", "vae")])
def test_parts_that_are_pickles_are_loaded_beside_others_that_are_not(
    family_folder: Folder, tmp_path: Path, photo: Pixels, parts: tuple[str, ...]
) -> None:
    mixed = shutil.copytree(family_folder("sd"), tmp_path / "mixed")
    for part in parts:
        (file,) = (mixed / part).glob("*.safetensors")
        pickled(file).unlink()
    with pytest.raises(ModelError, match="PARAFOVEA_ALLOW_PICKLES"):
        load(mixed)
    expected = picture(load(family_folder("sd")), photo)
    assert np.array_equal(picture(load(mixed, allow_pickles=True), photo), expected)


def test_where_nobody_may_make_links_the_files_are_copied(
    family_folder: Folder, tmp_path: Path, photo: Pixels, monkeypatch: pytest.MonkeyPatch
) -> None:
    mixed = shutil.copytree(family_folder("sd"), tmp_path / "mixed")
    pickled(mixed / "text_encoder" / "model.safetensors").unlink()

    def refuse(link: Path, *_: Any) -> None:
        raise OSError(f"[WinError 1314] A required privilege is not held by the client: {link}")

    monkeypatch.setattr(Path, "symlink_to", refuse)
    expected = picture(load(family_folder("sd")), photo)
    assert np.array_equal(picture(load(mixed, allow_pickles=True), photo), expected)


def test_where_both_are_there_what_is_hashed_is_what_is_loaded(
    family_folder: Folder, tmp_path: Path, photo: Pixels
) -> None:
    mixed = shutil.copytree(family_folder("sd"), tmp_path / "mixed")
    pickled(mixed / "text_encoder" / "model.safetensors").unlink()
    pickled(mixed / "unet" / "diffusion_pytorch_model.safetensors", torch.zeros_like)
    names = sources.find(Settings(model=str(mixed), allow_pickles=True)).chosen.names
    assert "unet/diffusion_pytorch_model.safetensors" in names
    expected = picture(load(family_folder("sd")), photo)
    assert np.array_equal(picture(load(mixed, allow_pickles=True), photo), expected)


def decoder(folder: Path, *, safe: bool = True) -> Path:
    blocks = {f"{part}_block_out_channels": (8,) * 4 for part in ("encoder", "decoder")}
    numbers = {f"num_{part}_blocks": (1,) * 4 for part in ("encoder", "decoder")}
    diffusers.AutoencoderTiny(**blocks, **numbers).save_pretrained(str(folder), safe_serialization=safe)
    return folder


def test_a_tiny_decoder_that_is_a_pickle_is_not_opened(family_folder: Folder, tmp_path: Path) -> None:
    folder = decoder(tmp_path / "taesd", safe=False)
    with pytest.raises(ModelError, match=r"has no diffusion_pytorch_model\.safetensors"):
        load(family_folder("sd"), tiny_decoder=str(folder))
    with pytest.raises(ModelError, match=r"PARAFOVEA_TINY_DECODER: there is no folder 'none'"):
        load(family_folder("sd"), tiny_decoder="none")
    with pytest.raises(ModelError, match=r"PARAFOVEA_TINY_DECODER=owner/none is neither a folder here nor a model"):
        load(family_folder("sd"), tiny_decoder="owner/none")


def test_a_tiny_decoder_of_the_hub_is_a_part_of_the_model(
    family_folder: Folder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = decoder(tmp_path / "snapshots" / "c0ffee")
    asked: list[Any] = []

    def fetched(name: str, **options: Any) -> str:
        asked.append((name, options["revision"]))
        return str(here)

    monkeypatch.setattr(huggingface_hub, "snapshot_download", fetched)
    hashed: list[str] = []
    real = identity.files_sha256

    def noted(files: Any, *rest: Any) -> str:
        hashed.extend(path.name for name, path in files if name == "tiny_decoder")
        return real(files, *rest)

    monkeypatch.setattr(identity, "files_sha256", noted)
    engine = load(family_folder("sd"), tiny_decoder="madebyollin/taesd@v1")
    assert asked == [("madebyollin/taesd", "v1")]
    assert hashed == ["config.json", "diffusion_pytorch_model.safetensors"]
    assert engine.info.model.files_sha256 != load(family_folder("sd")).info.model.files_sha256


def test_nothing_is_fetched_of_a_model_that_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = saved_as(tmp_path / "video", "WanPipeline").folder
    fetched: list[str] = []

    def listing(model: str) -> Listing:
        index = {"_class_name": "WanPipeline"}
        return Listing(model, "c0ffee", folder, index, {"model_index.json": 2}, frozenset(), None, gated=False)

    def download(found: Listing, *_: Any) -> Path:
        fetched.append(found.id)
        return folder

    monkeypatch.setattr(hub, "is_offline", lambda: False)
    monkeypatch.setattr(hub, "listing", listing)
    monkeypatch.setattr(hub, "_download", download)
    with pytest.raises(ModelError, match="makes video, not a picture"):
        sources.find(Settings(model="owner/video"))
    assert fetched == []
    assert sources.find(Settings(model="owner/video", model_kind="edit")).model.folder == folder


def test_what_one_file_was_made_from_is_seen_without_its_weights(
    family_folder: Folder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from diffusers.loaders import single_file_utils

    file = tmp_path / "one.safetensors"
    save_as_one_file(diffusers.StableDiffusionPipeline.from_pretrained(str(family_folder("sd"))), file)

    def whole(*_: Any, **__: Any) -> None:
        raise AssertionError("the weights were read")

    monkeypatch.setattr(single_file_utils, "load_single_file_checkpoint", whole)
    with pytest.raises(ModelError, match="stable-diffusion-v1-5"):
        sources.find(Settings(model=str(file)))


def test_an_index_of_the_hub_that_names_no_class_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    index = tmp_path / "models--o--n" / "snapshots" / "c0ffee" / "model_index.json"
    index.parent.mkdir(parents=True)
    index.write_text("{}")

    class Api:
        def model_info(self, *_: Any, **__: Any) -> Any:
            return SimpleNamespace(sha="c0ffee", siblings=[], card_data=None, gated=False)

    monkeypatch.setattr(huggingface_hub, "HfApi", Api)
    monkeypatch.setattr(huggingface_hub, "hf_hub_download", lambda *_, **__: str(index))
    with pytest.raises(ModelError, match="names no pipeline class"):
        hub.listing("o/n")
