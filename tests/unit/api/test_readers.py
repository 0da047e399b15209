"""Sessions that the API keeps open."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from services.api import readers
from services.api.readers import Readers
from shared.disk import Disk
from shared.session.writer import SessionWriter
from tests.support.frames import CREATED_AT, pending_frame
from tests.support.waiting import eventually_async


async def test_one_that_is_held_whole_is_let_go_of_when_idle(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(readers, "IDLE_S", 0.02)
    for name in ("ours", "theirs"):
        writer = SessionWriter.create(Disk(), tmp_path, name, CREATED_AT)
        writer.append([pending_frame(0, session_id=name)])
        writer.close()
    path = tmp_path / "theirs" / "metadata.json"
    path.write_text(json.dumps(json.loads(path.read_text()), indent=1))
    kept = Readers(tmp_path)
    running = asyncio.create_task(kept.run())
    with kept.session("ours"):
        pass
    with kept.session("theirs") as reader:
        assert reader.holds_all
    await eventually_async(lambda: list(kept._open) == ["ours"])
    with kept.session("theirs") as again:
        assert again.count == 1
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    kept.close()
