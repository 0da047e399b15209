"""Prepared changes through the whole system: recorded as any other frame, made again to the bit, and whatever dies."""

from __future__ import annotations

import base64
import json
import random
from typing import Any

import httpx
import numpy as np
import pytest

from services.generator import png
from shared import sectors
from tests.support.studio import TIMEOUT_S, Answered, Studio
from tests.support.waiting import eventually
from tests.system.reproduce.support import command

pytestmark = pytest.mark.system


def noise(seed: int, width: int = 120, height: int = 96) -> bytes:
    return png.encode(np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8))


def start(quick: Studio, kind: str) -> None:
    quick.start_generator(depends=kind)
    quick.start_recorder()
    quick.start("replayer")
    quick.start_api()


def prepare(quick: Studio, targets: list[str], **fields: Any) -> list[str]:
    answer = quick.http.post("/prepare", json={"target_sectors": targets, "prompt": "a bee", **fields})
    assert answer.status_code == 202, answer.text
    return [each["id"] for each in answer.json()["prepared"]]


def commit(quick: Studio, prepared: str, **query: Any) -> httpx.Response:
    return quick.http.post(f"/commit/{prepared}", params=query)


def is_ready(quick: Studio, prepared: str) -> bool:
    return quick.http.get(f"/prepared/{prepared}").status_code in (200, 409)


@pytest.mark.timeout(300)
@pytest.mark.parametrize("kind", ["edit", "layer"])
def test_a_session_of_prepared_changes_is_recorded_and_made_again_to_the_bit(quick: Studio, kind: str) -> None:
    start(quick, kind)
    quick.start_session("ahead")
    chance = random.Random(5)
    picture: dict[str, Any] = {"image_base64": base64.b64encode(noise(1)).decode()}
    waiting: list[str] = []
    answers: list[Answered] = []
    stale = 0
    while len(answers) < 30:
        if len(waiting) < 4:
            targets = chance.sample(sectors.names(3), 3)
            waiting += prepare(quick, targets, view="wall", seed=chance.randrange(1000), **picture)
        chosen = waiting.pop(chance.randrange(len(waiting)))
        answer = commit(quick, chosen, **({"focus_sector": "MC"} if chance.random() < 0.5 else {}))
        if answer.status_code == 409:
            assert answer.json()["error"] == "stale"
            stale += 1
            continue
        assert answer.status_code == 200, answer.text
        answers.append(Answered.of(answer))
        assert answer.headers["X-Image-Sha256"] == answers[-1].sha256
        picture = {"image_sha256": answers[-1].sha256}
    quick.wait_recorded("ahead", answers)
    assert (stale > 0) == (kind == "edit")
    entries = quick.metadata("ahead")["sequence"]
    assert [entry["input_sha256"] for entry in entries[1:]] == [answer.sha256 for answer in answers[:-1]]
    assert quick.http.post("/session/stop").status_code == 200
    told = json.loads(command(quick, "verify", "ahead", "--json").out)
    assert [frame["verdict"] for frame in told["frames"]] == ["identical"] * len(answers)
    assert told["outside_target"] == {"equal": len(answers), "changed": 0, "not_checked": 0}


@pytest.mark.timeout(300)
def test_a_chain_goes_on_in_a_new_session_with_the_picture_that_it_had(quick: Studio) -> None:
    start(quick, "layer")
    quick.start_session("first")
    one, two = prepare(quick, ["TL", "BR"], view="wall", image_base64=base64.b64encode(noise(2)).decode())
    first = Answered.of(commit(quick, one))
    quick.wait_recorded("first", [first])
    assert quick.http.post("/session/stop").status_code == 200
    quick.start_session("second")
    second = Answered.of(commit(quick, two, on=first.sha256))
    quick.wait_recorded("second", [second])
    entry = quick.metadata("second")["sequence"][0]
    assert (quick.sessions / "second" / entry["input_file"]).read_bytes() == first.png


@pytest.mark.timeout(300)
def test_a_generator_that_dies_has_committed_nothing_that_is_not_recorded_or_named(quick: Studio) -> None:
    start(quick, "layer")
    quick.start_session("killed")
    recorder = quick.process("recorder")
    picture: dict[str, Any] = {"image_base64": base64.b64encode(noise(3)).decode()}
    ids = prepare(quick, list(sectors.names(3)), view="wall", **picture)
    for each in ids:
        eventually(lambda each=each: is_ready(quick, each), TIMEOUT_S, "it is ready")
    recorder.kill()
    shown = [commit(quick, each, picture="false") for each in ids[:5]]
    assert [answer.status_code for answer in shown] == [204] * 5
    frames = [answer.headers["X-Frame-Id"] for answer in shown]
    quick.process("generator").kill()
    quick.start_recorder()
    quick.start_generator(depends="layer")

    def are_accounted_for() -> bool:
        lost = quick.metadata("killed").get("lost", [])
        return set(frames) <= {*lost, *quick.frame_ids("killed")}

    eventually(are_accounted_for, TIMEOUT_S, "each is recorded or named")
    gone = commit(quick, ids[6])
    assert (gone.status_code, gone.json()["error"]) == (404, "not_found")
    assert quick.http.get(f"/prepared/{ids[7]}").status_code == 404
