"""One HTTP connection, before a route sees a request: limits of its memory and time, and JSON for what is refused."""

from __future__ import annotations

import asyncio
from http import HTTPStatus
from typing import Any, cast

import httptools
import orjson
from uvicorn._types import ASGI3Application
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from services.api.edge import heads
from services.api.edge.connections import Connections
from services.api.edge.heads import BadRequest
from services.api.http.errors import error_response
from services.api.http.pace import LEAST_BYTES_PER_S, RequestTimeout
from shared.errors import ParafoveaError

MAX_HEAD_BYTES = 64 * 1024
"""Of a request line and headers."""
MAX_HEADERS = 256
HEAD_S = 20.0
"""From the first byte of a head to its last."""
MAX_PIPELINED = 100
"""Requests sent ahead of their answers."""
SMALL_CHUNKS = 1024
"""So many chunks of a body may have any size; more must have, on average, this one:"""
LEAST_CHUNK_BYTES = 64
READ_BYTES = 64 * 1024
"""From one connection at a time, so that the event loop gets to the others."""


class BoundedHttpProtocol(HttpToolsProtocol):
    """HTTP/1.1 that ends a connection which sends too much, or stops in the middle of a head."""

    def __init__(self, *arguments: Any, bound: Connections, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._bound = bound
        self._application = self.app
        self._websocket: asyncio.Protocol | None = None
        self._malformed: BadRequest | None = None
        self._is_pipelined = False
        self._head_bytes = self._headers = self._chunks = self._body_bytes = self._received_bytes = 0
        self._is_in_message = self._is_in_body = False
        self._running: RequestResponseCycle | None = None
        self._late: asyncio.TimerHandle | None = None

    @property
    def is_at_work(self) -> bool:
        """Whether it has a request that is not answered yet, or is a WebSocket."""
        return self._websocket is not None or (self.cycle is not None and not self.cycle.response_complete)

    @property
    def said_bytes(self) -> int:
        """What came over it as a WebSocket so far; 0 before it is one."""
        return getattr(self._websocket, "said_bytes", 0)

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        read_at_most(transport, READ_BYTES)
        # One that never sends anything ends like an idle one.
        self._end_at(self.loop.time() + self.timeout_keep_alive)
        self._bound.opened(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self._bound.closed(self)
        self._stop_watching()
        self._unset_keepalive_if_required()
        if self._running is not None:
            # Uvicorn tells only the last request, and an earlier one may still be running.
            self._running.disconnected = self._running.disconnected or not self._running.response_complete
            self._running.message_event.set()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        self._received_bytes += len(data)
        idle = self.timeout_keep_alive_task
        super().data_received(data)
        if self._late is not None or self.is_at_work or self.transport.is_closing():
            return
        if self._is_in_message:
            self._watch()
        else:
            # Blank lines, or the end of a body that was answered already: still idle, and no reason to wait longer.
            self._end_at(self.loop.time() + self.timeout_keep_alive if idle is None else idle.when())

    def on_message_begin(self) -> None:
        self._is_in_message = True
        self._head_bytes = self._headers = self._chunks = self._body_bytes = 0
        super().on_message_begin()

    def on_url(self, url: bytes) -> None:
        self._count(len(url))
        super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        self._count(len(name) + len(value))
        self._headers += 1
        if self._headers > MAX_HEADERS:
            raise httptools.HttpParserError(f"the head has more than {MAX_HEADERS} headers")
        if self._is_in_body:
            return  # a trailer: the head was checked already, and it must not become part of it
        super().on_header(name, value.rstrip(b" \t"))  # the parser strips only the left side

    def on_headers_complete(self) -> None:
        self._is_pipelined = self.is_at_work
        # A WebSocket's handshake does not get to self.app, but to handle_websocket_upgrade. Behind another request it
        # is refused, or that one's answer would be written into the WebSocket.
        refusal = self._head_problem() or self._bound.refusal(self, self.url.partition(b"?")[0], is_websocket=False)
        self.app = self._application if refusal is None else error_response(refusal, {"Connection": "close"})
        self._stop_watching()
        self._is_in_body = True
        if len(self.pipeline) >= MAX_PIPELINED:
            self.transport.abort()
            raise httptools.HttpParserError(f"more than {MAX_PIPELINED} requests wait for their answers")
        super().on_headers_complete()

    def on_chunk_header(self) -> None:
        """A small chunk costs the parser as much as a large one."""
        self._chunks += 1
        if self._chunks > SMALL_CHUNKS and self._body_bytes < self._chunks * LEAST_CHUNK_BYTES:
            raise httptools.HttpParserError("the body comes in too small chunks")

    def on_body(self, body: bytes) -> None:
        self._body_bytes += len(body)
        super().on_body(body)

    def on_message_complete(self) -> None:
        self._is_in_message = self._is_in_body = False
        self._stop_watching()
        super().on_message_complete()

    def on_response_complete(self) -> None:
        self._bound.used(self)
        super().on_response_complete()

    def handle_websocket_upgrade(self) -> None:
        refusal = self._malformed or self._bound.refusal(self, self.url.partition(b"?")[0], is_websocket=True)
        if refusal is not None:
            self.refuse(refusal)
            return
        self._bound.upgraded(self)
        super().handle_websocket_upgrade()
        websocket = self._websocket = cast(asyncio.Protocol, self.transport.get_protocol())
        lost = websocket.connection_lost

        def connection_lost(exc: Exception | None) -> None:
            self._bound.closed(self)
            lost(exc)

        websocket.connection_lost = connection_lost  # type: ignore[method-assign]

    def _head_problem(self) -> BadRequest | None:
        """Why the request's head is invalid; else ``self.url`` is normalised."""
        self._malformed = None
        is_websocket = self.parser.should_upgrade() and self._is_handshake()
        try:
            if is_websocket and self._is_pipelined:
                raise BadRequest("A WebSocket's handshake came before the answer to the request ahead; wait for that.")
            version = self.parser.get_http_version()
            self.url = heads.check(version, self.url, self.headers, is_websocket=is_websocket)
        except BadRequest as error:
            self._malformed = error
            self.url = b"/"  # the real one must not be parsed
        return self._malformed

    def _should_upgrade(self) -> bool:
        return self._is_handshake() and not self._is_pipelined

    def _is_handshake(self) -> bool:
        return super()._should_upgrade() and self.parser.get_method() == b"GET"

    def _unsupported_upgrade_warning(self) -> None:
        """An offer of another protocol may be ignored (RFC 9110, 7.8), and is not worth a log line."""

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: ASGI3Application) -> None:
        self._running = cycle
        super()._start_asgi_task(cycle, app)

    def _count(self, size: int) -> None:
        self._head_bytes += size
        if self._head_bytes > MAX_HEAD_BYTES:
            raise httptools.HttpParserError(f"the head has more than {MAX_HEAD_BYTES} bytes")

    def send_400_response(self, msg: str) -> None:
        """Called when parsing failed: the connection is of no further use."""
        if self.transport.is_closing():
            return
        detail = "This is not a valid HTTP/1.1 request, or its headers are too long; use an ordinary HTTP client."
        self.refuse(BadRequest(detail))

    def refuse(self, refusal: ParafoveaError) -> None:
        """Answer with an error, and end the connection."""
        self._stop_watching()
        if self._running is not None and self._running.response_started and not self._running.response_complete:
            self.transport.close()  # in the middle of another answer it would be read as part of it
            return
        body = orjson.dumps(refusal.to_json())
        head = (
            f"HTTP/1.1 {refusal.status} {HTTPStatus(refusal.status).phrase}\r\ncontent-type: application/json\r\n"
            f"content-length: {len(body)}\r\nconnection: close\r\n\r\n"
        )
        self.transport.write(head.encode() + body)
        self.transport.close()

    def _end_at(self, time: float) -> None:
        """Close the connection at a time of the loop's clock, unless something comes before."""
        self.timeout_keep_alive_task = self.loop.call_at(time, self.timeout_keep_alive_handler)

    def _watch(self) -> None:
        self._received_bytes = 0
        self._late = self.loop.call_later(HEAD_S, self._on_late)

    def _stop_watching(self) -> None:
        if self._late is not None:
            self._late.cancel()
            self._late = None

    def _on_late(self) -> None:
        self._late = None
        if self.transport.is_closing() or self.is_at_work:
            return
        if not self._is_in_body:
            self.refuse(RequestTimeout(f"The request's head did not come within {HEAD_S:g} s; send it again."))
        elif self._received_bytes < HEAD_S * LEAST_BYTES_PER_S:
            self.transport.close()  # the rest of a body that was answered already
        else:
            self._watch()


def read_at_most(transport: asyncio.Transport, size_bytes: int) -> None:
    """Have asyncio read so much at a time, if it can be set; the default is 256 KiB."""
    if hasattr(transport, "max_size"):
        transport.max_size = size_bytes
