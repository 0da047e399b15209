"""What a researcher does with a session beside the server: a script adds notes, an editor slips, an archive is odd."""

from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Iterator
from pathlib import Path

import httpx
import orjson
import pytest

from tests.support.absurd import ENTRIES, nested, write_entry
from tests.support.hands import ADDED, EXACT, annotate, same
from tests.support.studio import Studio, studio_in
from tests.support.waiting import eventually
from tests.system.reproduce.support import command, record

pytestmark = pytest.mark.system

READS = ("", "/entries", "/frames/0", "/frames/0/input", "/frames/0/thumbnail", "/export")


@pytest.fixture
def studio(folder: Path) -> Iterator[Studio]:
    with studio_in(folder) as made:
        made.start_everything()
        yield made


def archive_of(folder: Path) -> bytes:
    """``tar -c`` of a session's folder."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        tar.add(folder, folder.name)
    return buffer.getvalue()


def files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_script_adds_reaction_times_and_nothing_takes_them_away(studio: Studio) -> None:
    record(studio, "experiment", frames=3)
    path = studio.sessions / "experiment" / "metadata.json"
    data = annotate(path, EXACT["json.dump"], ADDED)
    before = files(path.parent)
    value = orjson.loads(studio.http.get("/session/experiment").content)
    assert [entry["reaction_time_s"] for entry in value["sequence"]] == [None] * 3
    for read in READS:
        assert studio.http.get(f"/session/experiment{read}").status_code == 200
    assert studio.http.get("/session/list?details=true").json()["sessions"][0]["frames"] == 3
    assert studio.http.post("/session/replay/experiment").json()["total_generations"] == 3
    assert [studio.http.get("/session/replay/next").headers["x-index"] for _ in range(3)] == ["0", "1", "2"]
    assert command(studio, "check", "experiment").out.endswith("experiment: whole\n")
    studio.process("recorder").stop()
    studio.start_recorder()
    studio.wait_until_ready()
    assert files(path.parent) == before

    studio.start_session("experiment", resume="true")
    frame = studio.generate(7, durable=True)
    assert frame.recorded == "disk"
    assert studio.http.post("/session/stop").status_code == 200
    eventually(lambda: "open" not in json.loads(path.read_bytes()), 30, "it is closed")
    told = json.loads(path.read_bytes())
    assert same(told["sequence"][:3], json.loads(data)["sequence"])
    assert same(told["participant"], json.loads(data)["participant"])
    assert told["sequence"][3]["frame_id"] == frame.frame_id
    assert "interrupted" not in told
    (kept,) = path.parent.glob("metadata.json.before-repair-*")
    assert kept.read_bytes() == data
    assert command(studio, "check", "experiment").out == "experiment: whole\n"


def test_a_slip_is_refused_with_its_place_and_mended_by_command_beside_the_server(studio: Studio) -> None:
    record(studio, "experiment", frames=3)
    path = studio.sessions / "experiment" / "metadata.json"
    value = json.loads(path.read_bytes())
    for entry in value["sequence"]:
        entry["rating"] = 4
    slip = json.dumps(value, indent=2).replace('"rating": 4', '"rating": 4 "seen": true', 2)
    path.write_text(slip)
    refused = studio.http.get("/session/experiment")
    assert (refused.status_code, refused.json()["error"]) == (409, "session_damaged")
    assert "line" in refused.json()["detail"]
    for index in range(3):
        name = value["sequence"][index]["filename"]
        assert studio.http.get(f"/session/experiment/frames/{index}").content == (path.parent / name).read_bytes()
    assert studio.http.post("/session/start?session_id=experiment&resume=true").json()["error"] == "session_damaged"
    studio.process("recorder").stop()
    studio.start_recorder()
    studio.wait_until_ready()
    assert path.read_text() == slip
    mended = command(studio, "check", "experiment", "--repair").out
    (kept,) = path.parent.glob("metadata.json.before-repair-*")
    assert kept.name in mended
    assert kept.read_text() == slip
    assert [entry["index"] for entry in studio.http.get("/session/experiment").json()["sequence"]] == [0, 1, 2]


def test_what_is_imported_is_held_to_the_limits_and_what_is_read_is_not_believed(studio: Studio) -> None:
    record(studio, "experiment", frames=3)
    path = studio.sessions / "experiment" / "metadata.json"
    whole = path.read_bytes()
    odd = {name: ENTRIES[name] for name in ("index 2^64-1", "timestamp a text", "nested 253 deep", "nested 900 deep")}
    for name, text in odd.items():
        path.write_bytes(whole)
        write_entry(path, text, ours=True)
        sent = archive_of(path.parent)
        answer = httpx.post(
            f"{studio.url}/session/import", content=sent, params={"session_id": "odd"}, timeout=60, trust_env=False
        )
        assert (answer.status_code, answer.json()["error"]) == (422, "invalid_archive"), name
        for read in READS:
            with studio.http.stream("GET", f"/session/experiment{read}") as reply:
                reply.read()
                assert reply.status_code < 500, (name, read, reply.text[:300])
        studio.http.post("/session/replay/experiment")
        shown = [studio.http.get("/session/replay/next").status_code for _ in range(4)]
        assert set(shown) <= {200, 409, 410}, name
        studio.http.post("/session/replay/play?speed=100")
        eventually(
            lambda: studio.http.get("/session/replay/status").json()["status"] in ("complete", "paused"), 30, name
        )
        studio.start_session("experiment", resume="true")
        assert studio.generate(5, durable=True).recorded == "disk", name
        assert studio.http.post("/session/stop").json()["pending"] == 0
        for extra in path.parent.glob("*"):
            if extra.name not in ("metadata.json", "inputs") and extra.name.encode() not in whole:
                extra.unlink()
    eventually(lambda: studio.health()["status"] == "ok", 20, "/health is ok")
    path.write_bytes(whole.replace(b'"notes":{', f'"notes":{{"mine":{nested(900)},'.encode(), 1))
    assert studio.http.get("/session/experiment/entries").status_code == 200
    assert studio.http.get("/health").json()["processes"]["replayer"]["state"] == "ok"


def test_an_archive_of_a_file_server(studio: Studio) -> None:
    record(studio, "experiment", frames=2)
    folder = studio.sessions / "experiment"
    for name in ("@eaDir/0000_BR.png@SynoEAStream", ".directory", "inputs/Thumbs.db", "._metadata.json"):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(b"x")
    assert command(studio, "check", "experiment").out == "experiment: whole\n"
    answer = httpx.post(
        f"{studio.url}/session/import",
        content=archive_of(folder),
        params={"session_id": "copy"},
        timeout=60,
        trust_env=False,
    )
    assert (answer.status_code, answer.json()["frames"]) == (200, 2), answer.text
    assert not (studio.sessions / "copy" / "@eaDir").exists()
    assert sorted(studio.http.get("/session/list").json()["sessions"]) == ["copy", "experiment"]
