"""That an acknowledgement is the recorder's: what is acknowledged is forgotten, so nobody else may do it.

Both ends know a secret, and an ``ack`` carries a proof of it, never the secret itself: who listens in, or sits on the
generator's port while that is away, learns nothing to acknowledge other frames with.

With CURVE keys the secret is derived from the server's own secret key, which every process of the server has and no
client. Without, the recorder draws one at each start and leaves it in a file that only this user can read: in the bus's
folder, or, where the bus is TCP, in the sessions folder.
"""

from __future__ import annotations

import hmac
import json
import logging
import secrets
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from shared.bus.sockets import Bus
from shared.frame import FrameRef
from shared.session.format import layout
from shared.system.disk import Disk

log = logging.getLogger(__name__)

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


def draw_secret() -> bytes:
    return secrets.token_bytes(SECRET_BYTES)


def write(disk: Disk, path: Path, secret: bytes) -> None:
    """Leave the secret for the generator, unless the file says it already. Raises OSError: the disk refuses."""
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


def is_proved(secret: bytes, frames: Iterable[FrameRef], proof: str) -> bool:
    """Whether who sent the proof knew the secret."""
    return hmac.compare_digest(prove(secret, frames).encode(), proof.encode(errors="replace"))
