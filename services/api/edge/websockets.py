"""Uvicorn's WebSockets, for clients that do not read.

A program that only sends answers no ping, as its library never reads: pings would cut it off. So there are none; TCP's
keepalive notices who is gone (``services/api/server.py``), and a client that neither reads nor sends for minutes,
while something waits for it, is cut off here.
"""

from __future__ import annotations

import asyncio
import codecs
import http
from typing import Any

import orjson
from uvicorn._types import ASGISendEvent
from uvicorn.protocols.utils import ClientDisconnected
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.frames import CloseCode, Frame, Opcode
from websockets.http11 import Request, Response
from websockets.server import ServerProtocol

from services.api.edge.bounded import read_at_most

_Utf8 = codecs.getincrementaldecoder("utf-8")

UNREAD_S = 300.0
"""So long a client may leave data unread, and send nothing."""
MAX_FRAGMENTS = 1024
"""Of one message."""
READ_BYTES = 2048
"""At a time: they may be hundreds of frames, each of them work."""
LAST_WORDS_S = 2.0
"""So long a client that broke the protocol has to read why, and to close."""


class StrictProtocol(ServerProtocol):
    """Refuses a malformed handshake in JSON, and text that is no UTF-8 as it comes."""

    _text: codecs.IncrementalDecoder | None = None

    def recv_frame(self, frame: Frame) -> None:
        """Raises UnicodeDecodeError, which closes with 1007; Uvicorn would decode only a complete text, and log it."""
        super().recv_frame(frame)
        if frame.opcode in (Opcode.TEXT, Opcode.BINARY):
            self._text = _Utf8() if frame.opcode is Opcode.TEXT else None
        if frame.opcode in (Opcode.TEXT, Opcode.CONT) and self._text is not None:
            self._text.decode(frame.data, final=frame.fin)

    def reject(self, status: http.HTTPStatus | int, text: str) -> Response:
        response = super().reject(status, text)
        code = "upgrade_required" if status == http.HTTPStatus.UPGRADE_REQUIRED else "invalid_request"
        response.body = orjson.dumps({"error": code, "detail": text.strip()})
        for name, value in (("Content-Length", str(len(response.body))), ("Content-Type", "application/json")):
            del response.headers[name]
            response.headers[name] = value
        return response


class PatientWebSocket(WebSocketsSansIOProtocol):
    """A connection that stays open while its client reads or sends."""

    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        self.conn = StrictProtocol(max_size=self.config.ws_max_size, logger=self.conn.logger)
        self._unread: asyncio.TimerHandle | None = None
        self._unread_bytes = 0
        self._has_sent = False
        self.said_bytes = 0
        """What has come so far."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        read_at_most(transport, READ_BYTES)

    def handle_cont(self, event: Frame) -> None:
        if not event.data and not event.fin:
            return  # the limit is in bytes: empty fragments would never reach it
        if len(self.frames) >= MAX_FRAGMENTS and not self.close_sent:
            self.frames = []
            self.conn.fail(CloseCode.MESSAGE_TOO_BIG, f"more than {MAX_FRAGMENTS} fragments")
            self.handle_parser_exception()
            return
        super().handle_cont(event)

    def data_received(self, data: bytes) -> None:
        self._has_sent = True
        self.said_bytes += len(data)
        if self.conn.parser_exc is not None:
            return  # it was answered already, and has to close
        super().data_received(data)
        if self.conn.handshake_exc is not None and not self.handshake_initiated:
            # Too long a head: the library has an answer for it, which Uvicorn does not send.
            self.transport.write(b"".join(self.conn.data_to_send()))
            self.transport.close()

    def handle_connect(self, event: Request) -> None:
        super().handle_connect(event)
        if not self.close_sent:
            # What comes before our answer is read after it.
            self.transport.pause_reading()

    async def send(self, message: ASGISendEvent) -> None:
        await self.writable.wait()
        if message["type"] == "websocket.send" and self.close_sent:
            raise ClientDisconnected  # cut off for what it sent: no error of ours
        await super().send(message)
        if message["type"] == "websocket.accept":
            if not self.handshake_complete:
                raise ClientDisconnected
            self.transport.resume_reading()
        elif message["type"] == "websocket.http.response.body" and self.close_sent:
            self.handshake_complete = True  # a refusal is an answer too

    def handle_parser_exception(self) -> None:
        """Send what was wrong, and read on for a while: closing at once would reset the connection, and lose that."""
        close = self.conn.close_sent
        assert close is not None
        self.queue.put_nowait({"type": "websocket.disconnect", "code": close.code, "reason": close.reason})
        self.close_sent = True
        self.transport.write(b"".join(self.conn.data_to_send()))
        self.transport.write_eof()
        self.transport.resume_reading()
        self.close_timer = self.loop.call_later(LAST_WORDS_S, self.transport.abort)

    def handle_ping(self) -> None:
        output = self.conn.data_to_send()
        if self.writable.is_set():  # else it does not read, and pongs would pile up here
            self.transport.write(b"".join(output))

    def handle_pong(self, event: Frame) -> None:
        """Ignored: we send no pings."""

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
        # close() would wait until the rest is read: perhaps for ever.
        if self._has_sent or self.transport.get_write_buffer_size() < self._unread_bytes:
            self._watch()
        else:
            self.transport.abort()

    def _stop_watching(self) -> None:
        if self._unread is not None:
            self._unread.cancel()
            self._unread = None
