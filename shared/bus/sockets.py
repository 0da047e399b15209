"""The only constructor of sockets.

A :class:`Bus` is one process's end of the bus: it makes each socket with the options its channel needs, holds the lock
of each channel it binds, and closes everything, socket files included. Sockets belong to the event loop's thread, but
for those of a :class:`~shared.bus.front.Front`.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, Protocol, TypeVar

import zmq
import zmq.asyncio

from shared.bus import curve, ipc_folder
from shared.bus.address import BusAddress, InvalidBusAddress
from shared.bus.admission import Admission
from shared.bus.channels import BY_NAME, Channel, topic_of
from shared.bus.front import Front, OnFrame
from shared.system import descriptors
from shared.system.holder import Holder

log = logging.getLogger(__name__)

SocketT = TypeVar("SocketT", bound="zmq.Socket[Any]")

SERVICE_LINGER_MS = 1000
RECONNECT_MS = 50
RECONNECT_MAX_MS = 500
GONE_MS = 6000
UNREAD_MS = 45_000
"""A peer of ours may leave what it is sent unread for so long, as a display wall that is paused does: that it takes
nothing is no sign that it is gone. Longer than :data:`shared.bus.server.STALL_S`."""
HANDSHAKE_MS = 5000
"""Whoever has connected and not said what it speaks by then is disconnected."""


class Answering(Protocol):
    """Who answers on a channel bound here: a :class:`shared.bus.server.Server`."""

    def busy_descriptors(self) -> set[int]: ...
    def held_bytes(self) -> int: ...


class Bus:
    """One process's end of the bus.

    Args:
        budget_bytes: what may wait for one peer of a publisher; sets its high-water mark.
        keys: CURVE keys; needed where the address is not private.
        linger_ms: how long closing waits for what is still to be sent.

    Attributes:
        places: where the channels lie that are bound here.
        answering: who answers on them.

    Raises:
        InvalidBusAddress: the address can be reached from other machines and there are no keys.
    """

    def __init__(
        self,
        address: BusAddress,
        *,
        budget_bytes: int,
        keys: curve.CurveKeys | None = None,
        linger_ms: int = SERVICE_LINGER_MS,
    ) -> None:
        if not address.is_private and keys is None:
            raise InvalidBusAddress(
                f"the bus {address} can be reached from other machines and has no keys; make some with "
                "'parafovea keys FOLDER' and set PARAFOVEA_CURVE_KEYS to that folder, or use a loopback address"
            )
        self.address = address
        self._budget_bytes = budget_bytes
        self.keys = keys
        self._linger_ms = linger_ms
        self._context = zmq.asyncio.Context()
        self._sockets: list[zmq.asyncio.Socket] = []
        self._fronts: list[Front] = []
        self._holders: list[Holder] = []
        self._socket_files: list[Path] = []
        self.admission = Admission(self._context, keys)
        self.places: set[descriptors.Place] = set()
        self.answering: list[Answering] = []

    def bind(self, channel_name: str) -> zmq.asyncio.Socket:
        """Bind a channel: XPUB for a publisher, ROUTER for requests. Raises AlreadyHeld: another process has bound it;
        zmq.ZMQError: the TCP port is taken."""
        socket = self._bind(self._context, BY_NAME[channel_name])
        self._sockets.append(socket)
        return socket

    def front(self, channel_name: str, on_frame: OnFrame, on_idle: Callable[[], None]) -> Front:
        """:meth:`bind` a publishing channel, in a thread; see :class:`shared.bus.front.Front`."""
        plain: zmq.Context[zmq.Socket[bytes]] = zmq.Context.shadow(self._context.underlying)
        front = Front(channel_name, plain, self._bind(plain, BY_NAME[channel_name]), on_frame, on_idle)
        self._fronts.append(front)
        return front

    def _bind(self, context: zmq.Context[SocketT], channel: Channel) -> SocketT:
        if self.address.folder is not None:
            self._holders.append(ipc_folder.claim(self.address, channel.name))
        socket = context.socket(zmq.XPUB if channel.pattern == "publish" else zmq.ROUTER)
        try:
            self._set_options(socket, channel)
            if channel.pattern == "publish":
                socket.xpub_verbose = True
            else:
                socket.router_mandatory = True  # else what a full or vanished caller does not take is dropped unnoticed
            # No mark for what comes in (see shared/bus/front.py): the server takes all, and refuses what is too much.
            socket.rcvhwm = 0
            socket.maxmsgsize = channel.max_inbound_bytes
            socket.handshake_ivl = HANDSHAKE_MS
            if self.address.host is not None:
                socket.setsockopt(zmq.TCP_MAXRT, UNREAD_MS)
            if self.keys is not None or self.address.host is not None:
                self.admission.guard(socket, channel)
            socket.bind(self.address.of(channel.name))
        except BaseException:
            socket.close(linger=0)
            raise
        if self.address.folder is not None:
            path = self.address.folder / channel.name
            path.chmod(ipc_folder.PRIVATE_FILE)  # whatever the umask was
            self._socket_files.append(path)
        self.places.add(self.address.place_of(channel.name))
        return socket

    def connect(self, channel_name: str, topics: Iterable[str] = ()) -> zmq.asyncio.Socket:
        """Connect to a channel: SUB to a publisher, for the message types in ``topics`` (none: all), else DEALER."""
        socket = self._connecting(channel_name, topics)
        socket.connect(self.address.of(channel_name))
        return socket

    def connect_monitored(self, channel_name: str) -> tuple[zmq.asyncio.Socket, zmq.asyncio.Socket]:
        """Connect, and a second socket that tells of connections made and lost; it listens before the first one."""
        socket = self._connecting(channel_name, ())
        monitor: zmq.asyncio.Socket = socket.get_monitor_socket(zmq.EVENT_HANDSHAKE_SUCCEEDED | zmq.EVENT_DISCONNECTED)
        self._sockets.append(monitor)
        socket.connect(self.address.of(channel_name))
        return socket, monitor

    def _connecting(self, channel_name: str, topics: Iterable[str]) -> zmq.asyncio.Socket:
        channel = BY_NAME[channel_name]
        if self.address.folder is not None:
            ipc_folder.prepare_folder(self.address.folder, must_be=False)
        socket: zmq.asyncio.Socket = self._context.socket(zmq.SUB if channel.pattern == "publish" else zmq.DEALER)
        self._sockets.append(socket)
        self._set_options(socket, channel)
        if channel.pattern == "publish":
            # It sends subscriptions alone. To a publisher that is not there they can't go: closing would wait.
            socket.linger = 0
            # With a mark, libzmq drops without a word what is above it when it connects: of several the last.
            socket.sndhwm = 0
            for topic in [topic_of(name) for name in topics] or [b""]:
                socket.subscribe(topic)
        else:
            # Without it a request made while nobody listens waits in the pipe, and a process that starts much later
            # carries it out for a caller that has given up long ago.
            socket.immediate = True
        if self.keys is not None:
            curve.secure_client(socket, self.keys)
        return socket

    def _set_options(self, socket: zmq.Socket[Any], channel: Channel) -> None:
        mark = channel.high_water_mark(self._budget_bytes) if channel.pattern == "publish" else 1000
        socket.set_hwm(mark)
        socket.maxmsgsize = channel.max_bytes
        socket.linger = self._linger_ms
        socket.reconnect_ivl = RECONNECT_MS
        socket.reconnect_ivl_max = RECONNECT_MAX_MS
        if self.address.host is not None:
            socket.ipv6 = ":" in self.address.host
            # A peer that vanishes without closing (power, cable) is noticed within seconds. By TCP: libzmq's own
            # heartbeats end the process when one is due to a peer that left while its messages were held back.
            socket.tcp_keepalive = 1
            socket.tcp_keepalive_idle, socket.tcp_keepalive_intvl, socket.tcp_keepalive_cnt = 3, 1, 3
            socket.setsockopt(zmq.TCP_MAXRT, GONE_MS)

    def connection(self, descriptor: int) -> descriptors.Connection | None:
        """The connection behind a descriptor that somebody made to a channel bound here; None where it is none (any
        more)."""
        return descriptors.connection(descriptor, self.places)

    def cut(self, peer: descriptors.Connection) -> bool:
        """End a connection; False where it has ended already."""
        return descriptors.cut(peer, self.places)

    def close_socket(self, socket: zmq.asyncio.Socket) -> None:
        """Close one socket before the others; harmless once the bus is closed."""
        if socket in self._sockets:
            self._sockets.remove(socket)
        socket.close()

    def close(self) -> None:
        """Close every socket, remove the socket files, release the locks. What is still to be sent has
        ``linger_ms`` to go."""
        self.admission.close()
        self._fronts = [front for front in self._fronts if not self._end(front)]
        for socket in self._sockets:
            socket.close()
        self._sockets.clear()
        if not self._fronts:
            self._context.term()
        for path in self._socket_files:
            path.unlink(missing_ok=True)
        for holder in self._holders:
            holder.release()
        self._socket_files.clear()
        self._holders.clear()

    def _end(self, front: Front) -> bool:
        """End a front, once it has sent what it was given; whether it did."""
        front.stop()
        if not front.ended():
            for peer in descriptors.connections(self.places):  # one of them keeps it busy
                self.cut(peer)
        if not front.ended():
            log.error("a channel is kept busy by its subscribers, and is left as it is")
            return False
        error = front.end.exception()
        if error is not None:
            log.error("publishing has failed", exc_info=error)
        return True
