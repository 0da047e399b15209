"""The system that is attacked: every process of the Procfile in folders of its own, and files beside them."""

from __future__ import annotations

import hashlib
import os
import secrets
import stat
from pathlib import Path

from shared.session.writing.writer import SessionWriter
from shared.system.disk import Disk
from tests.attack.tally import Aim
from tests.support.buses import loopback_host
from tests.support.frames import CREATED_AT, pending_frame
from tests.support.processes import Process
from tests.support.recorded import record_pictures
from tests.support.studio import Studio, flat_png

SERVICES = ("generator", "recorder", "replayer", "gaze", "api", "metrics")
RECORDED = ("rec_0", "rec_1", "rec_2")
LARGE = "rec_large"
LARGE_BYTES = 2 << 20
"""Of each of its frames: many answers with one are much memory."""
BAIT = "bait"
"""A session that nobody may delete who is not let in."""
UNCHANGED = (*RECORDED, LARGE, BAIT)
CHANGING = ("bus", "tmp", "sessions", ".cache")
LOGS = (".out", ".err")
"""Within the folder of the run: the rest of it is outside of what the processes may write."""


class Place(Studio):
    """A whole Parafovea to be attacked.

    Args:
        engine: ``quick`` needs no torch; ``tiny`` is a model of random weights; ``embedded`` the model of the project.
        bus: ``ipc`` or ``tcp`` (on a loopback address of its own).
    """

    def __init__(self, folder: Path, *, engine: str, bus: str, **settings: str) -> None:
        more = {"PARAFOVEA_MODEL": "tiny"} if engine == "tiny" else {}
        if bus == "tcp":
            more["PARAFOVEA_BUS"] = f"tcp://{loopback_host()}:5550"
        super().__init__(folder, **more, **settings)
        self._engine = engine
        self.marker = f"outside-{secrets.token_hex(8)}"
        self.victim = folder / "victim"
        self.victim.mkdir()
        (self.victim / "secret.txt").write_text(self.marker)
        (self.victim / "metadata.json").write_text(f'{{"session_id":"victim","marker":"{self.marker}","sequence":[]}}')
        (self.victim / "0000_BR.png").write_bytes(flat_png(64, 64) + self.marker.encode())
        (self.victim / "inputs").mkdir()
        self.sessions.mkdir()
        for name in (*RECORDED, BAIT):
            record_pictures(self.sessions, name)
        writer = SessionWriter.create(Disk(), self.sessions, LARGE, CREATED_AT)
        writer.append([pending_frame(number, session_id=LARGE, padding_bytes=LARGE_BYTES) for number in range(2)])
        writer.close()

    @property
    def aim(self) -> Aim:
        """What the fuzzers are told."""
        return Aim("127.0.0.1", self.port, str(self.address), self.sessions, self.victim, self.marker.encode())

    def start_everything(self) -> None:
        """All processes, ready to work."""
        if self._engine == "quick":
            self.start_generator(wait=False)
        else:
            self.start("generator", wait=False)
        for name in ("recorder", "replayer", "gaze", "metrics"):
            self.start(name, wait=False)
        self.start("api")
        for name in SERVICES:
            self.wait_ready(self.process(name))
        self.wait_until_ready()

    def services(self) -> list[Process]:
        return [self.process(name) for name in SERVICES]

    def fingerprints(self) -> dict[str, str]:
        """What lies where nobody may write, by path: content and mode. The recorded sessions too."""
        roots = [path for path in self.folder.iterdir() if path.name not in CHANGING and path.suffix not in LOGS]
        roots += [self.sessions / name for name in UNCHANGED]
        found: dict[str, str] = {}
        for root in roots:
            for path in (root, *root.rglob("*")):
                found[str(path.relative_to(self.folder))] = _fingerprint(path)
        return found


def _fingerprint(path: Path) -> str:
    if not os.path.lexists(path):
        return "gone"
    mode = path.lstat().st_mode
    if stat.S_ISLNK(mode):
        return f"{mode:o} -> {os.readlink(path)}"
    if not stat.S_ISREG(mode):
        return f"{mode:o}"
    return f"{mode:o} {hashlib.sha256(path.read_bytes()).hexdigest()}"


def differences(before: dict[str, str], after: dict[str, str]) -> list[str]:
    """Paths that are new, gone or other than they were."""
    return sorted(
        [f"{path} is new" for path in after.keys() - before.keys()]
        + [f"{path} is gone" for path in before.keys() - after.keys()]
        + [f"{path} was changed" for path in before.keys() & after.keys() if before[path] != after[path]]
    )
