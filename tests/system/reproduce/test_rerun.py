"""Sessions made again by real processes: exactly what was asked for is different, and nobody is in the way."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.support.studio import Studio
from tests.support.waiting import eventually
from tests.system.reproduce.support import command, record

pytestmark = pytest.mark.system

IDS_AND_TIMES = {
    *("frame_id", "epoch", "seq", "record_seq", "request_id", "client_id", "origin"),
    *("timestamp", "queued_ms", "generation_ms", "sha256"),
}
"""What two recordings of the same thing differ in."""
DONE = ("complete", "cancelled", "failed", "interrupted")


def ask(quick: Studio, parent: str, status: int = 202, **body: Any) -> dict[str, Any]:
    response = quick.http.post(f"/session/{parent}/rerun", json=body)
    assert response.status_code == status, response.text
    answer: dict[str, Any] = response.json()
    return answer


def state(quick: Studio, session_id: str) -> dict[str, Any]:
    response = quick.http.get(f"/session/{session_id}/rerun")
    assert response.status_code == 200, response.text
    answer: dict[str, Any] = response.json()
    return answer


def until(quick: Studio, session_id: str, *wanted: str) -> dict[str, Any]:
    def reached() -> dict[str, Any] | None:
        now = state(quick, session_id)
        assert now["status"] in wanted or now["status"] not in DONE, now
        return now if now["status"] in wanted else None

    return eventually(reached, 60, f"{session_id} is {wanted}") or {}


def made(quick: Studio, parent: str, into: str, **body: Any) -> dict[str, Any]:
    """The metadata of a complete re-run."""
    ask(quick, parent, into=into, **body)
    assert until(quick, into, "complete")["skipped"] == []
    return quick.metadata(into)


def differing(parent: dict[str, Any], child: dict[str, Any]) -> set[str]:
    """Keys in which any two entries of one index differ."""
    assert len(parent["sequence"]) == len(child["sequence"])
    found: set[str] = set()
    for one, other in zip(parent["sequence"], child["sequence"], strict=True):
        assert one.keys() == other.keys()
        found |= {key for key in one if one[key] != other[key]}
    return found


PROMPTS = {"default": ["a boat"], "sectors": {"BR": ["a bee", "a kite"], "TL": "a leaf"}}


def test_other_prompts_change_the_prompts_and_nothing_else(quick: Studio, tmp_path: Path) -> None:
    quick.start_everything()
    parent = record(quick, "first", frames=6)
    child = made(quick, "first", "second", prompts=PROMPTS)
    assert differing(parent, child) - IDS_AND_TIMES == {"prompt"}
    assert [entry["prompt"] for entry in child["sequence"]][:2] == ["a bee", "a leaf"]
    assert [entry["prompt"] for entry in child["sequence"] if entry["target_sector"] == "BR"] == ["a bee", "a kite"]
    assert [entry["origin"]["index"] for entry in child["sequence"]] == list(range(6))
    assert [entry["origin"]["frame_id"] for entry in child["sequence"]] == [e["frame_id"] for e in parent["sequence"]]
    assert child["parent"] == {"session_id": "first", "created_at": parent["created_at"], "frames": 6}
    assert child["changed"] == {
        "prompts": {"default": ["a boat"], "sectors": {"BR": ["a bee", "a kite"], "TL": ["a leaf"]}}
    }
    # On a disk that answers it is closed before it is told complete.
    eventually(lambda: "open" not in quick.metadata("second"))
    assert command(quick, "check", "second").out == "second: whole\n"


def test_nothing_changed_is_the_same_pictures_again(quick: Studio) -> None:
    quick.start_everything()
    parent = record(quick, "first")
    child = made(quick, "first", "second")
    assert differing(parent, child) - IDS_AND_TIMES == set()
    assert child["changed"] == {}
    found = quick.http.get("/session/compare", params={"a": "first", "b": "second"})
    assert found.status_code == 200, found.text
    assert found.json()["summary"]["identical"] == 4


def test_seeds_and_strength_can_be_changed(quick: Studio) -> None:
    quick.start_everything()
    parent = record(quick, "first")
    child = made(quick, "first", "second", seed_offset=5, strength=0.75)
    assert differing(parent, child) - IDS_AND_TIMES <= {"seed", "requested", "strength", "notes"}
    seeds = [entry["seed"] + 5 for entry in parent["sequence"]]
    assert [entry["seed"] for entry in child["sequence"]] == seeds
    assert {entry["requested"]["strength"] for entry in child["sequence"]} == {0.75}
    assert child["changed"] == {"seed_offset": 5, "strength": 0.75}


def test_a_chain_is_fed_with_its_own_frames(quick: Studio) -> None:
    quick.start_everything()
    parent = record(quick, "first", chain=True)
    kept = made(quick, "first", "kept", seed_offset=1)
    assert [entry["input_sha256"] for entry in kept["sequence"]] == [e["input_sha256"] for e in parent["sequence"]]
    fed = made(quick, "first", "fed", seed_offset=1, chain=True)
    inputs = [entry["input_sha256"] for entry in fed["sequence"]]
    assert inputs[0] == parent["sequence"][0]["input_sha256"]
    assert inputs[1:] == [entry["sha256"] for entry in fed["sequence"]][:-1]
    assert fed["changed"]["chain"] is True


def test_live_requests_go_first_and_keep_their_session(quick: Studio) -> None:
    """While a session is made again: the active session stays active, and no live request waits behind the re-run."""
    quick.start_generator(sleep_ms=50)
    quick.start_recorder()
    quick.start("replayer")
    quick.start_api()
    record(quick, "first", frames=12)
    quick.start_session("live")
    ask(quick, "first", into="second")
    live = [quick.generate(seed) for seed in range(8)]
    assert state(quick, "second")["status"] in ("running", "waiting")
    assert {frame.session_id for frame in live} == {"live"}
    assert quick.http.get("/session/status").json()["session_id"] == "live"
    until(quick, "second", "complete")
    quick.wait_recorded("live", live)
    assert len(quick.metadata("second")["sequence"]) == 12


def test_a_full_queue_of_live_jobs_leaves_a_place_for_it(quick: Studio) -> None:
    quick.settings["PARAFOVEA_QUEUE_LIMIT"] = "1"
    quick.start_everything()
    record(quick, "first", frames=3)
    made(quick, "first", "second")


def test_it_is_given_up_and_taken_up_again(quick: Studio) -> None:
    quick.start_generator(sleep_ms=100)
    quick.start_recorder()
    quick.start("replayer")
    quick.start_api()
    parent = record(quick, "first", frames=10)
    ask(quick, "first", into="second", prompts=PROMPTS)
    eventually(lambda: state(quick, "second")["done"] >= 2, 60)
    given_up = quick.http.delete("/session/second/rerun").json()
    assert given_up["status"] == "cancelled"
    assert 2 <= given_up["done"] < 10
    eventually(lambda: "open" not in quick.metadata("second"), 30)
    ask(quick, "first", into="second", resume=True)
    until(quick, "second", "complete")
    child = quick.metadata("second")
    assert [entry["origin"]["index"] for entry in child["sequence"]] == list(range(10))
    assert differing(parent, child) - IDS_AND_TIMES == {"prompt"}


@pytest.mark.parametrize("victim", ["replayer", "generator", "recorder"])
def test_it_goes_on_behind_its_last_frame_whoever_dies(quick: Studio, victim: str) -> None:
    quick.start_generator(sleep_ms=100)
    quick.start_recorder()
    quick.start("replayer")
    quick.start_api()
    parent = record(quick, "first", frames=10)
    ask(quick, "first", into="second", prompts=PROMPTS)
    eventually(lambda: state(quick, "second")["done"] >= 2, 60)
    quick.process(victim).kill()
    {"replayer": lambda: quick.start("replayer"), "generator": lambda: quick.start_generator(sleep_ms=100)}.get(
        victim, quick.start_recorder
    )()
    if victim == "replayer":
        until(quick, "second", "interrupted")
        ask(quick, "first", into="second", resume=True)
    until(quick, "second", "complete")
    child = quick.metadata("second")
    assert [entry["origin"]["index"] for entry in child["sequence"]] == list(range(10))
    if victim == "generator":
        # Its pictures are published, its inputs are fetched from it: one may have died with it.
        for entry in child["sequence"]:
            entry["input_file"] = entry["input_file"] or parent["sequence"][entry["index"]]["input_file"]
    assert differing(parent, child) - IDS_AND_TIMES == {"prompt"}


def test_a_job_that_its_replayer_left_behind_is_the_frame_and_not_made_twice(quick: Studio) -> None:
    quick.start_everything()
    record(quick, "first", frames=2)
    quick.process("generator").kill()
    quick.start_generator(sleep_ms=3000)
    ask(quick, "first", into="second")
    left_behind = eventually(lambda: quick.health()["processes"]["generator"].get("running"), 60)
    quick.process("replayer").kill()
    quick.start("replayer")
    until(quick, "second", "interrupted")
    ask(quick, "first", into="second", resume=True)
    until(quick, "second", "complete")
    entries = quick.metadata("second")["sequence"]
    assert [entry["origin"]["index"] for entry in entries] == [0, 1]
    assert entries[0]["request_id"] == left_behind


def test_a_frame_that_cannot_be_made_is_left_out_and_named(quick: Studio) -> None:
    quick.start_everything()
    parent = record(quick, "first")
    (quick.sessions / "first" / parent["sequence"][1]["input_file"]).unlink()
    ask(quick, "first", into="second")
    done = until(quick, "second", "complete")
    assert [frame["index"] for frame in done["skipped"]] == [1]
    assert [entry["origin"]["index"] for entry in quick.metadata("second")["sequence"]] == [0, 2, 3]


def test_what_cannot_be_made_is_refused_and_nothing_is_written(quick: Studio) -> None:
    quick.start_everything()
    record(quick, "first")
    record(quick, "other", frames=1)
    before = sorted(path.name for path in quick.sessions.iterdir())
    for parent, body, status, code in (
        ("nothing", {"into": "second"}, 404, "session_not_found"),
        ("first", {"into": "other"}, 409, "session_exists"),
        ("first", {"into": "OTHER"}, 422, "invalid_session_id"),
        ("first", {"into": "../x"}, 422, "invalid_session_id"),
        ("first", {"into": "other", "resume": True}, 422, "invalid_request"),
        ("first", {"into": "absent", "resume": True}, 404, "session_not_found"),
        ("first", {}, 422, "invalid_request"),
        ("first", {"into": "second", "prompts": {"sectors": {"XX": "a bee"}}}, 422, "invalid_request"),
        ("first", {"into": "second", "strength": 7}, 422, "invalid_request"),
        ("first", {"into": "second", "colour": "red"}, 422, "invalid_request"),
        ("first", {"into": "second", "model": "some/other"}, 422, "invalid_request"),
    ):
        answer = ask(quick, parent, status, **body)
        assert answer["error"] == code, (body, answer)
    assert quick.http.get("/session/first/rerun").json()["error"] == "not_found"
    assert quick.http.post("/session/first/rerun", content=b"{").json()["error"] == "invalid_json"
    assert sorted(path.name for path in quick.sessions.iterdir()) == before


def test_a_session_that_is_being_made_is_not_deleted_nor_made_twice(quick: Studio) -> None:
    quick.start_generator(sleep_ms=100)
    quick.start_recorder()
    quick.start("replayer")
    quick.start_api()
    record(quick, "first", frames=6)
    ask(quick, "first", into="second")
    assert ask(quick, "first", 409, into="second")["error"] == "session_busy"
    assert quick.http.delete("/session/second").json()["error"] == "session_busy"
    until(quick, "second", "complete")
    eventually(lambda: quick.http.delete("/session/second").status_code == 200, 30)


def test_the_command_does_the_same(quick: Studio) -> None:
    quick.start_everything()
    parent = record(quick, "first")
    prompts = quick.folder / "prompts.json"
    prompts.write_text(json.dumps(PROMPTS))
    said = command(quick, "rerun", "first", "--into", "second", "--prompts", str(prompts))
    assert said.out == "second: complete, 4 of 4 frames of first\n"
    assert differing(parent, quick.metadata("second")) - IDS_AND_TIMES == {"prompt"}
    told = json.loads(command(quick, "rerun", "first", "--into", "third", "--seed-offset", "3", "--json").out)
    assert (told["state"], told["changed"]) == ("complete", {"seed_offset": 3})
    assert "exists" in command(quick, "rerun", "first", "--into", "second", code=3).err
