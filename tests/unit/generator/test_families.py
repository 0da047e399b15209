"""A model of each family behind the engine's interface: loaded as users' folders are, and asked for an edit.

Random weights, the smallest parts that each class takes: what is tested is the fit, not the picture.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from services.generator.engine import Edit, EditCancelled, Pixels, edited_picture
from services.generator.load import load_engine
from services.generator.models.families import BY_CLASS, FAMILIES
from services.generator.models.files import ModelError
from services.generator.models.kinds import role_of
from services.generator.models.running import DiffusersEngine
from services.generator.models.sources import find
from shared import sectors
from shared.process.settings import Settings
from tests.support import families
from tests.support.families.asking import hub_class

WITH_PICTURE = {"qwen-image-edit", "qwen-image-edit-plus", "longcat-image-edit", "dreamlite", "dreamlite-mobile"}
"""These encode a prompt together with the picture, so anew each time."""
NOT_ENCODED_APART = {"flux2-klein-kv"}
STEPS = 3


@pytest.fixture(scope="module")
def folder_of(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    whole = tmp_path_factory.mktemp("families")

    def get(name: str) -> Path:
        folder = whole / name
        return folder if folder.is_dir() else families.build(name, folder)

    return get


def takes(name: str, folder: Path) -> bool:
    return hub_class(folder) in BY_CLASS


def engine_of(folder: Path, side: int = 128) -> DiffusersEngine:
    """A folder's engine, which works at ``side`` pixels where its class lets it choose."""
    (folder / "parafovea.json").write_text(json.dumps({"steps": STEPS, "size": side}), encoding="utf-8")
    engine = load_engine(Settings(model=str(folder), device="cpu", dtype="float32"))
    assert isinstance(engine, DiffusersEngine)
    return engine


@pytest.mark.parametrize("name", list(families.FAMILIES))
def test_it_edits_or_is_refused_by_name(
    name: str, folder_of: Callable[[str], Path], photo: Pixels, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = folder_of(name)
    family = BY_CLASS.get(hub_class(folder))
    if family is None:
        with pytest.raises(ModelError, match=hub_class(folder)):
            role_of(find(Settings(model=str(folder))).model)
        return
    engine = engine_of(folder)
    families.asking.choose_small(monkeypatch, engine.denoiser.pipeline)
    assert (engine.info.model.kind, engine.info.model.pipeline) == (family.kind, family.loaded_by)
    region = sectors.region("BR", 3, photo.shape[1], photo.shape[0])
    told: list[tuple[int, int]] = []

    def run(prompt: str, seed: int = 5, cancelled: Callable[[], bool] = lambda: False) -> Pixels:
        told.clear()
        edit = Edit(photo, region, prompt, seed, strength=1.0)
        return edited_picture(edit, engine.run(edit, lambda done, of: told.append((done, of)), cancelled))

    first = run("a fox")
    assert told == [(done, STEPS) for done in range(1, STEPS + 1)]
    encoded = len(engine.denoiser.texts)
    assert (encoded == 0) == (family.name in WITH_PICTURE)
    assert np.array_equal(run("a fox"), first), "the same seed gives the same picture"
    assert len(engine.denoiser.texts) == encoded, "a prompt is encoded once"
    assert not np.array_equal(run("a fox", seed=6), first)
    outside = np.ones(photo.shape[:2], bool)
    outside[region.slices] = False
    assert np.array_equal(first[outside], photo[outside])
    assert not np.array_equal(first, photo)
    with pytest.raises(EditCancelled):
        run("a fox", cancelled=lambda: len(told) >= 1)
    assert told == [(1, STEPS)]
    assert np.array_equal(run("a fox"), first), "a run that was broken off leaves nothing behind"


def test_each_family_of_the_table_is_among_them(folder_of: Callable[[str], Path]) -> None:
    tried = {family.name for name in families.FAMILIES if (family := BY_CLASS.get(hub_class(folder_of(name))))}
    assert tried == {family.name for family in FAMILIES}


@pytest.mark.parametrize(("width", "height"), [(300, 200), (190, 260), (401, 97)])
def test_a_class_that_chooses_its_size_is_given_one_that_it_keeps(
    folder_of: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch, width: int, height: int
) -> None:
    """Else its picture would be of another size than was planned, and shifted by some pixels when it is scaled back."""
    pixels = np.random.default_rng(1).integers(0, 256, (height, width, 3), dtype=np.uint8)
    engine = engine_of(folder_of("longcat-image-edit"), side=256)
    families.asking.choose_small(monkeypatch, engine.denoiser.pipeline)
    made: list[tuple[int, ...]] = []
    run = engine.denoiser.run

    def watched(*args: object, **inputs: object) -> object:
        image = run(*args, **inputs)  # type: ignore[arg-type]
        made.append((image.shape[1], image.shape[0], inputs["width"], inputs["height"]))  # type: ignore[arg-type]
        return image

    monkeypatch.setattr(engine.denoiser, "run", watched)
    for sector in ("TL", "MC", "BR"):
        edit = Edit(pixels, sectors.region(sector, 3, width, height), "a fox", 1, steps=2)
        engine.run(edit, lambda done, of: None, lambda: False)
    assert all(one[:2] == one[2:] for one in made), made
