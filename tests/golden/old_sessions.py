"""Sessions that an earlier version recorded, in ``sessions/``, and what is read of them today."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path
from typing import Any

from tests.golden import raw_json
from tests.golden.commands import parafovea
from tests.golden.raw_json import Number
from tests.golden.wire import Answer, http
from tests.support.processes import System

OLD = Path(__file__).parent / "sessions"
SESSIONS = ("plain", "told", "two_epochs", "lost_frames", "again", "imported")
ARCHIVES = {"plain.tar.gz": "plain", "told.tar": "told"}
_SAID = (
    "x-sector",
    "x-focus-sector",
    "x-prompt",
    "x-prompt-encoding",
    "x-object",
    "x-fallback",
    "x-index",
    "x-session",
)


def copy_all(system: System) -> None:
    """Give a system the sessions; what it does to them is done to copies."""
    system.sessions.mkdir(mode=0o700)
    for name in SESSIONS:
        shutil.copytree(OLD / name, system.sessions / name)


def expected(name: str) -> Any:
    """The readings that were taken when the session was recorded."""
    return raw_json.parse((OLD / f"{name}.expected.json").read_bytes())


def readings(system: System, session_id: str) -> dict[str, Any]:
    """All that can be read of a session over HTTP, and what ``parafovea check`` says."""
    at = f"/session/{session_id}"
    metadata, entries = _get(system, at), raw_json.parse(_get(system, f"{at}/entries").body)
    indices = [entry["index"] for entry in entries["entries"]]
    checked = parafovea(system, "check", session_id, "--json")
    return {
        "metadata": raw_json.parse(metadata.body),
        "entries": entries,
        "frames": [_picture(_get(system, f"{at}/frames/{index}")) for index in indices],
        "inputs": [_picture(_get(system, f"{at}/frames/{index}/input")) for index in indices],
        "replay": list(_replayed(system, session_id)),
        "check": {"exit code": Number(checked.returncode), "says": raw_json.parse(checked.stdout)},
    }


def _get(system: System, target: str) -> Answer:
    answer = http(system.port, "GET", target)
    assert answer.status == 200, (target, answer.body)
    return answer


def _picture(answer: Answer) -> dict[str, Any]:
    found = dict(answer.headers)
    told: dict[str, Any] = {name: found[name] for name in ("content-type", "etag") if name in found}
    return {**told, "sha256": hashlib.sha256(answer.body).hexdigest()}


def _replayed(system: System, session_id: str) -> Any:
    started = http(system.port, "POST", f"/session/replay/{session_id}")
    yield {"started": raw_json.parse(started.body)}
    while True:
        answer = _get(system, "/session/replay/next")
        found = dict(answer.headers)
        if found["content-type"] != "image/png":
            yield raw_json.parse(answer.body)
            return
        said = {name: found[name] for name in _SAID if name in found}
        yield {**said, "seed": found["x-seed"], "sha256": hashlib.sha256(answer.body).hexdigest()}


def files(folder: Path) -> dict[str, str]:
    """Each file of a folder, and its hash. White space at the end of the metadata is room that a recorder had left."""
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): hashlib.sha256(_trimmed(path)).hexdigest() for path in paths}


def _trimmed(path: Path) -> bytes:
    data = path.read_bytes()
    return data.rstrip() if path.name == "metadata.json" else data


def sequence(system: System, session_id: str) -> list[dict[str, Any]]:
    """The entries of a session, as its file has them."""
    found: list[dict[str, Any]] = json.loads((system.sessions / session_id / "metadata.json").read_bytes())["sequence"]
    return found
