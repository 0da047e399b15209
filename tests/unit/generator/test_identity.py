"""What tells one state of a model from another."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path

import pytest

from services.generator.models import sources
from services.generator.models.files import ModelFolder, read_index
from services.generator.models.identity import files_sha256, revision_of
from services.generator.models.sources import Wanted
from shared.process.settings import Settings
from tests.unit.generator.folders import saved_as, weights


def wanted(folder: Path, commit: str | None = None) -> Wanted:
    found = sources.find(Settings(model=str(folder)))
    return Wanted(ModelFolder(str(folder), folder, read_index(folder), commit), found.chosen)


@pytest.fixture
def model(tmp_path: Path) -> ModelFolder:
    made = saved_as(tmp_path / "m", "FluxPipeline", vae=["diffusers", "AutoencoderKL"])
    weights(made.folder / "vae" / "diffusion_pytorch_model.safetensors", 3)
    return made


def test_the_revision_is_the_hash_of_all_files_as_it_always_was(model: ModelFolder, tmp_path: Path) -> None:
    names = ["model_index.json", "vae/config.json", "vae/diffusion_pytorch_model.safetensors"]
    lines = [f"{name}\0{hashlib.sha256((model.folder / name).read_bytes()).hexdigest()}\n" for name in names]
    first = revision_of(model, tmp_path / "cache")
    assert first == hashlib.sha256("".join(lines).encode()).hexdigest()
    assert revision_of(model, tmp_path / "cache") == revision_of(model, tmp_path / "other") == first
    (model.folder / "more.json").write_text("{}")
    assert revision_of(model, tmp_path / "cache") != first
    assert revision_of(ModelFolder("a/b", model.folder, model.index, commit="c0ffee")) == "c0ffee"


def test_what_is_loaded_has_one_hash_wherever_it_lies_and_whatever_lies_beside_it(
    model: ModelFolder, tmp_path: Path
) -> None:
    first = files_sha256(wanted(model.folder).loaded_files)
    snapshot = tmp_path / "models--a--b" / "snapshots" / "c0ffee"
    shutil.copytree(model.folder, snapshot)
    for name in (".DS_Store", "README.md", "parafovea.json", "vae/._config.json", "vae/model.fp16.safetensors"):
        (snapshot / name).write_text("{}")
    assert files_sha256(wanted(snapshot, "c0ffee").loaded_files) == first
    weights(snapshot / "vae" / "diffusion_pytorch_model.safetensors", 4)
    assert files_sha256(wanted(snapshot, "c0ffee").loaded_files) != first


def test_a_changed_file_is_hashed_anew(model: ModelFolder, tmp_path: Path) -> None:
    first = revision_of(model, tmp_path / "cache")
    (model.folder / "vae" / "config.json").write_text('{"out_channels": 4}')
    assert revision_of(model, tmp_path / "cache") != first


def test_a_cache_that_cannot_be_written_does_not_matter(model: ModelFolder, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert len(revision_of(model, tmp_path / "file")) == 64
