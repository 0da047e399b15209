"""Whatever stands in a session's metadata: nothing that reads it fails in another way than it says, and frames that are
recorded into it are recorded."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable
from pathlib import Path

import orjson
import pytest

from shared.errors import ParafoveaError
from shared.session.check import check, exit_code
from shared.session.format.layout import MAX_INDEX
from shared.session.format.metadata import DamagedMetadata
from shared.session.reading.reader import SessionReader
from shared.session.reading.sessions import details, list_sessions
from shared.session.transfer.export import Export
from shared.session.writing.repair import repair
from shared.session.writing.writer import SessionWriter
from tests.support.absurd import ENTRIES, TOPS, write_entry, write_top
from tests.support.frames import CREATED_AT, input_image, pending_frame
from tests.support.metadata import snapshot
from tests.support.scripted_disk import ScriptedDisk

CASES: dict[str, Callable[[Path], None]] = {
    **{
        f"{name} ({'ours' if ours else 'another'} layout)": lambda path, t=text, o=ours: write_entry(path, t, ours=o)  # type: ignore[misc]
        for name, text in ENTRIES.items()
        for ours in (True, False)
    },
    **{
        f"{name} ({'ours' if ours else 'another'} layout)": lambda path, v=values, o=ours: write_top(path, v, ours=o)  # type: ignore[misc]
        for name, values in TOPS.items()
        for ours in (True, False)
    },
}


@pytest.fixture(params=sorted(CASES))
def folder(request: pytest.FixtureRequest, disk: ScriptedDisk, root: Path) -> Path:
    writer = SessionWriter.create(disk, root, "s", CREATED_AT)
    for number in range(3):
        writer.append([pending_frame(number, input=input_image(number))])
    writer.close()
    CASES[request.param](root / "s" / "metadata.json")
    return root / "s"


def test_it_is_read_as_far_as_it_can_be(folder: Path, root: Path) -> None:
    before = (folder / "metadata.json").read_bytes()
    with SessionReader(folder, salvage=True) as reader:
        for position in range(reader.count):
            entry, problem = reader.shown(position)
            orjson.dumps([entry.fields, problem])
            assert type(entry.index) is int
            assert 0 <= entry.index <= MAX_INDEX
            with contextlib.suppress(ParafoveaError):
                reader.frame_bytes(entry)
            reader.input_path(entry)
        orjson.dumps([reader.head, reader.created_at])
        for index in (0, 2):
            position = reader.position_of(index)
            name = reader.entry(position).filename if position is not None else reader.file_of(index)
            assert name in (f"000{index}_BR.png", "0001_BR.png")
        assert reader.position_of(12345) is None
        reader.refresh()
    for summary in list_sessions(root):
        orjson.dumps(summary.created_at)
        details(root, summary)
    with contextlib.suppress(DamagedMetadata):
        orjson.loads(b"".join(snapshot(root, "s").chunks()))
    with contextlib.suppress(ParafoveaError):
        b"".join(Export(root, "s").chunks())
    list(check(folder))
    assert (folder / "metadata.json").read_bytes() == before


def test_frames_are_recorded_into_it(folder: Path, root: Path, disk: ScriptedDisk) -> None:
    before = (folder / "metadata.json").read_bytes()
    writer = SessionWriter.open(disk, root, "s")
    indexes = [done.index for done in writer.append([pending_frame(7), pending_frame(8)])]
    writer.close()
    assert indexes in ([3, 4], [2, 3]), indexes
    with SessionReader(folder, salvage=True) as reader:
        named = {entry.filename for entry, _ in reader.shown_from(0)}
        assert {f"000{index}_BR.png" for index in indexes} <= named
        assert not reader.tail.open
        assert reader.problem is None
    assert_nothing_is_gone(folder, before)


def assert_nothing_is_gone(folder: Path, before: bytes) -> None:
    """What stood in the metadata stands there still, line by line, or the whole of it beside."""
    kept = [path.read_bytes() for path in folder.glob("metadata.json.before-repair-*")]
    lines = {line.removesuffix(b",") for line in (folder / "metadata.json").read_bytes().split(b"\n")}
    was = {line.removesuffix(b",") for line in before.split(b"\n") if line.startswith(b"    {")}
    assert before in kept or was <= lines


def test_a_repair_makes_it_whole(folder: Path, disk: ScriptedDisk) -> None:
    before = (folder / "metadata.json").read_bytes()
    repair(disk, folder)
    assert {finding.severity for finding in check(folder)} <= {"note", "lost"}
    with SessionReader(folder) as reader:
        assert {"0000_BR.png", "0002_BR.png"} <= {entry.filename for entry in reader.entries()}
    if (folder / "metadata.json").read_bytes() != before:
        assert_nothing_is_gone(folder, before)
    again = repair(disk, folder)
    assert again.did == []


def test_a_deep_value_is_all_that_a_repair_leaves_out(disk: ScriptedDisk, root: Path) -> None:
    writer = SessionWriter.create(disk, root, "s", CREATED_AT)
    writer.append([pending_frame(0), pending_frame(1)])
    writer.close()
    path = root / "s" / "metadata.json"
    deep = "[" * 100 + "]" * 100
    path.write_bytes(path.read_bytes().replace(b'"seed":1', f'"rating":NaN,"deep":{deep},"seed":1'.encode()))
    assert exit_code(check(root / "s")) == 1
    repair(disk, root / "s")
    entry = json.loads(path.read_bytes())["sequence"][1]
    assert entry["rating"] != entry["rating"]
    assert "deep" not in entry
    assert exit_code(check(root / "s")) == 0
