"""What a model that was changed away leaves behind: nothing."""

from __future__ import annotations

import gc
import weakref
from pathlib import Path

import pytest

from services.generator.catalog import Catalog
from services.generator.engine import say_nothing
from services.generator.models.running import DiffusersEngine
from services.generator.models.tiny import ensure_tiny
from services.generator.residents import Residents
from shared.errors import InvalidRequest
from shared.process.settings import Settings
from shared.system.memory import settle


def catalog(tiny_folder: Path, tmp_path: Path) -> Catalog:
    """Of two models, of which the settings name ``inpaint``."""
    models = tmp_path / "models"
    models.mkdir()
    for kind in ("inpaint", "edit"):
        (models / kind).symlink_to(ensure_tiny(tiny_folder, kind))  # type: ignore[arg-type]
    return Catalog(Settings(model=str(models / "inpaint"), models_dir=models, device="cpu"))


@pytest.mark.usefixtures("_cache")
def test_a_model_that_nobody_has_looked_for_yet_is_looked_for_when_it_is_needed(
    tiny_folder: Path, tmp_path: Path
) -> None:
    """As where a generator was started anew between a re-run's question and its job."""
    models = catalog(tiny_folder, tmp_path)
    engine = models.load("edit", say_nothing)
    assert engine.info.model.kind == "edit"
    engine.close()
    with pytest.raises(InvalidRequest, match="not among the models that may be loaded"):
        models.load("elsewhere", say_nothing)


@pytest.mark.usefixtures("_cache")
async def test_a_model_that_was_changed_away_is_freed(tiny_folder: Path, tmp_path: Path) -> None:
    """Also where it was set aside as what stays for good, as the generator does once it is loaded."""
    residents = Residents(catalog(tiny_folder, tmp_path))
    try:
        assert await residents.load_first()
        engine = await residents.engine(None)
        assert isinstance(engine, DiffusersEngine)
        network = weakref.ref(engine.denoiser.pipeline.unet)
        del engine
        settle()
        await (await residents.change("edit"))
        assert residents.name == "edit"
        gc.collect()
        assert network() is None
    finally:
        residents.close()
        gc.unfreeze()
