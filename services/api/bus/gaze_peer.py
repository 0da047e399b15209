"""The gaze process as the API knows it: a client that remembers its heartbeat, and tells when it comes and goes."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from services.api.bus.peers import SILENCE_S
from shared.bus.call import WithImage
from shared.bus.clients import GazeClient
from shared.bus.envelope import Published
from shared.bus.gaze_messages import GazeStatus, SwapDisplayed, SwapOrdered, TrialStep
from shared.bus.requests.gaze import BEGIN, PICTURE, BeginTrial, Picture, PictureRequest, TrialState
from shared.bus.sockets import Bus
from shared.bus.subscriber import Subscriber

LOOK_S = 0.2
"""How often it is looked whether the process is there: no message tells that it went."""

STEPS = (TrialStep.type, SwapOrdered.type, SwapDisplayed.type)
"""Types of the messages of a trial that the API passes on."""


class GazePeer(GazeClient):
    """The gaze process, its heartbeat, and the steps of its trials.

    Args:
        on_message: given each heartbeat and each step, in order.
        on_change: given whether the process is there, as that changes. A new life that takes an old one's place is
            told as one that went and one that came.

    Attributes:
        status: the last heartbeat, None before the first.
    """

    def __init__(self, bus: Bus, on_message: Callable[[Published], None], on_change: Callable[[bool], None]) -> None:
        super().__init__(bus)
        self._subscriber = Subscriber(bus, "gaze", [GazeStatus.type, *STEPS])
        self._on_message = on_message
        self._on_change = on_change
        self._received_at = float("-inf")
        self._was_connected = False
        self._life: str | None = None
        """Epoch of the one that is there, as it was told; None: none is."""
        self.status: GazeStatus | None = None

    @property
    def problem(self) -> str | None:
        """Why its last heartbeat could not be understood, or None."""
        problem = self._subscriber.problem
        return None if problem is None else f"its messages cannot be understood ({problem[:300]})"

    @property
    def is_there(self) -> bool:
        """Whether it is connected, and has sent a heartbeat lately."""
        return self.connected and time.monotonic() - self._received_at < SILENCE_S

    @property
    def status_now(self) -> GazeStatus | None:
        """The last heartbeat of a process that is there; None where none is."""
        return self.status if self.is_there else None

    async def listen(self) -> None:
        """Follow its messages until cancelled."""
        await self._subscriber.hand_to(self._take)

    async def watch(self) -> None:
        """Notice that it went, or that another one came, until cancelled."""
        while True:
            self._look()
            await asyncio.sleep(LOOK_S)

    async def begin(self, asked: BeginTrial, picture: bytes) -> TrialState:
        """Begin a trial that starts with an encoded picture. Raises ParafoveaError: why there is none."""
        with self._reaching(BEGIN) as within_s:
            return await self._client.ask(BEGIN, asked, picture, timeout_s=within_s)

    async def picture(self, sha256: str) -> WithImage[Picture]:
        """A picture of the trial, encoded. Raises NotFound: it holds none of that hash; GazeUnavailable."""
        return await self.ask_for_image(PICTURE, PictureRequest(sha256=sha256))

    def _take(self, message: Published) -> None:
        if isinstance(message.message, GazeStatus):
            self.status, self._received_at = message.message, time.monotonic()
            self._look()
        self._on_message(message)

    def _look(self) -> None:
        if self._was_connected and not self.connected:
            self._received_at = float("-inf")  # what comes back has to say anew who it is
        self._was_connected = self.connected
        status = self.status_now
        life = None if status is None else status.epoch
        if life == self._life:
            return
        if self._life is not None and life is not None:
            self._on_change(False)
        self._life = life
        self._on_change(life is not None)
