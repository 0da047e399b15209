"""What an experimenter asks: the source, the screen, trials, their pictures; and what the recorder fetches."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from services.gaze.asking import Asking
from services.gaze.held import Held
from services.gaze.sources.chosen import ChosenSource
from services.gaze.states import trial_state
from services.gaze.trials import Trials
from shared.bus.acknowledging import Acknowledgements
from shared.bus.call import Nothing, WithImage
from shared.bus.gaze_messages import GazeStatus
from shared.bus.requests import gaze as requests
from shared.bus.requests.gaze import (
    AcknowledgeTrial,
    BeginTrial,
    ChooseSource,
    FetchTrial,
    Picture,
    PictureRequest,
    SetScreen,
    TrialPart,
    TrialRequest,
    TrialState,
)
from shared.bus.server import Server
from shared.gaze.screen import Screen


class TrialRequests:
    """Handlers of what does not come from displays.

    Attributes:
        acknowledged: set with each acknowledgement.
    """

    def __init__(
        self,
        trials: Trials,
        source: ChosenSource,
        asking: Asking,
        held: Held,
        acknowledgements: Acknowledgements,
        status: Callable[[], GazeStatus],
    ) -> None:
        self.acknowledged = asyncio.Event()
        self._trials = trials
        self._source = source
        self._asking = asking
        self._held = held
        self._acknowledgements = acknowledgements
        self._status = status

    def register(self, server: Server) -> None:
        """Answer them from now on."""
        server.on(requests.STATUS, self._tell)
        server.on(requests.SOURCE, self._choose)
        server.on(requests.SCREEN, self._set_screen)
        server.on(requests.STATE, self._state)
        server.on_image(requests.BEGIN, self._begin)
        server.on(requests.END, self._end)
        server.on(requests.PICTURE, self._picture)
        server.on(requests.FETCH, self._fetch)
        server.on(requests.ACKNOWLEDGE, self._acknowledge)

    async def _tell(self, _: Nothing) -> GazeStatus:
        return self._status()

    async def _choose(self, asked: ChooseSource) -> GazeStatus:
        await self._source.choose(asked.source)
        return self._status()

    async def _set_screen(self, asked: SetScreen) -> GazeStatus:
        self._trials.screen = Screen(asked.px, asked.m, asked.distance_m, asked.is_assumed)
        return self._status()

    async def _state(self, _: Nothing) -> TrialState:
        return trial_state(self._trials.last)

    async def _begin(self, asked: BeginTrial, picture: bytes) -> TrialState:
        await self._trials.begin(asked, picture)
        return trial_state(self._trials.last)

    async def _end(self, asked: TrialRequest) -> TrialState:
        ending = self._trials.of(asked.trial_id)
        self._trials.end("complete")
        return trial_state(ending)

    async def _picture(self, asked: PictureRequest) -> WithImage[Picture]:
        image_format, data = await self._asking.picture(asked.sha256)
        return WithImage(Picture(sha256=asked.sha256, format=image_format), data)

    async def _fetch(self, asked: FetchTrial) -> WithImage[TrialPart]:
        return WithImage(*self._held.part(asked.trial_id, asked.from_n, asked.limit_bytes))

    async def _acknowledge(self, asked: AcknowledgeTrial) -> Nothing:
        await self._acknowledgements.check_trial(asked)
        self._held.acknowledge(asked.trial_id, asked.next_n)
        self.acknowledged.set()
        return Nothing()
