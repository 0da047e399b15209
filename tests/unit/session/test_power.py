"""A power cut at any step: whatever was acknowledged is there, whatever else reached the medium or did not."""

from __future__ import annotations

import logging
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.session.check import check, exit_code
from shared.session.reading.reader import SessionReader
from shared.session.writing.frames import FrameToWrite
from shared.session.writing.spill import read_spill, write_spill
from shared.session.writing.writer import SessionWriter
from shared.system.disk import Disk
from tests.support.frames import CREATED_AT, input_image, pending_frame
from tests.support.power import PowerDisk
from tests.support.scripted_disk import Died, ScriptedDisk

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc to see what was written")


def frames(chain: bool) -> list[FrameToWrite]:
    made: list[FrameToWrite] = []
    for number in range(8):
        source = bytes(made[-1].png) if chain and made else input_image(number // 2)
        made.append(pending_frame(number, input=source))
    return made


@settings(max_examples=80, deadline=None)
@given(
    dies_at=st.integers(0, 130),
    chain=st.booleans(),
    sizes=st.lists(st.integers(1, 3), min_size=4, max_size=8),
    reached=st.lists(st.sampled_from([0.0, 0.3, 0.7, 1.0]), min_size=1, max_size=40),
)
def test_a_power_cut_costs_nothing_that_was_acknowledged(
    dies_at: int, chain: bool, sizes: list[int], reached: list[float]
) -> None:
    logging.disable(logging.CRITICAL)
    given_frames = frames(chain)
    with TemporaryDirectory() as folder:
        medium = Path(folder) / "medium"
        medium.mkdir()
        disk = PowerDisk(medium, dies_at)
        acknowledged = 0
        try:
            writer = SessionWriter.create(disk, medium / "sessions", "s", CREATED_AT)
            for size in sizes:
                writer.append(given_frames[acknowledged : acknowledged + size])
                acknowledged = min(acknowledged + size, len(given_frames))
            writer.close()
        except Died:
            pass
        draws = iter(reached * 50)
        after = Path(folder) / "after"
        disk.cut(after, lambda: next(draws))
        assert_whole(after / "sessions", given_frames, acknowledged)
    logging.disable(logging.NOTSET)


def assert_whole(root: Path, given_frames: list[FrameToWrite], acknowledged: int) -> None:
    """All that was acknowledged is there before anything comes again; then all of it is, in order, once."""
    disk = ScriptedDisk()
    writer = SessionWriter.open_or_create(disk, root, "s", CREATED_AT)
    with SessionReader(root / "s") as reader:
        ids = [entry.frame_id for entry in reader.entries()]
        assert ids[:acknowledged] == [frame.frame.frame_id for frame in given_frames[:acknowledged]]
    writer.append(given_frames)
    writer.close()
    without_input = 0
    with SessionReader(root / "s") as reader:
        entries = list(reader.entries())
        assert sorted(str(entry.frame_id) for entry in entries) == sorted(f.frame.frame_id for f in given_frames)
        for entry in entries:
            assert entry.record_seq is not None
            frame = given_frames[entry.record_seq]
            assert reader.frame_bytes(entry) == frame.png
            path = reader.input_path(entry)
            if path is None:
                # Names of one batch may reach the medium in any order: a frame without the one it was made from.
                assert entry.record_seq >= acknowledged
                without_input += 1
            else:
                assert path.read_bytes() == frame.input
    # For the same reason an index may be left over; its frame came again and has another one.
    has_gap = [entry.index for entry in entries] != list(range(len(entries)))
    assert exit_code(check(root / "s")) == (2 if without_input or has_gap else 0)


@settings(max_examples=40, deadline=None)
@given(dies_at=st.integers(0, 60), reached=st.lists(st.sampled_from([0.0, 0.5, 1.0]), min_size=1, max_size=20))
def test_a_power_cut_while_spilling_leaves_no_false_frame(dies_at: int, reached: list[float]) -> None:
    logging.disable(logging.CRITICAL)
    given_frames = frames(chain=False)
    inputs = {frame.frame.input_sha256: ("png", bytes(frame.input or b"")) for frame in given_frames}
    with TemporaryDirectory() as folder:
        medium = Path(folder) / "medium"
        (medium / ".spill").mkdir(parents=True)
        disk = PowerDisk(medium, dies_at)
        complete = False
        try:
            Disk.make_folders(disk, medium)
            write_spill(disk, medium, [(frame.frame, bytes(frame.png)) for frame in given_frames], inputs)
            complete = True
        except Died:
            pass
        draws = iter(reached * 50)
        after = Path(folder) / "after"
        disk.cut(after, lambda: next(draws))
        loaded = [frame.load() for frame in read_spill(after)]
        assert [frame.png for frame in loaded] == [given_frames[frame.frame.seq].png for frame in loaded]
        if complete:
            assert len(loaded) == len(given_frames)
            assert all(frame.input is not None for frame in loaded)
    logging.disable(logging.NOTSET)
