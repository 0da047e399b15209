"""What the tests of reproducing share: a recorded session, and the command as a user runs it."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from tests.support.processes import Process
from tests.support.studio import Answered, Studio, flat_png
from tests.support.waiting import eventually

COMMAND_S = 100.0


def record(quick: Studio, session_id: str, frames: int = 4, *, chain: bool = False, **fields: Any) -> dict[str, Any]:
    """Record a session through the API, and end it; its metadata."""
    quick.start_session(session_id)
    image = flat_png(96, 64)
    answers: list[Answered] = []
    for number in range(frames):
        if not chain:
            image = flat_png(96, 64, number % 256)
        focus = ("TL", "BR", "TC", "ML")[number % 4]
        asked = {"image": image, "focus_sector": focus, "strength": 0.5, **fields}
        answers.append(quick.generate(0x5A6478 + 1000 * number, **asked))
        image = answers[-1].png if chain else image
    quick.wait_recorded(session_id, answers)
    assert quick.http.post("/session/stop").status_code == 200
    eventually(lambda: "open" not in quick.metadata(session_id), COMMAND_S, f"{session_id} is closed")
    return quick.metadata(session_id)


def command(quick: Studio, *arguments: str, code: int = 0) -> Process:
    """Run ``parafovea`` in the system's environment, to its end."""
    process = quick.run("parafovea", [sys.executable, "-m", "cli.main", *arguments])
    assert process.wait(COMMAND_S) == code, process.err + process.out
    return process


def files(folder: Path) -> dict[str, bytes]:
    """Every file of a session, by its path; spaces behind the end of the metadata mean nothing."""
    found = {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    return {name: data.rstrip() if name == "metadata.json" else data for name, data in found.items()}
