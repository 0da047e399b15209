"""Uvicorn inside our process: our signals and sockets, and JSON where it would answer plain text."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
import sys
from collections.abc import Iterator
from functools import partial
from typing import Any, cast

from starlette.types import ASGIApp
from uvicorn import Config, Server

from services.api.edge import heads
from services.api.edge.bounded import BoundedHttpProtocol
from services.api.edge.connections import ACCEPTED_AT_ONCE, Connections
from services.api.edge.heads import BadRequest
from services.api.edge.unread import CHECK_S, Unread
from services.api.edge.websockets import PatientWebSocket
from services.api.http.errors import error_response
from shared.bus.address import bare_host, host_and_port
from shared.process.runner import Refused

KEEP_ALIVE_S = 75
BACKLOG = 512
GRACE_S = 0.5
"""So long a stopping server lets requests end by themselves; then it answers them."""
ANSWER_S = 0.3
"""So long after that it cuts off clients that do not read, or send no more."""
MAX_WEBSOCKET_MESSAGE_BYTES = 64 * 1024
GONE_AFTER_S = 120
"""After so long TCP notices a vanished client that nothing is sent to."""


class JsonHttpProtocol(BoundedHttpProtocol):
    """HTTP/1.1 with a bounded number of connections, and JSON for errors before any route."""

    _malformed: BadRequest | None = None
    _is_pipelined = False

    def __init__(self, *arguments: Any, bound: Connections, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._bound = bound
        self._application = self.app
        self._websocket: asyncio.Protocol | None = None

    @property
    def is_at_work(self) -> bool:
        """Whether it has a request that is not answered yet, or is a WebSocket."""
        return self._websocket is not None or super().is_at_work

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._bound.opened(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self._bound.closed(self)
        super().connection_lost(exc)

    def on_headers_complete(self) -> None:
        self._is_pipelined = self.is_at_work
        # A WebSocket's handshake does not get to self.app, but to handle_websocket_upgrade. Behind another request it
        # is refused, or that one's answer would be written into the WebSocket.
        refusal = self._head_problem() or self._bound.refusal(self, self.url.partition(b"?")[0], is_websocket=False)
        self.app = self._application if refusal is None else error_response(refusal, {"Connection": "close"})
        super().on_headers_complete()

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


class EmbeddedServer(Server):
    """A server that leaves signals to its process."""

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start to serve. asyncio takes one number for the backlog and for how many it accepts at once; ours differ."""
        await super().startup(sockets)
        for listening in sockets or ():
            listening.listen(BACKLOG)

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def listen(host: str, port: int) -> list[socket.socket]:
    """Sockets that listen on every address of a name.

    Raises:
        Refused: the address is taken, or is none of this machine's.
    """
    sockets: list[socket.socket] = []
    try:
        found = socket.getaddrinfo(bare_host(host), port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        for family, address in dict.fromkeys((item[0], item[4]) for item in found):
            # With the protocol named, or asyncio leaves Nagle's delay on: 40 ms an answer.
            opened = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
            sockets.append(opened)
            if sys.platform != "win32":
                opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if family == socket.AF_INET6:
                opened.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            _keep_alive(opened)
            opened.bind(address)
            opened.listen(BACKLOG)
    except OSError as error:
        for opened in sockets:
            opened.close()
        raise Refused(
            f"cannot listen on {host_and_port(host, port)} ({error.strerror or error}); stop what listens there, or "
            "set PARAFOVEA_HOST and PARAFOVEA_PORT"
        ) from None
    return sockets


def _keep_alive(listening: socket.socket) -> None:
    """Have TCP find out which clients are gone; accepted sockets inherit it."""
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in (("TCP_KEEPIDLE", GONE_AFTER_S // 2), ("TCP_KEEPINTVL", GONE_AFTER_S // 8), ("TCP_KEEPCNT", 4)):
        if hasattr(socket, name):
            listening.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)


class HttpServer:
    """Serves an application on sockets until told to stop."""

    def __init__(self, app: ASGIApp, sockets: list[socket.socket]) -> None:
        # At level info Uvicorn logs each WebSocket's path, and a token may be in it.
        logging.getLogger("uvicorn").setLevel(logging.WARNING)
        # What is wrong with a form is in the answer.
        logging.getLogger("python_multipart").setLevel(logging.ERROR)
        self._connections = Connections()
        config = Config(
            app,
            http=partial(JsonHttpProtocol, bound=self._connections),  # type: ignore[arg-type]
            backlog=ACCEPTED_AT_ONCE,
            ws=PatientWebSocket,
            ws_ping_interval=None,
            ws_max_size=MAX_WEBSOCKET_MESSAGE_BYTES,
            ws_per_message_deflate=False,
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            timeout_keep_alive=KEEP_ALIVE_S,
            timeout_graceful_shutdown=1,
        )
        self._server = EmbeddedServer(config)
        self._sockets = sockets

    async def serve(self) -> None:
        """Answer until :meth:`stop`."""
        checking = asyncio.create_task(self._check_unread())
        try:
            await self._server.serve(self._sockets)
        finally:
            checking.cancel()

    async def _check_unread(self) -> None:
        unread = Unread()
        while True:
            await asyncio.sleep(CHECK_S)
            unread.check(self._connections.transports(), asyncio.get_running_loop().time())

    def stop(self) -> None:
        """Take no more connections; close idle ones now, the others after their answer."""
        self._server.should_exit = True

    def cut_off(self) -> None:
        """Close every connection now."""
        for connection in list(self._server.server_state.connections):
            if connection.transport.get_write_buffer_size():
                connection.transport.abort()
            else:
                connection.transport.close()

    async def wait_idle(self, timeout_s: float) -> None:
        """Return once no request is under way, or after the time."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                while tasks := list(self._server.server_state.tasks):
                    await asyncio.wait(tasks)
