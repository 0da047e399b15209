"""A session that another hand writes into while, or before, it is recorded: recording goes on, and nothing is lost."""

from __future__ import annotations

import json
import shutil
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from shared.errors import SessionDamaged
from shared.session.check import check, exit_code
from shared.session.writing.writer import SessionWriter
from shared.system.disk import Disk
from tests.bus.recorder.conftest import Rig, SteeredGenerator
from tests.support.absurd import ENTRIES, write_entry
from tests.support.frames import CREATED_AT, pending_frame
from tests.support.hands import ADDED, EXACT, same
from tests.support.waiting import eventually_async


@pytest.fixture
async def recording(rig: Rig) -> SteeredGenerator:
    generator = await rig.new_generator()
    await rig.start()
    started = await rig.ask("start", session_id="s")
    # As the API's stamp has it: an image without an entry tells by it whose it is.
    generator.make = partial(generator.make, created_at=started["created_at"])  # type: ignore[method-assign]
    return generator


def loaded(rig: Rig, session_id: str = "s") -> dict[str, Any]:
    """The metadata with what JSON has not."""
    value: dict[str, Any] = json.loads((rig.root / session_id / "metadata.json").read_bytes())
    return value


def hashes(rig: Rig, session_id: str = "s") -> list[str]:
    try:
        return [entry["sha256"] for entry in loaded(rig, session_id)["sequence"] if "sha256" in entry]
    except ValueError:
        return []  # in the midst of an append


def record_closed(rig: Rig, session_id: str = "s", frames: int = 3) -> None:
    writer = SessionWriter.create(Disk(), rig.root, session_id, CREATED_AT)
    writer.append([pending_frame(number, session_id=session_id, epoch="before") for number in range(frames)])
    writer.close()


@pytest.mark.parametrize("name", sorted(EXACT))
async def test_notes_made_while_it_is_recorded_stay(rig: Rig, recording: SteeredGenerator, name: str) -> None:
    wanted = await recording.make(count=3)
    await rig.wait_recorded(wanted)
    path = rig.root / "s" / "metadata.json"
    value = loaded(rig)
    wanted += await recording.make(count=1)  # between the script's reading and its writing
    await rig.wait_recorded(wanted)
    for entry in value["sequence"]:
        entry.update(ADDED)
    path.write_bytes(EXACT[name](value))
    wanted += await recording.make(count=2)
    await eventually_async(lambda: hashes(rig) == wanted, what="all six are recorded")
    await rig.ask("stop")
    await eventually_async(lambda: "open" not in loaded(rig))
    told = loaded(rig)
    assert same([{**entry, **ADDED} for entry in told["sequence"][:3]], value["sequence"])
    assert "interrupted" not in told
    assert exit_code(check(rig.root / "s")) == 0
    assert (await rig.state_of("s")).get("error") is None


async def test_a_file_that_its_author_leaves_half_written_holds_nothing_up_for_long(
    rig: Rig, recording: SteeredGenerator
) -> None:
    wanted = await recording.make(count=2)
    await rig.wait_recorded(wanted)
    path = rig.root / "s" / "metadata.json"
    half = json.dumps(loaded(rig), indent=2)[:300]
    path.write_text(half)
    wanted += await recording.make(count=2)
    await eventually_async(lambda: hashes(rig) == wanted, what="all four are recorded")
    (kept,) = (rig.root / "s").glob("metadata.json.before-repair-*")
    assert kept.read_text() == half
    assert "interrupted" not in rig.metadata()


@pytest.mark.parametrize("name", sorted(EXACT))
async def test_a_session_is_gone_on_with_and_keeps_its_notes(rig: Rig, name: str) -> None:
    record_closed(rig)
    path = rig.root / "s" / "metadata.json"
    value = loaded(rig)
    for entry in value["sequence"]:
        entry.update(ADDED)
    data = EXACT[name](value)
    path.write_bytes(data)
    generator = await rig.new_generator()
    await rig.start()
    await rig.ask("start", session_id="s", resume=True)
    new = await generator.make(count=2)
    await eventually_async(lambda: hashes(rig)[3:] == new, what="two more are recorded")
    await rig.ask("stop")
    await eventually_async(lambda: "open" not in loaded(rig))
    assert same(loaded(rig)["sequence"][:3], value["sequence"])
    assert "interrupted" not in loaded(rig)
    (kept,) = path.parent.glob("metadata.json.before-repair-*")
    assert kept.read_bytes() == data


async def test_a_start_writes_into_no_session_that_it_did_not_leave_open(rig: Rig) -> None:
    for name, write in EXACT.items():
        session_id = f"s{len(list(rig.root.iterdir())) if rig.root.exists() else 0}"
        record_closed(rig, session_id)
        value = {**loaded(rig, session_id), "mine": ADDED}
        if "indent" in name:
            value["open"] = True  # read while it was recorded, written when it was not any more
        (rig.root / session_id / "metadata.json").write_bytes(write(value))
    for number, data in enumerate((b"", b"{", b"{}", bytes(100), b'{\n  "session_id": "s", "sequence": [{"index": 0')):
        record_closed(rig, f"broken{number}")
        (rig.root / f"broken{number}" / "metadata.json").write_bytes(data)
    record_closed(rig, "gone")
    (rig.root / "gone" / "metadata.json").unlink()
    before = {path: path.read_bytes() for path in rig.root.rglob("*") if path.is_file()}
    await rig.start()
    await eventually_async(lambda: rig.recorder.ledger.is_settled)
    after = {path: path.read_bytes() for path in rig.root.rglob("*") if path.is_file() and path.name[0] != "."}
    assert after == before


async def test_what_cannot_be_understood_is_not_gone_on_with(rig: Rig) -> None:
    record_closed(rig)
    path = rig.root / "s" / "metadata.json"
    slip = json.dumps(loaded(rig), indent=2).replace('"seed": 1,', '"seed": 1 "mine": 5,')
    path.write_text(slip)
    generator = await rig.new_generator()
    await rig.start()
    with pytest.raises(SessionDamaged, match="line"):
        await rig.ask("start", session_id="s", resume=True)
    assert path.read_text() == slip
    assert (await rig.status())["active"] is None
    await rig.ask("repair", session_id="s")
    (kept,) = path.parent.glob("metadata.json.before-repair-*")
    assert kept.read_text() == slip
    await rig.ask("start", session_id="s", resume=True)
    new = await generator.make()
    await eventually_async(lambda: hashes(rig)[3:] == new, what="it goes on")


@pytest.mark.parametrize("name", sorted(ENTRIES))
async def test_whatever_an_entry_holds_frames_are_recorded_behind_it(rig: Rig, name: str) -> None:
    generator = await rig.new_generator()
    await rig.start()
    await eventually_async(lambda: rig.recorder.ledger.recovered, what="it has removed what was half-made")
    for number, ours in enumerate((True, False)):
        session_id = f"s{number}"
        record_closed(rig, session_id)
        write_entry(rig.root / session_id / "metadata.json", ENTRIES[name], ours=ours)
        await rig.ask("start", session_id=session_id, resume=True)
        new = await generator.make(session_id, count=2)

        path = rig.root / session_id / "metadata.json"

        def are_there(path: Path = path, new: list[str] = new) -> bool:
            return all(sha256 in path.read_text() for sha256 in new)

        await eventually_async(are_there, what=f"two more are recorded, layout {number}")
        await rig.ask("stop")


async def test_a_copy_and_a_renamed_folder_that_were_open_are_left_alone(rig: Rig, recording: SteeredGenerator) -> None:
    await rig.wait_recorded(await recording.make(count=2))
    folders = {name: rig.root / name for name in ("copied", "renamed")}
    shutil.copytree(rig.root / "s", folders["copied"])
    shutil.copytree(rig.root / "s", folders["renamed"])
    were = {name: (folder / "metadata.json").read_bytes() for name, folder in folders.items()}
    await rig.kill()
    await rig.start()
    await eventually_async(lambda: rig.metadata().get("interrupted"), what="its own is closed")
    assert {name: (folder / "metadata.json").read_bytes() for name, folder in folders.items()} == were
    # Gone on with, a copy is its recorder's own as well: nobody died there before, and now somebody does.
    await rig.ask("start", session_id="copied", resume=True)
    assert "interrupted" not in rig.metadata("copied")
    assert rig.metadata("copied")["open_as"] == "copied"
    await rig.kill()
    await rig.start()
    await eventually_async(lambda: rig.metadata("copied").get("interrupted"), what="the copy is closed")
    assert not {"open", "open_as"} & rig.metadata("copied").keys()
    assert (folders["renamed"] / "metadata.json").read_bytes() == were["renamed"]
