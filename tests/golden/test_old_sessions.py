"""Sessions of an earlier version stay readable for good: they are read, replayed, checked, moved, and recorded on."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.golden import canned
from tests.golden.canned import number
from tests.golden.old_sessions import ARCHIVES, OLD, SESSIONS, copy_all, expected, files, readings, sequence
from tests.golden.pictures import png
from tests.golden.raw_json import compact
from tests.golden.stand_in import StandIn
from tests.golden.wire import http
from tests.support.buses import short_folder
from tests.support.processes import System
from tests.support.waiting import eventually

pytestmark = pytest.mark.system

WAIT_S = 60.0
each_session = pytest.mark.parametrize("name", SESSIONS)


def post(system: System, target: str, body: bytes | None = None) -> dict[str, object]:
    answer = http(system.port, "POST", target, body)
    assert answer.status == 200, (target, answer.body)
    found: dict[str, object] = json.loads(answer.body)
    return found


@pytest.fixture(scope="module")
def reading() -> Iterator[System]:
    """A server that has all of them. The tests leave them as they are."""
    with short_folder() as folder:
        system = System(folder, PARAFOVEA_DISK_STOP_BYTES="0")
        copy_all(system)
        try:
            for process in [system.start(name, wait=False) for name in ("recorder", "replayer", "gaze", "api")]:
                system.wait_ready(process)
            yield system
            system.stop_all()
            system.assert_nothing_left()
        finally:
            system.kill_all()
            system.print_logs()


@each_session
def test_it_is_read_as_it_was(reading: System, name: str) -> None:
    found = readings(reading, name)
    wanted = expected(name)
    for part in wanted:
        assert compact(found[part]) == compact(wanted[part]), part
    assert files(reading.sessions / name) == files(OLD / name), "reading changed it"


def test_they_are_listed_by_their_age(reading: System) -> None:
    listed = json.loads(http(reading.port, "GET", "/session/list").body)["sessions"]
    began = {name: json.loads((OLD / name / "metadata.json").read_bytes())["created_at"] for name in SESSIONS}
    assert sorted(listed) == sorted(SESSIONS)
    assert [began[name] for name in listed] == sorted(began.values())


@each_session
def test_an_export_is_imported_byte_for_byte(reading: System, name: str) -> None:
    archive = http(reading.port, "GET", f"/session/{name}/export").body
    assert http(reading.port, "DELETE", f"/session/{name}").status == 200
    post(reading, "/session/import", archive)
    assert files(reading.sessions / name) == files(OLD / name)


@pytest.mark.parametrize(("archive", "name"), ARCHIVES.items())
def test_an_old_archive_is_imported(reading: System, archive: str, name: str) -> None:
    assert http(reading.port, "DELETE", f"/session/{name}").status == 200
    post(reading, "/session/import", (OLD / archive).read_bytes())
    assert files(reading.sessions / name) == files(OLD / name)


def test_each_is_recorded_on(system: System) -> None:
    copy_all(system)
    system.settings["PARAFOVEA_DISK_STOP_BYTES"] = "0"
    source = png()
    with StandIn(system.bus_folder, ["generator"], ["frames"]) as generator:
        nothing = {"epoch": canned.EPOCH, "stopping": False, "frames": [], "next_record_seq": {}}
        generator.answers["generator", "pending"] = lambda header, payloads: (nothing, [])
        generator.answers["generator", "input"] = lambda header, payloads: (
            {"sha256": header["sha256"], "format": "png"},
            [source],
        )
        generator.states["status|"] = {**canned.status(), "channel": "frames"}
        for process in [system.start(each, wait=False) for each in ("recorder", "api")]:
            system.wait_ready(process)
        generator.wait("generator", "pending")
        for name in SESSIONS:
            before = sequence(system, name)
            post(system, f"/session/start?session_id={name}&resume=true")
            began = json.loads((system.sessions / name / "metadata.json").read_bytes())["created_at"]
            fields, data = canned.frame(0, source, session_id=name, session_created_at=number(began))
            generator.publish("frames", {"type": "frame", **fields}, data)
            eventually(lambda name=name, before=before: len(sequence(system, name)) > len(before), WAIT_S, name)  # type: ignore[misc]
            post(system, "/session/stop")
            after = sequence(system, name)
            assert after[:-1] == before
            assert after[-1]["frame_id"] == fields["frame_id"]
            assert after[-1]["index"] == before[-1]["index"] + 1
            kept = files(OLD / name)
            now = files(system.sessions / name)
            assert {path: now.get(path) for path in kept if path != "metadata.json"} == {
                path: sha256 for path, sha256 in kept.items() if path != "metadata.json"
            }


def test_an_old_spill_is_taken_in(system: System) -> None:
    shutil.copytree(OLD / "spill", system.sessions)
    system.start("recorder")
    eventually(lambda: not (system.sessions / ".spill").exists(), WAIT_S, "the spill is taken in")
    wanted = json.loads((OLD / "spill.expected.json").read_bytes())
    assert [{key: entry.get(key) for key in wanted[0]} for entry in sequence(system, "spilled")] == wanted
    for entry in wanted:
        assert files(system.sessions / "spilled")[entry["filename"]] == entry["sha256"]


def test_the_frames_of_an_old_journal_are_named_as_lost(system: System) -> None:
    """Their generator is no more, and the next one has nothing of them."""
    shutil.copytree(OLD / "journal", system.sessions)
    lines = (OLD / "journal" / ".answered" / "pending.jsonl").read_text().split()
    wanted = [json.loads(line)["add"]["frame_id"] for line in lines]
    with StandIn(system.bus_folder, ["generator"], ["frames"]) as generator:
        nothing = {"epoch": canned.EPOCH, "stopping": False, "frames": [], "next_record_seq": {}}
        generator.answers["generator", "pending"] = lambda header, payloads: (nothing, [])
        generator.states["status|"] = {**canned.status(), "channel": "frames"}
        for process in [system.start(each, wait=False) for each in ("recorder", "api")]:
            system.wait_ready(process)

        def lost() -> bool:
            health = json.loads(http(system.port, "GET", "/health").body)
            return bool(health["lost"] == {"lost_frames": wanted})

        eventually(lost, WAIT_S, "the frames are named")
    head = json.loads((system.sessions / "lost_frames" / "metadata.json").read_bytes())
    assert head["lost"] == wanted
    assert not (Path(system.sessions) / ".answered").exists()
