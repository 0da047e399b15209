"""The model, the prompts and the photographs are those that came with the code, wherever a process is started."""

from __future__ import annotations

import shutil
from typing import Any

import httpx
import pytest

from tests.support.processes import REPOSITORY, System
from tests.support.waiting import eventually

pytestmark = pytest.mark.system


def read(system: System, path: str) -> Any:
    return httpx.get(system.url + path, timeout=20).raise_for_status().json()


def test_started_elsewhere_it_is_the_same_server(system: System) -> None:
    del system.settings["PARAFOVEA_SECTOR_PROMPTS"]
    assert not (system.folder / "generation").exists()
    system.start("generator")
    system.start("api")
    eventually(lambda: read(system, "/health")["model"] is not None, 20, "the API knows the model")
    health = read(system, "/health")
    assert health["model"]["id"] == "parafovea/embedded"
    assert health["prompts"]["file"] == str(REPOSITORY / "generation" / "sector_prompts.json")
    assert health["prompts"]["error"] is None
    assert len(read(system, "/samples")["samples"]) >= 5
    assert [item["name"] for item in read(system, "/vocabulary")["objects"]][:2] == ["ladybug", "butterfly"]


def test_where_the_model_is_not_there_none_stands_in(system: System) -> None:
    installed = system.folder / "site-packages"
    for package in ("services", "shared"):
        shutil.copytree(REPOSITORY / package, installed / package, ignore=shutil.ignore_patterns("__pycache__"))
    generator = system.start("generator", wait=False, PYTHONPATH=str(installed))
    expected = str(installed / "generation" / "models" / "embedded")

    def refused() -> bool:
        told = system.ask("generator", "status", timeout_s=0.5)
        return told is not None and told["state"] == "failed" and expected in told["detail"]

    eventually(refused, 60, "the generator says which folder has no model")
    vocabulary = system.ask("generator", "vocabulary")
    assert vocabulary is not None
    assert expected in vocabulary["detail"]
    assert expected in generator.err
    assert "Traceback" not in generator.err, "what a person has to set right is a sentence"
