"""ZeroMQ as a stranger speaks it: one who asks, and one who listens."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

import zmq

from tests.golden import raw_json
from tests.golden.pictures import describe
from tests.support.waiting import eventually

ANSWER_S = 60.0
ASKED = "golden-"
"""How the ids of our requests begin."""
Frames = list[bytes]


def address(bus: Path, channel: str) -> str:
    return f"ipc://{bus}/{channel}"


class Dealer:
    """Asks one process over one socket."""

    def __init__(self, context: zmq.Context[Any], bus: Path, channel: str) -> None:
        self._socket = context.socket(zmq.DEALER)
        self._socket.linger = 0
        self._socket.connect(address(bus, channel))
        self._count = 0

    def ask(self, message_type: str, body: Mapping[str, Any] | None = None, *payloads: bytes) -> Frames:
        """The raw reply to a request of this type."""
        self._count += 1
        header = {"v": 1, "type": message_type, "id": f"{ASKED}{self._count}", **(body or {})}
        return self.ask_raw([raw_json.compact(header).encode(), *payloads])

    def ask_raw(self, frames: Sequence[bytes]) -> Frames:
        self._socket.send_multipart(list(frames))
        if not self._socket.poll(int(ANSWER_S * 1000)):
            raise AssertionError(f"no answer to {frames[0][:200]!r}")
        reply: Frames = self._socket.recv_multipart()
        return reply

    def close(self) -> None:
        self._socket.close()


_ENVELOPE = {"time": "<time>", "monotonic_ns": "<nanoseconds>"}


def noted(frames: Sequence[bytes]) -> dict[str, Any]:
    """A message of the bus, for the record: header and payloads. The envelope's own id is no reference."""
    header = raw_json.read(frames[0])
    inner = header.get("not compact", header)
    if len(str(inner.get("id"))) == 32:
        inner["id"] = "<message-id>"
    elif str(inner.get("id")).startswith(ASKED):
        inner["id"] = "<the request's>"
    inner.update({key: placeholder for key, placeholder in _ENVELOPE.items() if isinstance(inner.get(key), str)})
    return {"header": header, "payloads": [describe(payload) for payload in frames[1:]]}


class SocketThread:
    """Sockets, and the one thread that uses them."""

    def __init__(self) -> None:
        self.context: zmq.Context[Any] = zmq.Context()
        self._over = threading.Event()
        self._failure: Exception | None = None
        self._thread = threading.Thread(target=self._run, daemon=True)

    def _run(self) -> None:
        try:
            while not self._over.is_set():
                self.turn()
        except Exception as error:
            self._failure = error

    def turn(self) -> None:
        """Work for at most a moment."""
        raise NotImplementedError

    def __enter__(self) -> Any:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        self._thread.join()
        self.context.destroy(linger=0)
        if self._failure is not None:
            raise self._failure


class Listener(SocketThread):
    """A SUB socket a channel, from before anything is published.

    Attributes:
        heard: by channel, each message: topic, header, payload.
    """

    CHANNELS = ("frames", "recordings", "replays")

    def __init__(self, bus: Path) -> None:
        super().__init__()
        self.heard: dict[str, list[Frames]] = {channel: [] for channel in self.CHANNELS}
        self._poller = zmq.Poller()
        self._names: dict[Any, str] = {}
        for channel in self.CHANNELS:
            socket = self.context.socket(zmq.SUB)
            socket.reconnect_ivl = 20
            socket.rcvhwm = 0
            socket.subscribe(b"")
            socket.connect(address(bus, channel))
            self._poller.register(socket, zmq.POLLIN)
            self._names[socket] = channel

    def turn(self) -> None:
        for socket, _ in self._poller.poll(10):
            self.heard[self._names[socket]].append(socket.recv_multipart())

    def of(self, channel: str, message_type: str) -> list[Frames]:
        """What has come so far of one type."""
        topic = f"{message_type}|".encode()
        return [frames for frames in list(self.heard[channel]) if frames[0] == topic]

    def wait(self, channel: str, message_type: str, count: int) -> list[Frames]:
        """The messages of a type, once there are so many."""

        def enough() -> list[Frames] | None:
            found = self.of(channel, message_type)
            return found if len(found) >= count else None

        found = eventually(enough, ANSWER_S, f"{count} of {message_type} on {channel}")
        assert found is not None
        return found
