"""What is recommended for a model, and by whom."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from services.generator.models.families import BY_NAME
from services.generator.models.files import ModelError, ModelFolder
from services.generator.models.presets import OURS, Recommended, recommend

XL = BY_NAME["stable-diffusion-xl"]
INDEX = {"_class_name": "StableDiffusionXLPipeline"}


def of(model: str, folder: Path, own: Path | None = None) -> Recommended:
    return recommend(ModelFolder(model, folder, INDEX), XL, own)


def test_a_model_has_its_own_values_before_its_familys(tmp_path: Path) -> None:
    found = of("stabilityai/sdxl-turbo", tmp_path)
    assert (found.preset.steps, found.preset.guidance_scale, found.preset.size) == (4, 0.0, 512)
    assert found.preset.strength == 1.0
    assert found.sources["steps"] == "stabilityai/sdxl-turbo in Parafovea's presets"
    assert found.sources["strength"] == "family stable-diffusion-xl in Parafovea's presets"


@pytest.mark.parametrize(
    ("name", "folder", "steps"),
    [
        ("stabilityai/SDXL-Turbo@main", ".", 4),
        ("./sdxl-turbo", "sdxl-turbo", 4),
        ("snapshot", "models--stabilityai--sdxl-turbo/snapshots/" + "0" * 40, 4),
        ("someone/else", ".", 30),
    ],
)
def test_a_model_is_known_by_hub_id_folder_or_snapshot(tmp_path: Path, name: str, folder: str, steps: int) -> None:
    assert of(name, tmp_path / folder).preset.steps == steps


def test_a_file_of_ones_own_goes_before_all_and_is_named(tmp_path: Path) -> None:
    (tmp_path / "parafovea.json").write_text(json.dumps({"steps": 12, "guidance_scale": 2.5}))
    own = tmp_path / "own.toml"
    own.write_text('[model."me/mine"]\nsteps = 7\n[family.stable-diffusion-xl]\nstrength = 0.5\nguidance_scale = 9.0\n')
    found = of("me/mine", tmp_path, own)
    assert (found.preset.steps, found.preset.guidance_scale, found.preset.strength) == (7, 2.5, 0.5)
    assert found.sources["steps"] == f"me/mine in {own}"
    assert found.sources["guidance_scale"] == str(tmp_path / "parafovea.json")
    assert found.sources["strength"] == f"family stable-diffusion-xl in {own}"


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("[model", "own.toml is not understood"),
        ('[model."a/b"]\nstepz = 3\n', "stepz"),
        ('[model."a/b"]\nsteps = 0\n', "greater than or equal to 1"),
        ("[family.nonesuch]\nsteps = 3\n", "there is no family nonesuch"),
        ('[model."a/b"]\nfamily = "nonesuch"\n', "there is no family nonesuch"),
        ('[model."a/b"]\nscheduler = "os.system"\n', "scheduler"),
    ],
)
def test_a_file_that_is_not_understood_is_said(tmp_path: Path, text: str, why: str) -> None:
    own = tmp_path / "own.toml"
    own.write_text(text)
    with pytest.raises(ModelError, match=why):
        of("a/b", tmp_path, own)


def test_a_file_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="no presets in"):
        of("a/b", tmp_path, tmp_path / "none.toml")


def test_a_folders_own_that_is_not_understood_is_said(tmp_path: Path) -> None:
    (tmp_path / "parafovea.json").write_text('{"stepz": 12}')
    with pytest.raises(ModelError, match="not understood"):
        of("a/b", tmp_path)


def test_every_family_has_a_recommendation_with_a_licence() -> None:
    for family in BY_NAME.values():
        found = recommend(ModelFolder(family.example, OURS.parent, INDEX), family)
        assert found.preset.steps, family.name
        assert found.preset.licence, family.name
