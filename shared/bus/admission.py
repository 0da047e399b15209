"""Who may connect to what this process binds: asked by libzmq for each peer, before a byte of it counts as a message.

A bound socket with a domain takes no peer that cannot be asked about: none that speaks ZMTP 1.0 or 2.0, which have no
greeting or none with a mechanism. In ZMTP 1.0 any bytes are frames, the body of a browser's request too. See
https://rfc.zeromq.org/spec/27/ (ZAP) and spec 23 (ZMTP 3.0).
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine
from typing import Any

import zmq
import zmq.asyncio
from zmq.auth import Authenticator

from shared.bus import curve
from shared.bus.channels import Channel
from shared.system.rarely import Rarely

log = logging.getLogger(__name__)

Supervise = Callable[[Coroutine[Any, Any, Any], str], "asyncio.Task[Any]"]


class Admission:
    """Guards the sockets of one context; idle until the first one is to be guarded.

    Without keys a peer needs no key (NULL), but ZMTP 3. With keys it needs one of the role that its channel asks for.

    Attributes:
        supervise: runs the task that answers, and sees to it that the process does not outlive it.
    """

    def __init__(self, context: zmq.asyncio.Context, keys: curve.CurveKeys | None) -> None:
        self._context = context
        self._keys = keys
        self._handler: _Handler | None = None
        self._answering: asyncio.Task[None] | None = None
        self.supervise: Supervise = lambda work, name: asyncio.create_task(work, name=name)

    def guard(self, socket: zmq.Socket[Any], channel: Channel) -> None:
        """To be called before the socket is bound; needs a running event loop."""
        if self._handler is None:
            self._handler = _Handler(self._context, self._keys)
            self._answering = self.supervise(self._handler.serve(), "admission")
        socket.zap_domain = curve.role_for(channel).encode()
        # Where nobody answers any more, nobody is let in.
        socket.setsockopt(zmq.ZAP_ENFORCE_DOMAIN, 1)
        if self._keys is not None:
            curve.secure_server(socket, self._keys)

    def close(self) -> None:
        if self._answering is not None:
            self._answering.cancel()
        if self._handler is not None:
            self._handler.stop()


class _Handler(Authenticator):
    """Answers on libzmq's own endpoint. NULL is let in; of CURVE the keys of the socket's role."""

    def __init__(self, context: zmq.asyncio.Context, keys: curve.CurveKeys | None) -> None:
        super().__init__(context)
        self._admitted: dict[curve.Role, frozenset[bytes]] = curve.admitted(keys) if keys is not None else {}
        self._refused = Rarely(log)
        for role in self._admitted:
            self.configure_curve_callback(role, self)
        self.zap_socket = context.socket(zmq.REP)
        self.zap_socket.linger = 0
        self.zap_socket.bind("inproc://zeromq.zap.01")

    def callback(self, domain: curve.Role, key: bytes) -> bool:
        """Whether a key (Z85) may connect to a socket of this domain, which is a role."""
        if key in self._admitted[domain]:
            return True
        self._refused.warn("a peer whose public key is %s was refused: it may not %s", key.decode(), domain)
        return False

    async def serve(self) -> None:
        """Answer until cancelled. However it ends, newcomers are refused from then on."""
        try:
            while True:
                # Of two libraries' types: the context makes sockets that are awaited.
                question: list[bytes] = await self.zap_socket.recv_multipart()  # type: ignore[misc]
                await self.handle_zap_message(question)
        finally:
            self.stop()
