"""Uvicorn's WebSockets, for clients that do not read.

A program that only sends answers no ping, as its library reads nothing either: pings would cut off the very clients
that do as they are told. So there are none; TCP's own keepalive finds out who is gone (``services/api/server.py``), and
a client that neither takes nor sends a byte for minutes, while something waits for it, is cut off here.
"""

from __future__ import annotations

import asyncio
import http
from typing import Any

import orjson
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.frames import CloseCode, Frame
from websockets.http11 import Response
from websockets.server import ServerProtocol

from services.api.bounded import read_at_most

UNREAD_S = 300.0
"""So long a client may leave unread what is waiting for it, and say nothing itself."""
MAX_FRAGMENTS = 1024
"""Of one message; empty ones count too, which no limit of bytes sees."""
READ_BYTES = 2048
"""At a time: so many bytes may be hundreds of frames, each of them work."""


class JsonHandshake(ServerProtocol):
    """Refuses a malformed handshake in JSON, as all our errors are."""

    def reject(self, status: http.HTTPStatus | int, text: str) -> Response:
        response = super().reject(status, text)
        code = "upgrade_required" if status == http.HTTPStatus.UPGRADE_REQUIRED else "invalid_request"
        response.body = orjson.dumps({"error": code, "detail": text.strip()})
        for name, value in (("Content-Length", str(len(response.body))), ("Content-Type", "application/json")):
            del response.headers[name]
            response.headers[name] = value
        return response


class PatientWebSocket(WebSocketsSansIOProtocol):
    """A connection that is held while its client takes what it is sent, or sends."""

    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        self.conn = JsonHandshake(max_size=self.config.ws_max_size, logger=self.conn.logger)
        self._unread: asyncio.TimerHandle | None = None
        self._unread_bytes = 0
        self._has_sent = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        read_at_most(transport, READ_BYTES)

    def handle_cont(self, event: Frame) -> None:
        if len(self.frames) >= MAX_FRAGMENTS and not self.close_sent:
            self.frames = []
            self.conn.fail(CloseCode.MESSAGE_TOO_BIG, f"more than {MAX_FRAGMENTS} fragments")
            self.handle_parser_exception()
            return
        super().handle_cont(event)

    def data_received(self, data: bytes) -> None:
        self._has_sent = True
        super().data_received(data)
        if self.conn.handshake_exc is not None and not self.handshake_initiated:
            # Too long a head for the library: it has an answer, which nobody would send, and the client would wait.
            self.transport.write(b"".join(self.conn.data_to_send()))
            self.transport.close()

    def handle_ping(self) -> None:
        output = self.conn.data_to_send()
        if self.writable.is_set():  # else it does not read: answers to its pings would pile up here
            self.transport.write(b"".join(output))

    def handle_pong(self, event: Frame) -> None:
        """Nobody was asked for one."""

    def pause_writing(self) -> None:
        super().pause_writing()
        self._watch()

    def resume_writing(self) -> None:
        super().resume_writing()
        self._stop_watching()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_watching()
        super().connection_lost(exc)

    def _watch(self) -> None:
        self._unread_bytes = self.transport.get_write_buffer_size()
        self._has_sent = False
        self._unread = self.loop.call_later(UNREAD_S, self._check)

    def _check(self) -> None:
        # close() would wait until the rest is read, which may be never.
        if self._has_sent or self.transport.get_write_buffer_size() < self._unread_bytes:
            self._watch()
        else:
            self.transport.abort()

    def _stop_watching(self) -> None:
        if self._unread is not None:
            self._unread.cancel()
            self._unread = None
