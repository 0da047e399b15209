"""What lies beside the sessions and is none is left as it is, and what a link leads to is not the session's."""

from __future__ import annotations

from pathlib import Path

import pytest

from shared.errors import ParafoveaError, SessionExists, SessionNotFound
from shared.session.reading.sessions import is_session, list_sessions
from tests.bus.recorder.conftest import Rig


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


async def recorded(rig: Rig, session_id: str = "s") -> None:
    """A session with two frames, closed."""
    generator = await rig.new_generator()
    await rig.start()
    await rig.ask("start", session_id=session_id)
    await rig.wait_recorded(await generator.make(count=2, session_id=session_id), session_id)
    await rig.ask("stop")


async def test_of_a_linked_session_the_link_is_deleted(rig: Rig, folder: Path) -> None:
    await recorded(rig)
    (rig.root / "s").rename(folder / "archive")
    (rig.root / "s").symlink_to(folder / "archive", target_is_directory=True)
    before = contents(folder / "archive")
    await rig.ask("delete", session_id="s")
    assert not (rig.root / "s").is_symlink()
    assert contents(folder / "archive") == before
    with pytest.raises(SessionNotFound):
        await rig.ask("delete", session_id="s")


async def test_links_inside_a_session_are_not_followed(rig: Rig, folder: Path) -> None:
    await recorded(rig)
    (folder / "notes").mkdir()
    (folder / "notes" / "one.txt").write_text("mine")
    (rig.root / "s" / "notes").symlink_to(folder / "notes", target_is_directory=True)
    (rig.root / "s" / "one.txt").symlink_to(folder / "notes" / "one.txt")
    await rig.ask("delete", session_id="s")
    assert not (rig.root / "s").exists()
    assert (folder / "notes" / "one.txt").read_text() == "mine"


@pytest.mark.parametrize("metadata", [None, b"{}", b'{"title": "Faces", "created_at": 5.0}', b"see the other file"])
@pytest.mark.parametrize("request_type", ["delete", "repair"])
async def test_a_folder_that_is_no_session_is_not_touched(rig: Rig, request_type: str, metadata: bytes | None) -> None:
    await recorded(rig)
    stimuli = rig.root / "stimuli"
    stimuli.mkdir()
    (stimuli / "face.png").write_bytes(b"not a frame")
    if metadata is not None:
        (stimuli / "metadata.json").write_bytes(metadata)
    before = contents(stimuli)
    with pytest.raises(SessionNotFound):
        await rig.ask(request_type, session_id="stimuli")
    assert contents(stimuli) == before
    assert not is_session(rig.root, "stimuli")
    assert [summary.session_id for summary in list_sessions(rig.root)] == ["s"]


@pytest.mark.parametrize("metadata", [b"", b"\0" * 300, b'{\n  "session_id": "torn",\n  "crea'])
async def test_what_a_power_cut_left_of_a_session_can_be_deleted(rig: Rig, metadata: bytes) -> None:
    await recorded(rig)
    (rig.root / "torn").mkdir()
    (rig.root / "torn" / "metadata.json").write_bytes(metadata)
    assert is_session(rig.root, "torn")
    await rig.ask("delete", session_id="torn")
    assert not (rig.root / "torn").exists()


@pytest.mark.parametrize("body", [{"resume": True}, {"resume": True, "active": False}, {}])
async def test_nothing_is_recorded_into_a_folder_that_is_no_session(rig: Rig, body: dict[str, bool]) -> None:
    await recorded(rig)
    (rig.root / "stimuli").mkdir()
    (rig.root / "a_file").write_text("mine")
    for name in ("stimuli", "a_file"):
        with pytest.raises(SessionExists):
            await rig.ask("start", session_id=name, **body)
    assert contents(rig.root / "stimuli") == {}
    assert (rig.root / "a_file").read_text() == "mine"


async def test_a_file_is_not_deleted_as_a_session(rig: Rig) -> None:
    await recorded(rig)
    (rig.root / "a_file").write_text("mine")
    (rig.root / "nowhere").symlink_to(rig.root / "gone")
    for name in ("a_file", "nowhere"):
        with pytest.raises(ParafoveaError):
            await rig.ask("delete", session_id=name)
    assert (rig.root / "a_file").exists()
