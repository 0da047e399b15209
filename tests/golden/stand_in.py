"""One who stands where a process of the bus would be."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import zmq

from tests.golden import raw_json
from tests.golden.bus import ANSWER_S, Frames, SocketThread, address
from tests.support.waiting import eventually

Answering = Callable[[dict[str, Any], Frames], tuple[dict[str, Any], Frames] | None]
"""Header and payloads of a request to body and payloads of its reply; None: no reply."""


class StandIn(SocketThread):
    """Stands where a process of the bus would: answers what it is told to, and keeps every request.

    Attributes:
        asked: each request, by channel: header and payloads.
        answers: by channel and type.
        states: by topic, the header that whoever subscribes to it is told.
    """

    def __init__(self, bus: Path, requests: Sequence[str], publishing: Sequence[str]) -> None:
        super().__init__()
        self._bus = bus
        bus.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.asked: list[tuple[str, Frames]] = []
        self.answers: dict[tuple[str, str], Answering] = {}
        self.states: dict[str, dict[str, Any]] = {}
        self._poller = zmq.Poller()
        self._names: dict[Any, str] = {}
        self._publishing: dict[str, Any] = {}
        for kind, channels in ((zmq.ROUTER, requests), (zmq.XPUB, publishing)):
            for channel in channels:
                socket = self.context.socket(kind)
                if kind == zmq.XPUB:
                    socket.xpub_verboser = 1
                    self._publishing[channel] = socket
                socket.bind(address(bus, channel))
                self._poller.register(socket, zmq.POLLIN)
                self._names[socket] = channel
        self._to_publish: list[tuple[str, Frames]] = []

    def __exit__(self, *failure: Any) -> None:
        super().__exit__(*failure)
        for channel in self._names.values():
            (self._bus / channel).unlink(missing_ok=True)

    def publish(self, channel: str, header: Mapping[str, Any], payload: bytes = b"") -> None:
        """Have a message published."""
        self._to_publish.append((channel, _message(header, payload)))

    def turn(self) -> None:
        for socket, _ in self._poller.poll(10):
            frames = socket.recv_multipart()
            if self._names[socket] in self._publishing:
                topic = frames[0][1:].decode()
                for name, header in self.states.items():
                    if frames[0][:1] == b"\x01" and name.startswith(topic) and header["channel"] == self._names[socket]:
                        told = {key: value for key, value in header.items() if key != "channel"}
                        socket.send_multipart(_message(told, b""))
            else:
                self._answer(socket, frames)
        while self._to_publish:
            channel, message = self._to_publish.pop(0)
            self._publishing[channel].send_multipart(message)

    def _answer(self, socket: Any, frames: Frames) -> None:
        caller, *request = frames
        channel, header = self._names[socket], raw_json.parse(request[0])
        self.asked.append((channel, request))
        answering = self.answers.get((channel, header["type"]))
        found = answering(header, request[1:]) if answering else ({}, [])
        if found is None:
            return
        body, payloads = found
        kind = "error" if "code" in body else f"{header['type']}.ok"
        reply = {"v": 1, "type": kind, "id": header["id"], "time": 1800000000.5, "monotonic_ns": 1, **body}
        socket.send_multipart([caller, raw_json.compact(reply).encode(), *payloads])

    def requests(self, channel: str, message_type: str) -> list[Frames]:
        """What has been asked so far of one type."""
        return [
            frames
            for name, frames in list(self.asked)
            if name == channel and raw_json.parse(frames[0])["type"] == message_type
        ]

    def wait(self, channel: str, message_type: str, count: int = 1) -> list[Frames]:
        """The requests of a type, once there are so many."""

        def enough() -> list[Frames] | None:
            found = self.requests(channel, message_type)
            return found if len(found) >= count else None

        found = eventually(enough, ANSWER_S, f"{count} of {message_type} asked of {channel}")
        assert found is not None
        return found


def _message(header: Mapping[str, Any], payload: bytes) -> Frames:
    full = {
        "v": 1,
        "type": header["type"],
        "id": "0" * 32,
        "time": 1800000000.25,
        "monotonic_ns": 1,
        **header,
    }
    return [f"{header['type']}|".encode(), raw_json.compact(full).encode(), payload]
