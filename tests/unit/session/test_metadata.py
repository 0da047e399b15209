"""The bytes of ``metadata.json``: appending, the tail, and what it costs."""

from __future__ import annotations

import errno
import json
from pathlib import Path
from typing import Any

import orjson
import pytest

from shared.session.format import metadata
from shared.session.format.entries import Entry, parse_entry
from shared.session.format.kinds import KINDS
from shared.session.format.metadata import DamagedMetadata, Tail
from shared.session.writing.appending import MetadataFile
from tests.support.frames import frame_fields
from tests.support.scripted_disk import Fault, ScriptedDisk

HEAD = metadata.new_head("s", 1.5, {"parent": "other"})


def entry(index: int, **more: Any) -> Entry:
    return Entry.of(frame_fields(index, **more), index, "0" * 64, None)


@pytest.fixture
def file(disk: ScriptedDisk, tmp_path: Path) -> MetadataFile:
    path = tmp_path / "metadata.json"
    path.write_bytes(b"".join(metadata.file_parts(HEAD, (), Tail(open=True))))
    return MetadataFile.open(disk, path)


def test_the_users_keys_come_first_in_the_users_order(file: MetadataFile) -> None:
    file.append([entry(0), entry(1)])
    value = json.loads(file.path.read_text())
    assert list(value) == ["session_id", "created_at", "format", "parent", "sequence", "open"]
    assert list(value["sequence"][1])[:6] == [
        "index",
        "filename",
        "target_sector",
        "focus_sector",
        "prompt",
        "timestamp",
    ]
    assert value["sequence"][1]["filename"] == "0001_BR.png"
    assert "session_id" not in value["sequence"][0]


def test_each_append_is_one_write_of_entry_and_tail(file: MetadataFile, disk: ScriptedDisk) -> None:
    file.append([entry(0)])
    disk.log.clear()
    before = disk.written_bytes
    file.append([entry(1)])
    assert disk.steps() == ["open", "pwrite", "close"]
    assert disk.written_bytes - before == len(metadata.line_bytes(orjson.dumps(entry(1).fields), first=False)) + len(
        metadata.tail_bytes(Tail(open=True))
    )


def test_appending_costs_the_same_at_any_length(disk: ScriptedDisk, tmp_path: Path) -> None:
    costs = []
    for count in (1, 1000, 20_000):
        path = tmp_path / f"{count}.json"
        lines = (orjson.dumps(entry(10_000 + number).fields) for number in range(count))
        path.write_bytes(b"".join(metadata.file_parts(HEAD, lines, Tail(open=True))))
        file = MetadataFile.open(disk, path)
        disk.log.clear()
        before = disk.written_bytes
        file.append([entry(99_999)])
        costs.append((disk.steps(), disk.written_bytes - before))
        assert len(orjson.loads(path.read_bytes())["sequence"]) == count + 1
    assert costs[0] == costs[1] == costs[2]


def test_a_tail_that_becomes_shorter_leaves_no_rest(file: MetadataFile) -> None:
    file.append([entry(0)])
    file.set_tail(Tail(open=True, lost=["f" * 40] * 50))
    assert orjson.loads(file.path.read_bytes())["lost"] == ["f" * 40] * 50
    file.set_tail(Tail())
    assert "lost" not in orjson.loads(file.path.read_bytes())
    for index in range(1, 6):
        file.append([entry(index)])
        value = orjson.loads(file.path.read_bytes())
        assert len(value["sequence"]) == index + 1
    assert not file.path.read_bytes().endswith(b" "), "the padding is used up"


OPEN, PWRITE, CLOSE = range(3)
"""The steps of an append."""


@pytest.mark.parametrize(("at", "kind"), [(OPEN, "error"), (OPEN, "short"), (PWRITE, "error")])
def test_a_failed_append_leaves_the_file_as_it_was(file: MetadataFile, disk: ScriptedDisk, at: int, kind: Any) -> None:
    file.append([entry(0)])
    before = file.path.read_bytes()
    disk.arm(Fault(at, kind, errno.EDQUOT))
    with pytest.raises(OSError, match="quota"):
        file.append([entry(1)])
    assert file.path.read_bytes() == before
    disk.arm(None)
    assert file.is_ours()
    file.append([entry(7)])
    assert len(orjson.loads(file.path.read_bytes())["sequence"]) == 2


@pytest.mark.parametrize(("at", "kind"), [(CLOSE, "error"), (CLOSE, "short")])
def test_one_of_which_nobody_knows_what_it_left_is_ours_no_more(
    file: MetadataFile, disk: ScriptedDisk, at: int, kind: Any
) -> None:
    file.append([entry(0)])
    disk.arm(Fault(at, kind, errno.EDQUOT))
    with pytest.raises(OSError, match="quota"):
        file.append([entry(1)])
    disk.arm(None)
    assert not file.is_ours()


def test_a_short_write_is_gone_on_with(file: MetadataFile, disk: ScriptedDisk) -> None:
    disk.arm(Fault(PWRITE, "short", errno.EDQUOT))
    file.append([entry(0)])
    disk.arm(None)
    assert file.is_ours()
    assert len(orjson.loads(file.path.read_bytes())["sequence"]) == 1


def test_what_a_full_disk_took_of_a_write_is_put_back(file: MetadataFile, disk: ScriptedDisk) -> None:
    file.append([entry(0)])
    before = file.path.read_bytes()
    whole = disk.pwrite
    taken = []

    def half_then_full(fd: int, data: Any, offset: int) -> int:
        taken.append(len(data))
        if len(taken) == 1:
            return whole(fd, memoryview(data)[: len(data) // 2], offset)
        if len(taken) == 2:
            raise OSError(errno.ENOSPC, "full")
        return whole(fd, data, offset)

    disk.pwrite = half_then_full  # type: ignore[method-assign]
    with pytest.raises(OSError, match="full"):
        file.append([entry(1)])
    assert file.path.read_bytes() == before
    assert file.is_ours()


def test_a_write_that_cannot_be_undone_says_so(file: MetadataFile, disk: ScriptedDisk) -> None:
    disk.arm(Fault(1, "error", errno.EIO, lasting=True))
    with pytest.raises(OSError, match="Input/output error"):
        file.append([entry(0)])


def test_unknown_keys_survive() -> None:
    tail = Tail.from_json({"open": True, "colour": "blue", "lost": ["a"]})
    assert tail.to_json() == {"open": True, "lost": ["a"], "colour": "blue"}
    assert Tail.from_json({"lost": "nonsense", "interrupted": 1}) == Tail()
    assert parse_entry(orjson.dumps({**entry(0).fields, "mine": 5})).fields["mine"] == 5


def test_what_is_asked_of_an_entry_is_a_key_of_the_format() -> None:
    asked = {name for name, value in vars(Entry).items() if type(value).__name__ == "_Key"}
    assert {"frame_id", "sha256", "input_file", "region"} < asked <= KINDS.keys()
    strange = parse_entry(
        orjson.dumps({**{key: [1, 2] for key in asked}, "index": [3], "filename": ["x"], "mine": [4]})
    )
    assert (strange.index, strange.filename, strange.fields["mine"]) == (3, "x", [4])
    assert {getattr(strange, name) for name in asked} == {None}


def test_the_head_is_read_back(file: MetadataFile) -> None:
    assert metadata.parse_head(file.path.read_bytes()) == HEAD
    with pytest.raises(DamagedMetadata):
        metadata.parse_head(b'{"session_id": "s"}')
    with pytest.raises(DamagedMetadata):
        metadata.parse_tail(b"\n  ],\n")
