"""The bound end of a publishing channel, in a thread of its own.

What subscribers send is read inside libzmq, without end as long as more comes, by whoever touches the socket: in a
thread it can hold up nothing but the channel. libzmq has a mark for it, and an error there: where a peer leaves while
its messages are held back at a mark, and one of them is a PING, it ends the process (4.3.5). So there is no mark; who
sends without end is cut off.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

import zmq

log = logging.getLogger(__name__)

AT_ONCE = 1000
"""Messages in one direction before the other one has a turn."""
STOP_S = 2.0

Hear = Callable[[zmq.Frame], None]


class Front:
    """Passes on what it is given, and tells what subscribers send.

    Args:
        outer: the bound socket; belongs to the thread from now on.
        inner: gives what is to be published, in messages of several frames; one of a single frame ends the thread.
        hear: called in the thread with each frame that a subscriber sent.
        rest: called in the thread when there is nothing more to hear for now, and at its end.

    Attributes:
        failure: what ended the thread before it was told to end.
    """

    def __init__(
        self,
        name: str,
        outer: zmq.Socket[bytes],
        inner: zmq.Socket[bytes],
        hear: Hear,
        rest: Callable[[], None],
    ) -> None:
        self._outer = outer
        self._inner = inner
        self._hear = hear
        self._rest = rest
        self.failure: Exception | None = None
        self._thread = threading.Thread(target=self._run, name=f"front of {name}")
        self._thread.start()

    def ended(self, timeout_s: float = STOP_S) -> bool:
        """Wait for the thread's end; whether it came."""
        self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def _run(self) -> None:
        poller = zmq.Poller()
        poller.register(self._inner, zmq.POLLIN)
        poller.register(self._outer, zmq.POLLIN)
        try:
            goes_on = True
            while goes_on:
                ready = dict(poller.poll())
                if self._outer in ready:
                    self._take()
                if self._inner in ready:
                    goes_on = self._pass_on()
        except Exception as error:
            self.failure = error
        finally:
            self._outer.close()
            self._inner.close()
            self._rest()

    def _take(self) -> None:
        for _ in range(AT_ONCE):
            try:
                self._hear(self._outer.recv(flags=zmq.NOBLOCK, copy=False))
            except zmq.Again:
                break
        self._rest()

    def _pass_on(self) -> bool:
        """Publish what there is; whether more may come."""
        for _ in range(AT_ONCE):
            try:
                frames = self._inner.recv_multipart(flags=zmq.NOBLOCK, copy=False)
            except zmq.Again:
                return True
            if len(frames) == 1:
                return False
            self._outer.send_multipart(frames, copy=False)
        return True
