"""That an acknowledgement is the recorder's: what is acknowledged is forgotten, so nobody else may do it.

Both ends know a secret, and an ``ack`` carries a proof of it, never the secret itself: who listens in, or sits on the
generator's port (or the gaze process's) while that is away, learns nothing to acknowledge anything else with.

With CURVE keys the secret is derived from the server's own secret key, which every process of the server has and no
client. Without, the recorder draws one at each start and leaves it in a file that only this user can read: in the bus's
folder, or, where the bus is TCP, in the sessions folder.
"""

from __future__ import annotations

import asyncio
import hmac
import json
import logging
import secrets
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from pathlib import Path

from shared.bus.requests.gaze import AcknowledgeTrial
from shared.bus.requests.generator import Acknowledge
from shared.bus.sockets import Bus
from shared.errors import Forbidden
from shared.frame import FrameRef
from shared.session.format import layout
from shared.system.disk import Disk
from shared.system.rarely import Rarely
from shared.system.worker import Worker

log = logging.getLogger(__name__)

READ_S = 1.0
"""How long an acknowledgement waits for the secret to be read; one that is refused comes again."""
SECRET_BYTES = 32
_MAX_FILE_BYTES = 1000
_PRIVATE = 0o600


def derived_secret(bus: Bus) -> bytes | None:
    """The secret of a server with CURVE keys; None where there are none."""
    if bus.keys is None:
        return None
    return hmac.digest(bus.keys.server_secret, b"parafovea acknowledgements", "sha256")


def secret_path(bus: Bus, sessions: Path) -> Path:
    """Where a recorder without keys leaves the secret."""
    return (sessions if bus.address.folder is None else bus.address.folder) / layout.ACKNOWLEDGING


def write(disk: Disk, path: Path, secret: bytes) -> None:
    """Leave the secret for the others, unless the file says it already. Raises OSError: the disk refuses."""
    with suppress(OSError):  # another user's, who once recorded here
        if read(path) == secret:
            return
    disk.put(path, secret.hex().encode() + b"\n", mode=_PRIVATE)


def withdraw(disk: Disk, path: Path, secret: bytes) -> None:
    """Remove the file that says this secret; one that says another is somebody else's. What the disk refuses stays."""
    try:
        if read(path) == secret:
            disk.unlink(path)
    except OSError as error:
        log.warning("%s cannot be removed (%s); it is good for nothing any more", path, error.strerror or error)


def read(path: Path) -> bytes | None:
    """The secret that a file holds; None where there is no such file, or no secret in it. Raises OSError."""
    try:
        with path.open("rb") as file:
            found = bytes.fromhex(file.read(_MAX_FILE_BYTES).decode("ascii"))
    except (FileNotFoundError, ValueError):
        return None
    return found if len(found) == SECRET_BYTES else None


def prove(secret: bytes, frames: Iterable[FrameRef]) -> str:
    """What an acknowledgement of these frames must carry, in hex. Good for them alone, so nothing is won by sending it
    again."""
    said = json.dumps([(frame.session_id, frame.epoch, frame.record_seq) for frame in frames])
    return hmac.digest(secret, said.encode(), "sha256").hex()


def prove_trial(secret: bytes, trial_id: str, next_n: int) -> str:
    """:func:`prove` for a trial's inputs below ``next_n``."""
    return hmac.digest(secret, json.dumps(["trial", trial_id, next_n]).encode(), "sha256").hex()


class Proving:
    """The recorder's end: a secret of this life's own, or with CURVE keys the derived one."""

    def __init__(self, disk: Disk, thread: Worker, bus: Bus, sessions: Path) -> None:
        derived = derived_secret(bus)
        self._is_derived = derived is not None
        self._secret = derived or secrets.token_bytes(SECRET_BYTES)
        self._path = secret_path(bus, sessions)
        self._disk = disk
        self._thread = thread
        self._unshared = Rarely(log)

    def acknowledge(self, frames: Sequence[FrameRef]) -> Acknowledge:
        """The request, with its proof."""
        return Acknowledge(frames=tuple(frames), proof=prove(self._secret, frames))

    def acknowledge_trial(self, trial_id: str, next_n: int) -> AcknowledgeTrial:
        """The request about a trial's inputs below ``next_n``, with its proof."""
        return AcknowledgeTrial(trial_id=trial_id, next_n=next_n, proof=prove_trial(self._secret, trial_id, next_n))

    async def withdraw(self) -> None:
        """Remove the secret: this life acknowledges nothing more, and the next one draws another."""
        if not self._is_derived:
            await self._thread.run(withdraw, self._disk, self._path, self._secret)

    async def share_secret(self) -> bool:
        """Leave the secret where the generator looks for it; whether it is there.

        To be called again whenever the generator does not know it: the file may be gone, and its folder with it.
        """
        if self._is_derived:
            return True
        try:
            await self._thread.run(write, self._disk, self._path, self._secret)
        except OSError as error:
            self._unshared.warn(
                "the generator keeps its frames: the secret that it lets them go by cannot be written to %s (%s)",
                self._path,
                error.strerror or error,
            )
            return False
        return True


class Acknowledgements:
    """The end of who holds something: each is checked by the recorder's secret, which is another one after each of its
    starts."""

    def __init__(self, bus: Bus, sessions: Path) -> None:
        self._derived = derived_secret(bus)
        self._path = secret_path(bus, sessions)
        self._secret = self._derived
        self._reading: asyncio.Task[None] | None = None
        self._refused = Rarely(log)
        self._unread = Rarely(log)

    async def check(self, wanted: Acknowledge) -> None:
        """Return where it is the recorder's. Raises Forbidden: it is not, or the secret cannot be read now."""
        if not await self._is_proved(lambda secret: prove(secret, wanted.frames), wanted.proof):
            count = len(wanted.frames)
            self._refused.warn("an acknowledgement of %d frames is refused: it is not the recorder's", count)
            raise Forbidden("only the recorder may acknowledge frames, and this does not prove to be from it")

    async def check_trial(self, wanted: AcknowledgeTrial) -> None:
        """:meth:`check` of a trial's inputs."""
        if not await self._is_proved(lambda secret: prove_trial(secret, wanted.trial_id, wanted.next_n), wanted.proof):
            self._refused.warn("an acknowledgement of a trial is refused: it is not the recorder's")
            raise Forbidden("only the recorder may acknowledge trials, and this does not prove to be from it")

    async def _is_proved(self, proof_by: Callable[[bytes], str], proof: str) -> bool:
        """Whether who sent it knew the secret, which is read anew where that did not seem so."""
        if self._fits(proof_by, proof) or self._derived is not None:
            return self._fits(proof_by, proof)
        # One reading at a time, whoever asks: a disk that hangs holds one thread, and no end of them.
        if self._reading is None or self._reading.done():
            self._reading = asyncio.create_task(self._read())
        await asyncio.wait([self._reading], timeout=READ_S)
        return self._fits(proof_by, proof)

    def _fits(self, proof_by: Callable[[bytes], str], proof: str) -> bool:
        if self._secret is None:
            return False
        return hmac.compare_digest(proof_by(self._secret).encode(), proof.encode(errors="replace"))

    async def _read(self) -> None:
        try:
            found = await asyncio.to_thread(read, self._path)
        except OSError as error:
            self._unread.warn("the recorder's secret in %s cannot be read: %s", self._path, error.strerror or error)
            return
        self._secret = found or self._secret
