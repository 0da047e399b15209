"""Any frames, duplicates, faults, deaths at any step and restarts end in a session that holds what was acknowledged.

The machine does what a recorder does: it delivers frames in order of ``record_seq``, some of them again, and repeats
what was not acknowledged. What it believes acknowledged is the model.
"""

from __future__ import annotations

import errno
import logging
import shutil
import tempfile
from pathlib import Path

import orjson
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from shared.session.check import check, exit_code
from shared.session.reading.reader import SessionReader
from shared.session.writing.frames import FrameToWrite
from shared.session.writing.writer import SessionWriter
from tests.support.frames import CREATED_AT, input_image, pending_frame
from tests.support.scripted_disk import Died, Fault, ScriptedDisk

ERRNOS = [errno.ENOSPC, errno.EIO, errno.EROFS, errno.EDQUOT]

faults = st.one_of(
    st.none(),
    st.builds(Fault, st.integers(0, 45), st.sampled_from(["die", "die-after", "torn"])),
    st.builds(Fault, st.integers(0, 45), st.sampled_from(["error", "short"]), st.sampled_from(ERRNOS), st.booleans()),
)


class Recording(RuleBasedStateMachine):
    """One session under a recorder that is killed, and a disk that fails."""

    def __init__(self) -> None:
        super().__init__()
        logging.disable(logging.CRITICAL)
        self.root = Path(tempfile.mkdtemp(prefix="pf-crash-")) / "sessions"
        self.disk = ScriptedDisk()
        self.writer: SessionWriter | None = None
        self.frames: list[FrameToWrite] = []
        self.acknowledged = 0
        """Frames are acknowledged in order, so a number says which."""
        self.epoch = 0
        self.in_epoch = 0
        self.deaths = 0

    @initialize()
    def start(self) -> None:
        self.writer = SessionWriter.create(self.disk, self.root, "s", CREATED_AT)

    @rule(count=st.integers(1, 4), chain=st.booleans())
    def generate(self, count: int, chain: bool) -> None:
        """Frames come into being; in a chain, each one's input is the frame before it."""
        for _ in range(count):
            last = self.frames[-1] if self.frames else None
            source = bytes(last.png) if chain and last else input_image(len(self.frames) // 3)
            self.frames.append(
                pending_frame(len(self.frames), input=source, epoch=f"epoch-{self.epoch}", record_seq=self.in_epoch)
            )
            self.in_epoch += 1

    @rule()
    def restart_generator(self) -> None:
        self.epoch += 1
        self.in_epoch = 0

    @precondition(lambda self: self.writer is not None and self.acknowledged < len(self.frames))
    @rule(again=st.integers(0, 3), fault=faults, data=st.data())
    def deliver(self, again: int, fault: Fault | None, data: st.DataObject) -> None:
        """The next frames, behind some that were acknowledged already."""
        assert self.writer is not None
        until = data.draw(st.integers(self.acknowledged + 1, len(self.frames)))
        batch = self.frames[max(0, self.acknowledged - again) : until]
        self.disk.arm(fault)
        try:
            done = self.writer.append(batch)
        except OSError:
            assert fault is not None
        except Died:
            self._die()
        else:
            assert [item.frame_id for item in done] == [frame.frame.frame_id for frame in batch]
            self.acknowledged = max(self.acknowledged, until)
        finally:
            self.disk.arm(None)

    @precondition(lambda self: self.writer is not None)
    @rule(fault=faults)
    def stop(self, fault: Fault | None) -> None:
        assert self.writer is not None
        self.disk.arm(fault)
        try:
            self.writer.close()
            self.writer = None
        except OSError:
            assert fault is not None
        except Died:
            self._die()
        finally:
            self.disk.arm(None)

    @precondition(lambda self: self.writer is not None)
    @rule()
    def kill(self) -> None:
        self._die()

    @precondition(lambda self: self.writer is None)
    @rule(fault=faults)
    def restart(self, fault: Fault | None) -> None:
        self.disk.arm(fault)
        try:
            self.writer = SessionWriter.open_or_create(self.disk, self.root, "s", CREATED_AT)
        except OSError:
            assert fault is not None
        except Died:
            self._die()
        finally:
            self.disk.arm(None)

    @precondition(lambda self: self.writer is None)
    @rule(share=st.floats(0, 1))
    def cut_metadata(self, share: float) -> None:
        path = self.root / "s" / "metadata.json"
        if path.exists():
            whole = path.read_bytes()
            path.write_bytes(whole[: int(len(whole) * share)])

    @rule()
    def lose_metadata(self) -> None:
        (self.root / "s" / "metadata.json").unlink(missing_ok=True)

    @invariant()
    def no_acknowledged_image_is_missing(self) -> None:
        for frame in self.frames[: self.acknowledged]:
            assert frame.frame.sha256 in self._hashes()

    def teardown(self) -> None:
        try:
            self._finish()
        finally:
            logging.disable(logging.NOTSET)
            shutil.rmtree(self.root.parent)

    def _finish(self) -> None:
        """Restart once more with a disk that works, deliver what is left, and compare everything."""
        disk = ScriptedDisk()
        if self.frames or (self.root / "s").exists():
            writer = self.writer
            if writer is None or self.disk.dead:
                writer = SessionWriter.open_or_create(disk, self.root, "s", CREATED_AT)
            writer.append(self.frames[self.acknowledged :])
            writer.close()
            with SessionReader(self.root / "s") as reader:
                entries = list(reader.entries())
                assert [entry.frame_id for entry in entries] == [frame.frame.frame_id for frame in self.frames]
                for entry, frame in zip(entries, self.frames, strict=True):
                    assert reader.frame_bytes(entry) == frame.png
                    path = reader.input_path(entry)
                    assert path is not None
                    assert path.read_bytes() == frame.input
                assert not reader.tail.open
                assert reader.head["session_id"] == "s"
                assert reader.head["created_at"] == CREATED_AT
            orjson.loads((self.root / "s" / "metadata.json").read_bytes())
            found = list(check(self.root / "s"))
            assert exit_code(found) == 0, found
            assert not list(self.root.rglob(".tmp-*"))

    def _hashes(self) -> set[str]:
        import hashlib

        return {hashlib.sha256(path.read_bytes()).hexdigest() for path in (self.root / "s").glob("*.png")}

    def _die(self) -> None:
        self.deaths += 1
        self.writer = None
        self.disk = ScriptedDisk()


Recording.TestCase.settings = settings(
    max_examples=100,
    stateful_step_count=30,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
TestRecording = Recording.TestCase
