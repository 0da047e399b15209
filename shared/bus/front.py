"""The bound end of a publishing channel, in a thread of its own.

What subscribers send is read inside libzmq as long as more comes, by whoever touches the socket: in a thread, without
the interpreter's lock, it can hold up nothing but the channel. libzmq has a mark for it, and an error there: where a
peer leaves while its messages are held back at a mark, and one of them is a PING, it ends the process (4.3.5). So there
is no mark; who sends without end is cut off.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from contextlib import ExitStack, suppress

import zmq

from shared.bus.envelope import Payload

AT_ONCE = 1000
"""Messages of subscribers before what is to be published has a turn."""
STOP_S = 2.0

Frames = Sequence[Payload]
OnFrame = Callable[[zmq.Frame], None]


class Front:
    """Publishes what it is given, and hands over what subscribers send.

    Args:
        outer: the bound socket; belongs to the thread from now on.
        on_frame: called in the thread with each frame that a subscriber sent.
        on_idle: called in the thread when nothing more comes for now, and at its end.

    Attributes:
        end: done when the thread has ended; with its error where it was not told to.
    """

    def __init__(
        self,
        name: str,
        context: zmq.Context[zmq.Socket[bytes]],
        outer: zmq.Socket[bytes],
        on_frame: OnFrame,
        on_idle: Callable[[], None],
    ) -> None:
        self._outer = outer
        self._on_frame = on_frame
        self._on_idle = on_idle
        self._given: deque[tuple[Frames, Future[None]]] = deque()
        self._stopping = False
        self.end: Future[None] = Future()
        with ExitStack() as failing:
            failing.callback(outer.close, linger=0)
            self._woken = failing.enter_context(context.socket(zmq.PAIR))
            self._wake = failing.enter_context(context.socket(zmq.PAIR))
            self._woken.linger = self._wake.linger = 0
            self._woken.bind(f"inproc://front of {name}")
            self._wake.connect(f"inproc://front of {name}")
            # Where a subscriber keeps it busy the process ends all the same.
            threading.Thread(target=self._run, name=f"front of {name}", daemon=True).start()
            failing.pop_all()

    @property
    def waiting(self) -> int:
        return len(self._given)

    def send(self, frames: Frames) -> Future[None]:
        """Publish a message after all that were given before it. By one thread alone. Done once it is sent, or could
        not be; until then it can be cancelled, and is when the thread ends."""
        sent: Future[None] = Future()
        self._given.append((frames, sent))
        if self.end.done():
            sent.cancel()
        else:
            self._wake_thread()
        return sent

    def stop(self) -> None:
        """Have the thread end, once it has published what it was given."""
        self._stopping = True
        self._wake_thread()

    def ended(self) -> bool:
        """Wait :data:`STOP_S` for the thread's end; whether it came. Nothing may be sent from then on."""
        try:
            self.end.exception(STOP_S)
        except TimeoutError:
            return False
        self._wake.close()
        return True

    def _wake_thread(self) -> None:
        with suppress(zmq.Again):  # it was woken a thousand times, or has ended
            self._wake.send(b"", zmq.NOBLOCK)

    # -- in the thread ------------------------------------------------------------------------------------------------

    def _run(self) -> None:
        error: Exception | None = None
        try:
            self._work()
        except Exception as failure:
            error = failure
        self._outer.close()
        self._woken.close()
        if error is None:
            self.end.set_result(None)
        else:
            self.end.set_exception(error)
        for _, sent in list(self._given):
            sent.cancel()
        self._on_idle()

    def _work(self) -> None:
        poller = zmq.Poller()
        poller.register(self._woken, zmq.POLLIN)
        poller.register(self._outer, zmq.POLLIN)
        while not self._stopping or self._given:
            ready = dict(poller.poll())
            if self._woken in ready:
                with suppress(zmq.Again):
                    while True:
                        self._woken.recv(zmq.NOBLOCK)
                self._publish()
            if self._outer in ready:
                self._take()

    def _publish(self) -> None:
        while self._given:
            frames, sent = self._given.popleft()
            if sent.set_running_or_notify_cancel():
                # Look at what subscribers have read: sending alone does it once in a while, and drops at stale marks.
                self._outer.poll(0)
                try:
                    self._outer.send_multipart(frames, copy=False)
                except Exception as error:
                    sent.set_exception(error)
                    raise
                sent.set_result(None)

    def _take(self) -> None:
        with suppress(zmq.Again):
            for _ in range(AT_ONCE):
                self._on_frame(self._outer.recv(zmq.NOBLOCK, copy=False))
        self._on_idle()
