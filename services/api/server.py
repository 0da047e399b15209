"""Uvicorn inside our process: our signals, sockets and limits."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
import sys
from collections.abc import Iterator
from functools import partial

from starlette.types import ASGIApp
from uvicorn import Config, Server

from services.api.edge.bounded import BoundedHttpProtocol
from services.api.edge.connections import ACCEPTED_AT_ONCE, Connections
from services.api.edge.websockets import PatientWebSocket
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


def listen(host: str, port: int) -> list[socket.socket]:
    """Sockets on every address of a name. Raises Refused if one is taken, or is none of this machine's."""
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


class HttpServer(Server):
    """Serves an application on sockets until told to stop; signals are its process's."""

    def __init__(self, app: ASGIApp, sockets: list[socket.socket]) -> None:
        # At level info Uvicorn logs each WebSocket's path, and a token may be in it.
        logging.getLogger("uvicorn").setLevel(logging.WARNING)
        # What is wrong with a form is in the answer.
        logging.getLogger("python_multipart").setLevel(logging.ERROR)
        self._connections = Connections()
        self._sockets = sockets
        config = Config(
            app,
            http=partial(BoundedHttpProtocol, bound=self._connections),  # type: ignore[arg-type]
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
        super().__init__(config)

    async def serve(self, sockets: list[socket.socket] | None = None) -> None:
        """Answer until :meth:`stop`."""
        checking = asyncio.create_task(self._connections.cut_off_unread())
        try:
            await super().serve(self._sockets)
        finally:
            checking.cancel()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start to serve. asyncio takes one number for the backlog and for how many it accepts at once; ours differ."""
        await super().startup(sockets)
        for listening in sockets or ():
            listening.listen(BACKLOG)

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    def stop(self) -> None:
        """Take no more connections; close idle ones now, the others after their answer."""
        self.should_exit = True

    def cut_off(self) -> None:
        """Close every connection now."""
        for connection in list(self.server_state.connections):
            if connection.transport.get_write_buffer_size():
                connection.transport.abort()
            else:
                connection.transport.close()

    async def wait_idle(self, timeout_s: float) -> None:
        """Return once no request is under way, or after the time."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                while tasks := list(self.server_state.tasks):
                    await asyncio.wait(tasks)
