"""Sessions that the API keeps open."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from services.api import readers
from services.api.readers import Readers
from shared.disk import Disk
from shared.session.writer import SessionWriter
from tests.support.frames import CREATED_AT, pending_frame


def test_those_used_longest_ago_are_let_go_of_when_they_hold_too_much(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("ours", "theirs", "more"):
        writer = SessionWriter.create(Disk(), tmp_path, name, CREATED_AT)
        writer.append([pending_frame(number, session_id=name) for number in range(3)])
        writer.close()
    path = tmp_path / "theirs" / "metadata.json"
    path.write_text(json.dumps(json.loads(path.read_text()), indent=1))
    kept = Readers(tmp_path)
    for name in ("ours", "theirs"):
        with kept.session(name) as reader:
            assert reader.held_bytes == 3 * (8 if name == "ours" else 12)
    assert list(kept._open) == ["ours", "theirs"]
    monkeypatch.setattr(readers, "HELD_BYTES", 70)
    with kept.session("more"):
        assert list(kept._open) == ["theirs", "more"]
    monkeypatch.setattr(readers, "HELD_BYTES", 10)
    with kept.session("ours") as reader:
        assert reader.count == 3, "one alone may hold more"
        assert list(kept._open) == ["ours"]
    kept.close()
