"""Sessions that another hand has written into: served, never written to, and no route fails over what is in them."""

from __future__ import annotations

import json
import shutil
import threading
from pathlib import Path

import orjson
import pytest

from shared.session.writing.writer import SessionWriter
from tests.contract.conftest import Site
from tests.support.absurd import ENTRIES, TOPS, write_entry, write_top
from tests.support.frames import CREATED_AT, input_image, pending_frame
from tests.support.hands import ADDED, EXACT, LOSSY, annotate
from tests.support.scripted_disk import ScriptedDisk

READS = (
    "",
    "/entries",
    "/entries?from=1&count=1",
    "/entries?from=9",
    *(f"/frames/{index}{more}" for index in (0, 1, 2, 3, 2**49) for more in ("", "/input", "/thumbnail")),
    "/export",
)


def record(root: Path, session_id: str) -> Path:
    """A session of three frames, closed; its metadata."""
    writer = SessionWriter.create(ScriptedDisk(), root, session_id, CREATED_AT)
    for number in range(3):
        writer.append([pending_frame(number, session_id=session_id, input=input_image(number))])
    writer.close()
    return root / session_id / "metadata.json"


def files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("name", sorted({**EXACT, **LOSSY}))
async def test_what_a_script_added_is_served_and_stays(site: Site, name: str) -> None:
    path = record(site.sessions, "s")
    annotate(path, {**EXACT, **LOSSY}[name], ADDED)
    before = files(site.sessions)
    answer = await site.client.get("/session/s")
    assert answer.status_code == 200
    value = orjson.loads(answer.content)
    assert [entry["trial"] for entry in value["sequence"]] in ([0, 1, 2], [[0], [1], [2]])
    head = await site.client.head("/session/s")
    assert head.headers["content-length"] == str(len(answer.content))
    told = (await site.client.get("/session/s/entries")).json()
    assert "damaged" not in told
    assert [(entry["index"], entry["seed"], entry["reaction_time_s"]) for entry in told["entries"]] == [
        (number, number, told["entries"][0]["reaction_time_s"]) for number in range(3)
    ]
    for index in range(3):
        frame = await site.client.get(f"/session/s/frames/{index}")
        assert (frame.status_code, frame.content) == (200, before[f"s/000{index}_BR.png"])
        assert (await site.client.get(f"/session/s/frames/{index}/input")).content == input_image(index)
    (listed,) = (await site.client.get("/session/list?details=true")).json()["sessions"]
    assert (listed["frames"], listed["created_at"]) == (3, CREATED_AT)
    assert (await site.client.get("/session/s/export")).status_code == 200
    assert files(site.sessions) == before
    assert site.recorder.repaired == []


async def test_what_cannot_be_understood_is_refused_with_its_place_and_served_as_far_as_it_can_be(site: Site) -> None:
    path = record(site.sessions, "s")
    text = json.dumps(json.loads(path.read_bytes()), indent=2)
    path.write_text(text[: text.index('"index": 2') + 30])
    before = files(site.sessions)
    for route in ("/session/s", "/session/s/export"):
        answer = await site.client.get(route)
        assert (answer.status_code, answer.json()["error"]) == (409, "session_damaged")
        assert "line" in answer.json()["detail"]
        assert "--repair" in answer.json()["detail"]
    told = (await site.client.get("/session/s/entries")).json()
    assert [entry["index"] for entry in told["entries"]] == [0, 1]
    assert "line" in told["damaged"]
    for index in range(3):
        frame = await site.client.get(f"/session/s/frames/{index}")
        assert (frame.status_code, frame.content) == (200, before[f"s/000{index}_BR.png"])
        assert (await site.client.get(f"/session/s/frames/{index}/thumbnail")).status_code in (200, 410)
    assert (await site.client.get("/session/s/frames/3")).status_code == 404
    (listed,) = (await site.client.get("/session/list?details=true")).json()["sessions"]
    assert listed["frames"] is None
    assert files(site.sessions) == before
    assert site.recorder.repaired == []


async def test_one_entry_that_is_none_is_named_and_the_others_are_served(site: Site) -> None:
    path = record(site.sessions, "s")
    path.write_bytes(path.read_bytes().replace(b'"seed":1', b'"seed":,', 1))
    refused = await site.client.get("/session/s")
    assert (refused.status_code, refused.json()["error"]) == (409, "session_damaged")
    assert "line 7" in refused.json()["detail"]
    told = (await site.client.get("/session/s/entries")).json()
    assert [(entry["index"], entry["filename"]) for entry in told["entries"]] == [
        (index, f"000{index}_BR.png") for index in range(3)
    ]
    assert ["damaged" in entry for entry in told["entries"]] == [False, True, False]
    assert (await site.client.get("/session/s/frames/1")).content == (path.parent / "0001_BR.png").read_bytes()


async def test_metadata_that_is_gone(site: Site) -> None:
    path = record(site.sessions, "s")
    path.unlink()
    assert (await site.client.get("/session/s")).json()["error"] == "session_damaged"
    assert (await site.client.get("/session/s/frames/1")).content == (path.parent / "0001_BR.png").read_bytes()
    assert (await site.client.get("/session/list")).json() == {"sessions": ["s"]}
    assert not path.exists()


async def test_a_change_is_seen_at_once(site: Site) -> None:
    """Whatever was read before: in the same place and length too."""
    path = record(site.sessions, "s")
    assert (await site.client.get("/session/s")).status_code == 200
    whole = path.read_bytes()
    path.write_bytes(whole.replace(b'"steps":4', b'"steps":NaN'))
    assert [entry["steps"] for entry in orjson.loads((await site.client.get("/session/s")).content)["sequence"]] == [
        None,
        None,
        None,
    ]
    path.write_bytes(whole.replace(b'"steps":4', b'"steps":5'))
    told = (await site.client.get("/session/s/entries")).json()
    assert [entry["steps"] for entry in told["entries"]] == [5, 5, 5]
    with path.open("r+b") as file:
        file.write(json.dumps(json.loads(whole), indent=3).encode())
        file.truncate()
    told = (await site.client.get("/session/s/entries")).json()
    assert [entry["steps"] for entry in told["entries"]] == [4, 4, 4]


async def test_no_route_fails_over_what_stands_in_a_session(site: Site) -> None:
    path = record(site.sessions, "s")
    whole = path.read_bytes()
    problems = []
    for number, ours in enumerate((True, False)):
        for name, text in ENTRIES.items():
            path.write_bytes(whole)
            write_entry(path, text, ours=ours)
            problems += [f"{name}, layout {number}: {problem}" for problem in await failures(site, "s")]
        for name, values in TOPS.items():
            path.write_bytes(whole)
            write_top(path, values, ours=ours)
            problems += [f"{name}, layout {number}: {problem}" for problem in await failures(site, "s")]
    for data in (b"", b"{", b"[]", b"null", b"[" * 100_000, b'{"sequence":5}', b"\xff\xfe", bytes(1000), b"\x80" * 100):
        path.write_bytes(data)
        problems += [f"{data[:20]!r}: {problem}" for problem in await failures(site, "s")]
    path.unlink()
    path.mkdir()
    problems += [f"a folder: {problem}" for problem in await failures(site, "s")]
    assert not problems
    assert site.recorder.repaired == []


async def failures(site: Site, session_id: str) -> list[str]:
    """Routes that answer as if the server were to blame, or in no JSON."""
    found = []
    for route in (*(f"/session/{session_id}{read}" for read in READS), "/session/list", "/session/list?details=true"):
        answer = await site.client.get(route)
        if answer.status_code >= 500:
            found.append(f"{route} {answer.status_code} {answer.text[:200]}")
        elif answer.headers["content-type"] == "application/json":
            orjson.loads(answer.content)
    return found


async def test_a_list_with_details_while_files_come_and_go(site: Site) -> None:
    """Files are written under a name of their own and renamed: one may be gone between listing and looking."""
    folder = record(site.sessions, "s").parent
    inputs = folder / "inputs"
    done = threading.Event()

    def come_and_go() -> None:
        number = 0
        while not done.is_set():
            number += 1
            for base in (folder, inputs):
                for part in range(20):
                    (base / f".tmp-{number}-{part}").write_bytes(b"x")
                for part in range(20):
                    (base / f".tmp-{number}-{part}").unlink()
            gone = site.sessions / f"other{number}"
            shutil.copytree(folder, gone, ignore=shutil.ignore_patterns(".tmp-*"))
            shutil.rmtree(gone)

    thread = threading.Thread(target=come_and_go)
    thread.start()
    try:
        for _ in range(150):
            answer = await site.client.get("/session/list?details=true")
            assert answer.status_code == 200, answer.text
            assert any(session["id"] == "s" and session["frames"] == 3 for session in answer.json()["sessions"])
    finally:
        done.set()
        thread.join()
