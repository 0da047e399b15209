"""What lies in a folder of models is written by anybody: no file of it may take the list of models down."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from services.generator.models import files
from services.generator.models.files import ModelError, is_lora, local_file, read_header, read_index
from services.generator.models.inventory import models_here
from shared.process.settings import Settings
from tests.unit.generator.folders import weights

DEEP = "[" * 200_000


def listed(shelf: Path) -> dict[str, str | None]:
    return {
        one.name: one.why for one in models_here(Settings(models_dir=shelf)) if one.name in ("odd", "x.safetensors")
    }


@pytest.mark.parametrize(
    "text",
    ["{}", '{"_class_name": []}', '{"_class_name": [1]}', '{"_class_name": ""}', '{"_class_name": "\\ud800"}', DEEP],
)
def test_an_index_that_names_no_class_is_said(tmp_path: Path, text: str) -> None:
    (tmp_path / "odd").mkdir()
    (tmp_path / "odd" / "model_index.json").write_text(text)
    with pytest.raises(ModelError, match=r"model_index\.json (names no pipeline class|cannot be read)"):
        read_index(tmp_path / "odd")
    assert "model_index.json" in (listed(tmp_path)["odd"] or "")


@pytest.mark.parametrize("config", ["[]", "3", DEEP, "{"])
def test_a_part_whose_configuration_is_none_does_not_matter(tmp_path: Path, config: str) -> None:
    (tmp_path / "odd" / "vae").mkdir(parents=True)
    (tmp_path / "odd" / "vae" / "config.json").write_text(config)
    (tmp_path / "odd" / "model_index.json").write_text(
        '{"_class_name": "StableDiffusionPipeline", "vae": ["diffusers", "AutoencoderKL"], "unet": [[], {}]}'
    )
    assert listed(tmp_path) == {"odd": None}


def test_a_header_of_any_depth_is_damage(tmp_path: Path) -> None:
    path = tmp_path / "x.safetensors"
    path.write_bytes(len(DEEP).to_bytes(8, "little") + DEEP.encode())
    with pytest.raises(ModelError, match=r"is damaged.*nested too deeply"):
        read_header(path)
    assert "x.safetensors" in listed(tmp_path)


def test_a_name_that_is_no_text_is_passed_over(tmp_path: Path) -> None:
    try:
        Path(os.fsdecode(os.fsencode(tmp_path) + b"/x\xff.safetensors")).write_bytes(b"")
    except OSError:
        pytest.skip("this file system takes text alone")
    assert all(one.name.encode() for one in models_here(Settings(models_dir=tmp_path)))


def test_a_file_is_read_once_to_know_whether_it_is_a_lora(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = weights(tmp_path / "style.safetensors", 2, name="unet.lora_A.weight")
    read: list[Path] = []
    real = files.read_header

    def noted(path: Path) -> dict[str, Any]:
        read.append(path)
        return real(path)

    monkeypatch.setattr(files, "read_header", noted)
    assert is_lora(path)
    assert is_lora(path)
    assert len(read) == 1
    weights(path, 2, 3, name="unet.weight")
    assert not is_lora(path), "a changed file is read again"
    assert not is_lora(tmp_path / "none.safetensors")


def test_an_ending_in_capitals_that_diffusers_does_not_know_is_refused_with_the_way_out(tmp_path: Path) -> None:
    (tmp_path / "X.GGUF").write_bytes(b"")
    with pytest.raises(ModelError, match=r"X\.GGUF is no \.gguf or \.safetensors file; rename it, in small letters"):
        local_file("X.GGUF", tmp_path, "PARAFOVEA_NETWORK", (".gguf", ".safetensors"))
