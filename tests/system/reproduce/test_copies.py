"""Recording goes on in a session whose folder was imported, copied, moved, renamed, restored or merged by hand.

A copy holds the numbers of the frames that it was copied with; what is new is never taken for one of those, and no
frame is there twice.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.support.studio import Answered, Studio, flat_png
from tests.support.waiting import eventually
from tests.system.reproduce.support import command, record

pytestmark = pytest.mark.system

FRAMES = 4


def go_on(quick: Studio, session_id: str, seed: int = 100) -> list[Answered]:
    """Resume a session and make frames that are answered only once they are on disk."""
    quick.start_session(session_id, resume="true")
    image = flat_png(96, 64)
    answers = [quick.generate(seed + n, image=image, focus_sector="TL", durable=True) for n in range(FRAMES)]
    assert {answer.recorded for answer in answers} == {"disk"}
    assert {answer.session_id for answer in answers} == {session_id}
    assert quick.http.post("/session/stop").json()["pending"] == 0
    eventually(lambda: "open" not in quick.metadata(session_id))
    return answers


def ids(quick: Studio, session_id: str) -> list[str]:
    return [entry["frame_id"] for entry in quick.metadata(session_id)["sequence"]]


def assert_holds(quick: Studio, session_id: str, before: list[str], answers: list[Answered]) -> None:
    """The session has what it had, then what was answered, each once, with the bytes that were answered."""
    assert ids(quick, session_id) == before + [answer.frame_id for answer in answers]
    entries = {entry["frame_id"]: entry for entry in quick.metadata(session_id)["sequence"]}
    for answer in answers:
        assert (quick.sessions / session_id / entries[answer.frame_id]["filename"]).read_bytes() == answer.png
    assert "lost" not in quick.metadata(session_id)
    assert quick.http.get("/health").json()["lost"] == {}
    assert command(quick, "check", session_id).out == f"{session_id}: whole\n"


def imported(quick: Studio, session_id: str) -> None:
    archive = quick.http.get("/session/a/export").content
    answer = quick.http.post("/session/import", params={"session_id": session_id}, content=archive)
    assert answer.status_code == 200, answer.text


def copied(quick: Studio, session_id: str) -> None:
    shutil.copytree(quick.sessions / "a", quick.sessions / session_id)


def renamed(quick: Studio, session_id: str) -> None:
    (quick.sessions / "a").rename(quick.sessions / session_id)


@pytest.mark.parametrize("way", [imported, copied, renamed])
def test_recording_goes_on_in_a_copy(quick: Studio, way: Callable[[Studio, str], None]) -> None:
    """Within one life of the generator, so that the copy's numbers and those of its new frames are the same."""
    quick.start_everything()
    record(quick, "a", frames=3)
    before = ids(quick, "a")
    way(quick, "b")
    assert_holds(quick, "b", before, go_on(quick, "b"))


def test_in_a_copy_of_a_copy_and_in_the_original(quick: Studio) -> None:
    quick.start_everything()
    record(quick, "a", frames=2)
    before = ids(quick, "a")
    imported(quick, "b")
    b = go_on(quick, "b")
    shutil.copytree(quick.sessions / "b", quick.sessions / "c")
    c = go_on(quick, "c", seed=200)
    a = go_on(quick, "a", seed=300)
    assert_holds(quick, "a", before, a)
    assert_holds(quick, "b", before, b)
    assert_holds(quick, "c", [*before, *(answer.frame_id for answer in b)], c)


def test_in_a_session_that_was_restored_from_a_backup(quick: Studio) -> None:
    """The backup is older: what it lacks is gone, and what comes next is new."""
    quick.start_everything()
    record(quick, "a", frames=3)
    before = ids(quick, "a")
    shutil.copytree(quick.sessions / "a", quick.folder / "backup")
    go_on(quick, "a")
    shutil.rmtree(quick.sessions / "a")
    shutil.copytree(quick.folder / "backup", quick.sessions / "a")
    answers = go_on(quick, "a", seed=200)
    assert ids(quick, "a") == before + [answer.frame_id for answer in answers]


def test_while_it_is_being_recorded(quick: Studio) -> None:
    """A backup of the same length is laid over the metadata in place: the inode stays, and perhaps the length."""
    quick.start_everything()
    quick.start_session("a")
    first = [quick.generate(seed, focus_sector="TL", durable=True) for seed in range(3)]
    path = quick.sessions / "a" / "metadata.json"
    text = path.read_bytes()
    changed = (
        text.replace(b'"prompt":"', b'"prompt":"', 1)[: text.index(b'"sequence"')] + text[text.index(b'"sequence"') :]
    )
    path.write_bytes(changed.rstrip() + b" " * (len(text) - len(changed.rstrip())))
    rest = [quick.generate(seed, focus_sector="TL", durable=True) for seed in range(3, 6)]
    assert quick.http.post("/session/stop").json()["recorded"] == 6
    assert_holds(quick, "a", [], first + rest)


def test_in_a_session_that_was_merged_by_hand(quick: Studio) -> None:
    """Somebody put the frames of two sessions into one folder, with indexes of their own."""
    quick.start_everything()
    record(quick, "a", frames=3)
    record(quick, "other", frames=3)
    target, source = quick.sessions / "a", quick.sessions / "other"
    metadata: dict[str, Any] = quick.metadata("a")
    for entry in quick.metadata("other")["sequence"]:
        index = entry["index"] + 3
        filename = f"{index:04d}_{entry['target_sector']}.png"
        shutil.copy(source / entry["filename"], target / filename)
        metadata["sequence"].append({**entry, "index": index, "filename": filename})
    shutil.copytree(source / "inputs", target / "inputs", dirs_exist_ok=True)
    (target / "metadata.json").write_text(json.dumps(metadata, indent=2))
    before = ids(quick, "a")
    assert len(before) == 6
    answers = go_on(quick, "a")
    assert ids(quick, "a") == before + [answer.frame_id for answer in answers]


def pending_in_a_copy(quick: Studio) -> Answered:
    """A frame of the copy ``b`` of ``a``, which holds a frame of the same number; its recorder is killed."""
    quick.start_everything()
    record(quick, "a", frames=3)
    imported(quick, "b")
    quick.start_session("b", resume="true")
    quick.process("recorder").kill()
    answer = quick.generate(7, focus_sector="TL")
    assert answer.recorded == "pending"
    return answer


def test_what_a_copy_did_not_get_is_not_affirmed(quick: Studio) -> None:
    """A frame of a copy that waits for the disk is pending, though the copy holds a frame of the same number."""
    answer = pending_in_a_copy(quick)
    quick.start_recorder()
    eventually(lambda: quick.health()["session"]["pending"] == 0, 60.0, "the frame is on disk")
    assert quick.http.post("/session/stop").status_code == 200
    eventually(lambda: "open" not in quick.metadata("b"))
    assert ids(quick, "b")[-1] == answer.frame_id
    assert len(ids(quick, "b")) == 4


def test_a_killed_generators_frame_is_named_in_a_copy(quick: Studio) -> None:
    """It is lost, though the copy holds a frame with the same number of the same epoch."""
    answer = pending_in_a_copy(quick)
    quick.process("generator").kill()
    quick.start_recorder()
    quick.start_generator()
    eventually(lambda: quick.metadata("b").get("lost") == [answer.frame_id], 60.0, "the lost frame is named")
    assert len(ids(quick, "b")) == 3


def test_rerun_is_not_resumed_from_another_session_of_the_name(quick: Studio) -> None:
    quick.start_everything()
    record(quick, "a", frames=3)
    command(quick, "rerun", "a", "--into", "again", "--strength", "0.7")
    assert quick.http.delete("/session/a").status_code == 200
    record(quick, "a", frames=5)
    refused = quick.http.post("/session/a/rerun", json={"into": "again", "resume": True})
    assert refused.status_code == 422, refused.text
    assert len(ids(quick, "again")) == 3
    assert quick.http.delete("/session/again").status_code == 200
    assert quick.http.get("/session/again/rerun").status_code == 404
    record(quick, "again", frames=1)
    assert quick.http.get("/session/again/rerun").status_code == 404


def test_a_renamed_parent_is_still_the_parent(quick: Studio) -> None:
    quick.start_everything()
    record(quick, "a", frames=3)
    command(quick, "rerun", "a", "--into", "again", "--strength", "0.7")
    renamed(quick, "b")
    resumed = quick.http.post("/session/b/rerun", json={"into": "again", "resume": True})
    assert resumed.status_code == 202, resumed.text
    compared = json.loads(command(quick, "compare", "b", "again", "--json").out)
    assert [frame["index"] for frame in compared["frames"]] == [0, 1, 2]
    assert Path(quick.sessions / "again").is_dir()
