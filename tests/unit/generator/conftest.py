"""Tiny models, one of each kind, built once a run."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
os.environ["HF_HUB_OFFLINE"] = "1"

from services.generator.engine import Pixels
from services.generator.load import load_engine
from services.generator.models.running import DiffusersEngine
from services.generator.models.tiny import TinyKind, ensure_tiny
from shared.process.settings import Settings
from tests.support.families import build


@pytest.fixture(scope="session")
def tiny_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("models")


@pytest.fixture(scope="session")
def _cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(scope="session")
def engine_of(tiny_folder: Path, _cache: None) -> Callable[[TinyKind], DiffusersEngine]:
    """The engine of a tiny model; the same one each time it is asked for."""
    loaded: dict[str, DiffusersEngine] = {}

    def get(kind: TinyKind) -> DiffusersEngine:
        if kind not in loaded:
            engine = load_engine(Settings(model=str(ensure_tiny(tiny_folder, kind)), device="cpu"))
            assert isinstance(engine, DiffusersEngine)
            loaded[kind] = engine
        return loaded[kind]

    return get


@pytest.fixture(scope="session")
def family_folder(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """The folder of a tiny model of a family; the same one each time."""
    root = tmp_path_factory.mktemp("families")

    def get(name: str) -> Path:
        made = root / name
        if not made.exists():
            build(name, made)
            (made / "parafovea.json").write_text(json.dumps({"steps": 4, "size": 64}))
        return made

    return get


@pytest.fixture
def photo() -> Pixels:
    """210 x 150 pixels: sky above, textured ground below."""
    rng = np.random.default_rng(5)
    picture = np.empty((150, 210, 3), np.float32)
    picture[:70] = [150, 180, 220]
    picture[70:] = np.array([90, 110, 60]) + rng.normal(0, 25, (80, 210, 1))
    return picture.clip(0, 255).astype(np.uint8)
