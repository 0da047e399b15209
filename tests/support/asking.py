"""Asking a process as a stranger would: plain pyzmq and JSON, none of the project's own client."""

from __future__ import annotations

import http.client
import json
import urllib.error
import urllib.request
import uuid
from typing import Any

import zmq

from shared.bus.address import BusAddress


def ask(
    address: BusAddress,
    channel: str,
    message_type: str,
    body: dict[str, Any],
    payloads: tuple[bytes, ...] = (),
    *,
    timeout_s: float,
) -> tuple[dict[str, Any], list[bytes]] | None:
    """Header and payloads of the reply, which may be an ``error``; None where none came in time."""
    message_id = uuid.uuid4().hex
    header = {"v": 1, "type": message_type, "id": message_id, "time": 0.0, "monotonic_ns": 0, **body}
    context = zmq.Context()
    socket = context.socket(zmq.DEALER)
    socket.linger = 0
    socket.reconnect_ivl = 20
    try:
        socket.connect(address.of(channel))
        socket.send_multipart([json.dumps(header).encode(), *payloads])
        if not socket.poll(int(timeout_s * 1000)):
            return None
        raw, *rest = socket.recv_multipart()
        reply: dict[str, Any] = json.loads(raw)
        assert reply["id"] == message_id
        return reply, rest
    finally:
        socket.close()
        context.term()


def http_status(url: str, timeout_s: float = 2.0) -> int | None:
    """The status that a GET is answered with; None where nobody answers."""
    try:
        with urllib.request.urlopen(url, timeout=timeout_s) as response:
            status: int = response.status
            return status
    except urllib.error.HTTPError as error:
        return error.code
    except (OSError, http.client.HTTPException):
        return None
