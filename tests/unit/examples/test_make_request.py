"""``examples/make_request.py``: a request to a file or a pipe, and never onto a terminal."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
SCRIPT = ROOT / "examples" / "make_request.py"
PHOTOGRAPH = ROOT / "examples" / "sunset.jpg"
COMMAND = [sys.executable, str(SCRIPT), str(PHOTOGRAPH), "--focus", "BL", "--target", "TR"]


def assert_request(text: str) -> None:
    request = json.loads(text)
    assert (request["focus_sector"], request["target_sector"]) == ("BL", "TR")
    assert base64.b64decode(request["image_base64"]) == PHOTOGRAPH.read_bytes()


@pytest.mark.skipif(sys.platform == "win32", reason="needs a pseudo-terminal")
def test_on_a_terminal_it_writes_a_file_and_says_how_to_send_it(tmp_path: Path) -> None:
    ours, theirs = os.openpty()
    process = subprocess.Popen(COMMAND, cwd=tmp_path, stdout=theirs, stderr=theirs)
    os.close(theirs)
    told = b""
    while True:
        try:
            part = os.read(ours, 4096)
        except OSError:  # Linux says so when the other end is closed
            break
        if not part:
            break
        told += part
    os.close(ours)
    assert process.wait() == 0
    assert len(told) < 1000
    assert b"curl" in told
    assert b"@request.json" in told
    assert_request((tmp_path / "request.json").read_text())


def test_into_a_pipe_it_prints_the_request(tmp_path: Path) -> None:
    done = subprocess.run(COMMAND, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert_request(done.stdout)
    assert not list(tmp_path.iterdir())


def test_to_a_file_of_ones_own(tmp_path: Path) -> None:
    done = subprocess.run([*COMMAND, "--out", "mine.json"], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert "mine.json" in done.stdout
    assert_request((tmp_path / "mine.json").read_text())


def test_a_photograph_that_is_not_there_is_a_sentence(tmp_path: Path) -> None:
    command = [sys.executable, str(SCRIPT), "nö.jpg"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
