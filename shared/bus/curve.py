"""CURVE keys for a bus that leaves the machine.

A key folder holds ``server.key_secret``, ``client.key_secret``, their public halves, and three folders of public keys:
``allowed/``, whose owners may listen, ``control/``, whose owners may send requests as well, and ``gaze/``, whose owners
may connect to the gaze process: where a person looks says a lot of that person, and is nobody's by the way. The set's
own client key may do all. See https://rfc.zeromq.org/spec/26/ (CurveZMQ).
"""

from __future__ import annotations

import logging
import shutil
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import zmq.asyncio
import zmq.auth
from zmq.utils import z85

from shared.bus.channels import Channel
from shared.system.key_files import problem_of

log = logging.getLogger(__name__)

MAX_CERTIFICATE_BYTES = 64 * 1024
KEY_BYTES = 32

Role = Literal["listen", "control", "gaze"]
"""What the owner of a key may do: connect to what is published, to what takes requests too, or to the gaze process."""


class InvalidKeys(Exception):
    """The key folder lacks something; the message names it and says how to make it."""


@dataclass(frozen=True, slots=True)
class CurveKeys:
    server_public: bytes
    server_secret: bytes
    client_public: bytes
    client_secret: bytes
    allowed: Path

    @property
    def control(self) -> Path:
        return self.allowed.with_name("control")

    @property
    def gaze(self) -> Path:
        return self.allowed.with_name("gaze")


def make_keys(folder: Path) -> None:
    """Write a new set of keys. Raises InvalidKeys: the folder has keys already; they are never written over."""
    if (folder / "server.key_secret").exists():
        raise InvalidKeys(f"{folder} has keys already; choose another folder, or remove them first")
    for name in ("allowed", "control", "gaze"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    folder.chmod(0o700)
    for name in ("server", "client"):
        _, secret = zmq.auth.create_certificates(folder, name)
        Path(secret).chmod(0o600)
    shutil.copy(folder / "client.key", folder / "allowed" / "client.key")


def load_keys(folder: Path) -> CurveKeys:
    """Read a set of keys. Raises InvalidKeys: a file is missing or holds no secret key, or others can read or change
    it."""
    if (problem := problem_of(folder)) is not None:
        raise InvalidKeys(problem)
    pairs: dict[str, tuple[bytes, bytes]] = {}
    for name in ("server", "client"):
        path = folder / f"{name}.key_secret"
        try:
            public, secret = zmq.auth.load_certificate(path)
        except (OSError, ValueError) as error:
            raise InvalidKeys(f"no usable key in {path} ({error}); 'parafovea keys {folder}' makes a set") from None
        if secret is None:
            raise InvalidKeys(f"{path} holds no secret key; 'parafovea keys' makes a set")
        pairs[name] = (public, secret)
    return CurveKeys(*pairs["server"], *pairs["client"], folder / "allowed")


def secure_server(socket: zmq.Socket[Any], keys: CurveKeys) -> None:
    socket.curve_server = True
    socket.curve_publickey = keys.server_public
    socket.curve_secretkey = keys.server_secret


def secure_client(socket: zmq.asyncio.Socket, keys: CurveKeys) -> None:
    socket.curve_serverkey = keys.server_public
    socket.curve_publickey = keys.client_public
    socket.curve_secretkey = keys.client_secret


def role_for(channel: Channel) -> Role:
    """The role that a channel asks of whoever connects."""
    if channel.bound_by == "gaze":
        return "gaze"
    return "listen" if channel.pattern == "publish" else "control"


def admitted(keys: CurveKeys) -> dict[Role, frozenset[bytes]]:
    """The public keys (Z85) of each role. Reads the folders; a file that is no key is named in the log, and is no
    reason to shut the others out."""
    listen = _public_keys(keys.allowed) - {keys.client_public}
    control = _public_keys(keys.control) | {keys.client_public}
    if listen and not keys.control.is_dir():
        log.warning(
            "the keys in %s may listen, and may send no requests; whose owner may do that too, its key belongs into %s",
            keys.allowed,
            keys.control,
        )
    gaze = _public_keys(keys.gaze) | {keys.client_public}
    return {"listen": listen | control, "control": control, "gaze": gaze}


def _public_keys(folder: Path) -> frozenset[bytes]:
    try:
        paths = sorted(path for path in folder.iterdir() if path.suffix == ".key")
    except FileNotFoundError:
        return frozenset()
    except OSError as error:
        log.error("the keys in %s cannot be read (%s); their owners are not let in", folder, error.strerror)
        return frozenset()
    found: set[bytes] = set()
    for path in paths:
        try:
            found.add(_public_key(path))
        except (OSError, ValueError) as error:
            log.error("no usable key in %s (%s); its owner is not let in", path, error)
    return frozenset(found)


def _public_key(path: Path) -> bytes:
    if not path.is_file():
        raise ValueError("it is no file")
    if path.stat().st_size > MAX_CERTIFICATE_BYTES:
        raise ValueError(f"it has more than {MAX_CERTIFICATE_BYTES} bytes")
    try:
        public, _ = zmq.auth.load_certificate(path)
        length_bytes = len(z85.decode(public))
    except (ValueError, KeyError, struct.error):
        length_bytes = 0
    if length_bytes != KEY_BYTES:
        raise ValueError("it holds no public key of 40 characters in Z85")
    return public
