"""The gaze process as the API knows it: a client that remembers its heartbeat, and tells when it comes and goes."""

from __future__ import annotations

from collections.abc import Callable

from services.api.bus.life import Life
from shared.bus.call import WithImage
from shared.bus.clients import GazeClient
from shared.bus.envelope import Published
from shared.bus.gaze_messages import GazeStatus, SwapDisplayed, SwapOrdered, TrialStep
from shared.bus.requests.gaze import BEGIN, PICTURE, BeginTrial, Picture, PictureRequest, TrialState
from shared.bus.sockets import Bus
from shared.bus.subscriber import Subscriber

STEPS = (TrialStep.type, SwapOrdered.type, SwapDisplayed.type)
"""Types of the messages of a trial that the API passes on."""


class GazePeer(GazeClient):
    """The gaze process, its heartbeat, and the steps of its trials.

    Args:
        on_message: given each heartbeat and each step, in order.
        on_change: given whether the process is there, as that changes: see :class:`Life`.

    Attributes:
        life: whether it is there.
        status: the last heartbeat, None before the first.
    """

    def __init__(self, bus: Bus, on_message: Callable[[Published], None], on_change: Callable[[bool], None]) -> None:
        super().__init__(bus)
        self._subscriber = Subscriber(bus, "gaze", [GazeStatus.type, *STEPS])
        self._on_message = on_message
        self.life = Life(lambda: self.connected, on_change)
        self.status: GazeStatus | None = None

    @property
    def problem(self) -> str | None:
        """Why its last heartbeat could not be understood, or None."""
        problem = self._subscriber.problem
        return None if problem is None else f"its messages cannot be understood ({problem[:300]})"

    @property
    def is_there(self) -> bool:
        """Whether it is connected, and has sent a heartbeat lately."""
        return self.life.is_there

    @property
    def status_now(self) -> GazeStatus | None:
        """The last heartbeat of a process that is there; None where none is."""
        return self.status if self.is_there else None

    async def listen(self) -> None:
        """Follow its messages until cancelled."""
        await self._subscriber.hand_to(self._take)

    async def begin(self, asked: BeginTrial, picture: bytes) -> TrialState:
        """Begin a trial that starts with an encoded picture. Raises ParafoveaError: why there is none."""
        with self._reaching(BEGIN) as within_s:
            return await self._client.ask(BEGIN, asked, picture, timeout_s=within_s)

    async def picture(self, sha256: str) -> WithImage[Picture]:
        """A picture of the trial, encoded. Raises NotFound: it holds none of that hash; GazeUnavailable."""
        return await self.ask_for_image(PICTURE, PictureRequest(sha256=sha256))

    def _take(self, message: Published) -> None:
        if isinstance(message.message, GazeStatus):
            self.status = message.message
            self.life.beat(message.message.epoch)
        self._on_message(message)
