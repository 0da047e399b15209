"""CURVE keys for a bus that leaves the machine.

A key folder holds ``server.key_secret``, ``client.key_secret``, their public halves, and ``allowed/`` with the public
key of each client that may connect. See https://rfc.zeromq.org/spec/26/ (CurveZMQ) and spec 27 (ZAP).
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

import zmq.asyncio
import zmq.auth
from zmq.auth.asyncio import AsyncioAuthenticator

from shared.key_files import problem_of


class InvalidKeys(Exception):
    """The key folder lacks something; the message names it and says how to make it."""


@dataclass(frozen=True, slots=True)
class CurveKeys:
    server_public: bytes
    server_secret: bytes
    client_public: bytes
    client_secret: bytes
    allowed: Path


def make_keys(folder: Path) -> None:
    """Write a new set of keys.

    Raises:
        InvalidKeys: the folder has keys already; they are never written over.
    """
    if (folder / "server.key_secret").exists():
        raise InvalidKeys(f"{folder} has keys already; choose another folder, or remove them first")
    (folder / "allowed").mkdir(parents=True, exist_ok=True)
    folder.chmod(0o700)
    for name in ("server", "client"):
        _, secret = zmq.auth.create_certificates(folder, name)
        Path(secret).chmod(0o600)
    shutil.copy(folder / "client.key", folder / "allowed" / "client.key")


def load_keys(folder: Path) -> CurveKeys:
    """Read a set of keys.

    Raises:
        InvalidKeys: a file is missing or holds no secret key, or others can read or change it.
    """
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


def secure_server(socket: zmq.asyncio.Socket, keys: CurveKeys) -> None:
    socket.curve_server = True
    socket.curve_publickey = keys.server_public
    socket.curve_secretkey = keys.server_secret


def secure_client(socket: zmq.asyncio.Socket, keys: CurveKeys) -> None:
    socket.curve_serverkey = keys.server_public
    socket.curve_publickey = keys.client_public
    socket.curve_secretkey = keys.client_secret


def start_authenticator(context: zmq.asyncio.Context, keys: CurveKeys) -> AsyncioAuthenticator:
    """Let in only the clients in ``allowed/``; needs a running event loop."""
    authenticator = AsyncioAuthenticator(context)
    authenticator.start()
    authenticator.configure_curve(domain="*", location=keys.allowed)
    return authenticator
