"""Every line of the user's own document, as printed, by curl, against real processes."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.support.processes import REPOSITORY
from tests.support.studio import Studio, flat_png
from tests.support.waiting import eventually

pytestmark = [pytest.mark.system, pytest.mark.skipif(shutil.which("curl") is None, reason="needs curl")]


class Shell:
    """A user's terminal, in a folder with the shipped request, where the server is on another port."""

    def __init__(self, studio: Studio) -> None:
        self._studio = studio
        self.folder = studio.folder / "terminal"
        self.folder.mkdir()

    def run(self, line: str) -> bytes:
        """What a command line prints."""
        line = line.replace("http://localhost:8001", f"http://localhost:{self._studio.port}")
        done = subprocess.run(
            ["sh", "-c", line], cwd=self.folder, capture_output=True, timeout=60, env=self._studio.environment()
        )
        assert done.returncode == 0, done.stderr.decode()
        return done.stdout

    def json(self, line: str) -> dict[str, Any]:
        """The JSON that a command line prints."""
        told: dict[str, Any] = json.loads(self.run(line))
        return told

    def headers(self, line: str) -> dict[str, str]:
        """The headers of an answer whose body goes to ``image.png``."""
        lines = self.run(f"{line} -s -o image.png -D -").decode().splitlines()
        assert lines[0].startswith("HTTP/1.1 200"), lines
        return {name.lower(): value.strip() for name, _, value in (each.partition(":") for each in lines[1:] if each)}


@pytest.fixture
def shell(quick: Studio) -> Shell:
    quick.start_everything()
    return Shell(quick)


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


GENERATE = 'curl -X POST http://localhost:8001/generate -H "Content-Type: application/json" -d @generation_request.json'


def test_the_document_line_by_line(quick: Studio, shell: Shell) -> None:
    request = REPOSITORY / "generation_request.json"
    if request.exists():
        shutil.copy(request, shell.folder)
    else:
        import base64

        body = {"image_base64": base64.b64encode(flat_png(96, 64)).decode(), "focus_sector": "TL", "prompt": "a bee"}
        (shell.folder / "generation_request.json").write_text(json.dumps(body))

    started = shell.json("curl -X POST http://localhost:8001/session/start")
    assert set(started) == {"session_id", "status"}
    assert started["session_id"].startswith("session_")
    assert started["status"] == "recording"
    named = shell.json('curl -X POST "http://localhost:8001/session/start?session_id=my_experiment"')
    assert named == {"session_id": "my_experiment", "status": "recording"}

    hashes = []
    for _ in range(5):
        headers = shell.headers(GENERATE)
        assert headers["content-type"] == "image/png"
        assert headers["x-session"] == "my_experiment"
        hashes.append(sha256(shell.folder / "image.png"))
    folder = quick.sessions / "my_experiment"
    eventually(lambda: len(quick.frame_ids("my_experiment")) == 5, 30)

    listed = shell.json("curl http://localhost:8001/session/list")
    assert listed == {"sessions": [started["session_id"], "my_experiment"]}

    details = shell.json("curl http://localhost:8001/session/my_experiment")
    assert details["session_id"] == "my_experiment"
    assert isinstance(details["created_at"], float)
    for index, entry in enumerate(details["sequence"]):
        assert entry["index"] == index
        assert entry["filename"] == f"{index:04d}_{entry['target_sector']}.png"
        assert {"focus_sector", "prompt", "timestamp"} <= set(entry)
        assert sha256(folder / entry["filename"]) == hashes[index], "what was answered is what is on disk"

    replaying = shell.json("curl -X POST http://localhost:8001/session/replay/my_experiment")
    assert replaying == {"session_id": "my_experiment", "status": "replaying", "total_generations": 5}
    for index in range(5):
        headers = shell.headers("curl http://localhost:8001/session/replay/next")
        assert (headers["x-index"], headers["x-sector"]) == (str(index), details["sequence"][index]["target_sector"])
        assert "x-prompt" in headers
        assert sha256(shell.folder / "image.png") == hashes[index]
    assert shell.json("curl http://localhost:8001/session/replay/next") == {"status": "complete", "image": None}
    shell.run("curl -X POST http://localhost:8001/session/replay/stop")

    shell.run("curl -X POST http://localhost:8001/session/replay/my_experiment")
    shell.run(f"cp -r {quick.sessions.parent}/sessions . && tar -czf bug_report_xyz.tar.gz sessions/my_experiment/")
    shell.run(f"rm -rf {folder}")
    assert shell.json("curl http://localhost:8001/session/list") == {"sessions": [started["session_id"]]}


def test_replay_while_recording_another(quick: Studio, shell: Shell) -> None:
    quick.start_session("one")
    first = [quick.generate(seed, durable=True) for seed in range(2)]
    quick.start_session("two")
    shell.run("curl -X POST http://localhost:8001/session/replay/one")
    for number, frame in enumerate(first):
        assert quick.generate(10 + number, durable=True).session_id == "two"
        shell.run("curl http://localhost:8001/session/replay/next > image.png")
        assert sha256(shell.folder / "image.png") == frame.sha256
    assert len(quick.frame_ids("two")) == 2
