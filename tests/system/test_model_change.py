"""Another model while the server runs: real processes, tiny models with random weights."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from services.generator.models.tiny import ensure_tiny
from tests.support.studio import Studio, flat_png, real_studio_in
from tests.support.waiting import eventually
from tests.system.reproduce.support import COMMAND_S, command, record
from tests.unit.generator.folders import weights

pytestmark = pytest.mark.system

IMAGE = flat_png(192, 192, 90)


@pytest.fixture
def studio(folder: Path) -> Iterator[Studio]:
    """A system with a model that inpaints, another that may be asked for, and one in its folder of models."""
    models = folder / "models"
    models.mkdir()
    ensure_tiny(folder / "built", "text").rename(models / "sketch")
    weights(models / "style.lora.safetensors", 4, name="unet.lora_A.weight")
    (models / "broken").mkdir()
    (models / "broken" / "model_index.json").write_text('{"_class_name": "WanPipeline"}')
    with real_studio_in(folder, models, PARAFOVEA_MODELS="tiny-edit") as made:
        yield made


def state(studio: Studio) -> dict[str, Any]:
    answer = studio.http.get("/model")
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def change(studio: Studio, name: str) -> dict[str, Any]:
    answer = studio.http.post("/model", json={"model": name})
    assert answer.status_code == 202, answer.text
    told: dict[str, Any] = answer.json()
    return told


def test_another_model_makes_frames_and_the_session_goes_on(studio: Studio) -> None:
    first = state(studio)
    assert first["name"] == "tiny"
    assert first["choices"] == ["tiny", "tiny-edit", "embedded", "broken", "sketch"]
    studio.start_session("both")
    frames = [studio.generate(1, image=IMAGE)]
    assert studio.change_model("tiny-edit")["model"]["kind"] == "edit"
    frames.append(studio.generate(1, image=IMAGE))
    assert studio.change_model("sketch")["resident"] == ["sketch"]
    frames.append(studio.generate(1, image=IMAGE))
    studio.change_model("tiny")
    frames.append(studio.generate(1, image=IMAGE))
    studio.wait_recorded("both", frames)
    made_by = [entry["model"] for entry in studio.metadata("both")["sequence"]]
    assert [one["kind"] for one in made_by] == ["inpaint", "edit", "inpaint", "inpaint"]
    assert made_by[0] == made_by[3]
    assert len({one["files_sha256"] for one in made_by}) == 3
    assert frames[0].png != frames[1].png != frames[2].png
    assert studio.health()["model"]["id"] == made_by[0]["id"]


def test_what_waits_while_a_model_is_changed_is_made_by_one_or_the_other(studio: Studio) -> None:
    studio.start_session("busy")
    answers = []

    def ask(seed: int) -> None:
        answers.append(studio.generate(seed, image=IMAGE, steps=20))

    asking = [threading.Thread(target=ask, args=(seed,)) for seed in range(6)]
    for thread in asking:
        thread.start()
    told = change(studio, "tiny-edit")
    assert told["name"] in ("tiny", "tiny-edit")
    for thread in asking:
        thread.join(COMMAND_S)
    assert len(answers) == 6
    eventually(lambda: state(studio)["name"] == "tiny-edit", COMMAND_S, "the other model makes frames")
    eventually(lambda: len(studio.frame_ids("busy")) == 6, COMMAND_S, "all are recorded")
    kinds = [entry["model"]["kind"] for entry in studio.metadata("busy")["sequence"]]
    assert kinds == sorted(kinds, key=["inpaint", "edit"].index), "once changed, it stays"


def test_of_two_changes_the_last_one_holds(studio: Studio) -> None:
    for name in ("tiny-edit", "sketch", "tiny-edit", "sketch"):
        change(studio, name)
    eventually(lambda: state(studio)["name"] == "sketch" and not state(studio)["loading"], COMMAND_S, "the last one")
    studio.generate(1, image=IMAGE)
    assert state(studio)["name"] == "sketch"


@pytest.mark.parametrize(
    "name", ["nonesuch", "../models/sketch", "someone/else", "/etc", "tiny-layer", "sketch/../sketch", "", " tiny"]
)
def test_only_what_its_owner_names_or_has_put_there_may_be_loaded(studio: Studio, name: str) -> None:
    answer = studio.http.post("/model", json={"model": name})
    assert (answer.status_code, answer.json()["error"]) == (422, "invalid_request")
    assert state(studio)["name"] == "tiny"
    assert state(studio)["loading"] is None


def test_a_model_that_cannot_be_used_is_said_and_the_old_one_goes_on(studio: Studio) -> None:
    change(studio, "broken")
    eventually(lambda: state(studio)["failure"], COMMAND_S, "the reason is said")
    now = state(studio)
    assert "makes video" in now["failure"]
    assert now["name"] == "tiny"
    eventually(lambda: studio.health()["status"] == "ok", COMMAND_S, "once all processes are heard of, all is well")
    studio.generate(2, image=IMAGE)
    studio.change_model("tiny-edit")
    assert state(studio)["failure"] is None


def test_a_session_is_made_again_by_another_model_than_the_one_that_makes_live_frames(studio: Studio) -> None:
    metadata = record(studio, "first", frames=3)
    command(studio, "rerun", "first", "--into", "second", "--model", "tiny-edit")
    again = studio.metadata("second")
    assert [entry["model"]["kind"] for entry in again["sequence"]] == ["edit"] * 3
    assert again["changed"]["model"]["name"] == "tiny-edit"
    assert [entry["seed"] for entry in again["sequence"]] == [entry["seed"] for entry in metadata["sequence"]]
    assert state(studio)["name"] == "tiny", "live frames are made by the model that was chosen for them"
    assert set(state(studio)["resident"]) == {"tiny", "tiny-edit"}, "both fit"
    studio.generate(9, image=IMAGE)
    refused = command(studio, "rerun", "first", "--into", "third", "--model", "nonesuch", code=3)
    assert "not among the models that may be loaded" in refused.err
    assert json.loads(command(studio, "verify", "second", "--by", "here", "--model", "tiny-edit", "--json").out)
