"""Verifying with real pipelines: by the server, in the command's own process, and with the model exchanged."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.support.processes import REPOSITORY, System
from tests.support.studio import Studio
from tests.system.reproduce.support import command, record

pytestmark = pytest.mark.system

TINY = REPOSITORY / "generation" / "models" / ".tiny"


def tiny_copy(system: System, name: str) -> Path:
    """A model folder of the test's own."""
    from services.generator.models.tiny import ensure_tiny

    folder = system.folder / name
    shutil.copytree(ensure_tiny(TINY), folder)
    return folder


def start_real(quick: Studio) -> None:
    quick.start("generator")
    quick.start_recorder()
    quick.start("replayer")
    quick.start_api()


def verified(quick: Studio, session_id: str, *arguments: str, code: int = 0) -> dict[str, Any]:
    told: dict[str, Any] = json.loads(command(quick, "verify", session_id, "--json", *arguments, code=code).out)
    assert json.loads((quick.sessions / session_id / "verification.json").read_text()) == told
    return told


def verdicts(told: dict[str, Any]) -> list[str]:
    return [frame["verdict"] for frame in told["frames"]]


@pytest.mark.timeout(300)
def test_a_real_pipeline_is_reproduced_by_the_server_and_here(quick: Studio) -> None:
    quick.settings["PARAFOVEA_MODEL"] = str(tiny_copy(quick, "model"))
    start_real(quick)
    quick.start_session("live")
    record(quick, "first", frames=2, steps=2)
    quick.start_session("live2")
    by_server = verified(quick, "first")
    assert by_server["made_by"] == "server"
    assert verdicts(by_server) == ["identical"] * 2
    assert by_server["environment_differences"] == []
    assert by_server["outside_target"] == {"equal": 2, "changed": 0, "not_checked": 0}
    assert quick.http.get("/session/status").json()["session_id"] == "live2"
    assert quick.frame_ids("live2") == []
    quick.stop_all()
    here = verified(quick, "first")
    assert here["made_by"] == "here"
    assert verdicts(here) == ["identical"] * 2


@pytest.mark.timeout(300)  # a pipeline is loaded five times
def test_an_exchanged_model_cannot_and_says_why(quick: Studio) -> None:
    model = tiny_copy(quick, "model")
    quick.settings["PARAFOVEA_MODEL"] = str(model)
    start_real(quick)
    record(quick, "first", frames=2, steps=2)
    quick.stop_all()
    moved = model.rename(quick.folder / "moved")
    same = verified(quick, "first", "--model", str(moved))
    assert verdicts(same) == ["identical"] * 2, "the same files in another folder are the same model"
    weights = next(path for path in sorted(moved.rglob("*.safetensors")) if "unet" in str(path))
    data = bytearray(weights.read_bytes())
    data[-1] ^= 1
    weights.write_bytes(data)
    other = verified(quick, "first", "--model", str(moved), code=1)
    assert verdicts(other) == ["cannot"] * 2
    assert "another model" in other["frames"][0]["reason"]
    assert [each["key"] for each in other["environment_differences"]] == ["model.files_sha256"]
    quick.settings["PARAFOVEA_MODEL"] = str(moved)
    quick.start("generator")
    by_server = verified(quick, "first", "--by", "server", code=1)
    assert verdicts(by_server) == ["cannot"] * 2
    shown = command(quick, "verify", "first", code=1).out
    assert "cannot" in shown
    assert "model.files_sha256" in shown


def test_nothing_to_verify_with_is_said(quick: Studio) -> None:
    quick.start_everything()
    record(quick, "first", frames=1)
    quick.stop_all()
    assert "no generator answers" in command(quick, "verify", "first", "--by", "server", code=3).err
    assert "there is no session" in command(quick, "verify", "nothing", code=3).err
    missing = command(quick, "verify", "first", "--model", "/no/such/model", code=3).err
    assert "cannot be loaded" in missing
