"""Our own readers, and one that needs nothing of ours, find in the session what everybody should."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.conformance import plain_reader
from tests.golden.commands import parafovea
from tests.golden.wire import http
from tests.support.buses import short_folder
from tests.support.processes import System

pytestmark = pytest.mark.system

HERE = Path(__file__).parent
SESSION = HERE / "session"
EXPECTED: dict[str, Any] = json.loads((HERE / "expected.json").read_bytes())
AT = f"/session/{EXPECTED['session_id']}"


@pytest.fixture(scope="module")
def server() -> Iterator[System]:
    """One that has the session."""
    with short_folder() as folder:
        system = System(folder)
        shutil.copytree(SESSION, system.sessions / EXPECTED["session_id"])
        try:
            for process in [system.start(name, wait=False) for name in ("replayer", "api")]:
                system.wait_ready(process)
            yield system
            system.stop_all()
            system.assert_nothing_left()
        finally:
            system.kill_all()
            system.print_logs()


def get(server: System, target: str) -> Any:
    return json.loads(http(server.port, "GET", target).body)


def test_a_plain_reader_finds_it() -> None:
    assert plain_reader.read(SESSION) == EXPECTED


def test_the_metadata_over_http(server: System) -> None:
    found = get(server, AT)
    for key in ("session_id", "created_at", "format", "lost", "missing", "interrupted"):
        assert found[key] == EXPECTED[key]
    assert found == json.loads((SESSION / "metadata.json").read_bytes())


def test_the_entries_and_the_timeline_over_http(server: System) -> None:
    found = get(server, f"{AT}/entries")
    assert found["total"] == len(EXPECTED["frames"])
    assert found["offsets_s"] == [frame["offset_s"] for frame in EXPECTED["frames"]]
    assert found["round_s"] == EXPECTED["round_s"]
    for entry, frame in zip(found["entries"], EXPECTED["frames"], strict=True):
        for key in set(frame) - {"offset_s", "picture", "input", "size", "text"}:
            assert entry.get(key) == frame[key]


@pytest.mark.parametrize("frame", EXPECTED["frames"], ids=lambda frame: frame["filename"])
def test_a_frame_and_its_input_over_http(server: System, frame: dict[str, Any]) -> None:
    at = f"{AT}/frames/{frame['index']}"
    answer, source = http(server.port, "GET", at), http(server.port, "GET", f"{at}/input")
    assert answer.status == {"whole": 200, "gone": 410}[frame["picture"]]
    if frame["picture"] == "whole":
        assert hashlib.sha256(answer.body).hexdigest() == frame["sha256"]
        assert answer.header("etag") == f'"{frame["sha256"]}"'
        text = plain_reader.png_text(answer.body) or {}
        assert {key: text.get(key) for key in frame["text"]} == frame["text"]
    assert hashlib.sha256(source.body).hexdigest() == frame["input_sha256"]


def test_a_replay_shows_them_in_order(server: System) -> None:
    started = json.loads(http(server.port, "POST", f"/session/replay/{EXPECTED['session_id']}").body)
    assert started["total_generations"] == len(EXPECTED["frames"])
    for frame in EXPECTED["frames"]:
        answer = http(server.port, "GET", "/session/replay/next")
        if frame["picture"] == "gone":
            assert (answer.status, json.loads(answer.body)["error"]) == (410, "frame_missing")
            continue
        assert hashlib.sha256(answer.body).hexdigest() == frame["sha256"]
        assert answer.header("x-index") == str(frame["index"])
        assert answer.header("x-seed") == str(frame["seed"])
        assert answer.header("x-sector") == frame["target_sector"]
    assert get(server, "/session/replay/next")["status"] == "complete"


def test_the_check_names_what_is_not_there(server: System) -> None:
    done = parafovea(server, "check", EXPECTED["session_id"], "--json")
    assert done.returncode == 2
    found = [(each["severity"], each["file"], each["sentence"]) for each in json.loads(done.stdout)["findings"]]
    sentences = " ".join(sentence for _, _, sentence in found)
    assert all(frame_id in sentences for frame_id in EXPECTED["lost"])
    gone = {frame["filename"] for frame in EXPECTED["frames"] if frame["picture"] == "gone"}
    assert gone == set(EXPECTED["missing"]) == {file for kind, file, _ in found if kind == "lost"} - {"metadata.json"}
    said = [re.findall(r"\d+", sentence) for _, _, sentence in found if "no frame with ind" in sentence]
    assert [[int(run[0]), int(run[-1])] for run in said] == EXPECTED["indices_without_a_frame"]
