"""The trial that is under way, or was last: it begins, follows displays and source, and ends."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Literal

from services.gaze.asking import Asking
from services.gaze.beginning import check_rate, config_of, prompts_for
from services.gaze.clock import clock_ns
from services.gaze.displays import Display, Displays
from services.gaze.held import Held
from services.gaze.intake import Intake
from services.gaze.pictures import Pictures
from services.gaze.publishing import Outbox
from services.gaze.screens import screen_for, size_of
from services.gaze.session import ActiveSession
from services.gaze.sources.chosen import ChosenSource, Timed
from shared import images
from shared.bus.requests.gaze import BeginTrial
from shared.errors import (
    GazeBacklogFull,
    GazeUnavailable,
    InvalidRequest,
    SessionNotActive,
    TrialActive,
    TrialNotActive,
)
from shared.frame import SessionStamp
from shared.gaze.detectors.parameters import DETECTOR_VERSION
from shared.gaze.screen import Screen
from shared.gaze.trial.config import TrialConfig
from shared.gaze.trial.inputs import Began, DisplayGone, DisplayReady, Ended, SourceChanged, Viewed
from shared.gaze.trial.outcomes import Outcome
from shared.gaze.trial.trial import ImpossibleTrial, check
from shared.session.format.trial_files import about_of

log = logging.getLogger(__name__)

REPLACED = "another trial was begun"
SourceState = Literal["running", "silent", "gone", "failed"]
_STATES: dict[str, SourceState] = {"running": "running", "ended": "gone", "failed": "failed"}


class Trials:
    """One trial at a time.

    Attributes:
        last: the trial that is under way, or was last.
        screen: as somebody has measured it; None: nobody has.
    """

    def __init__(
        self,
        epoch: str,
        *,
        source: ChosenSource,
        displays: Displays,
        pictures: Pictures,
        held: Held,
        outbox: Outbox,
        session: ActiveSession,
        asking: Asking,
        prompts: Path,
        screen: Screen | None,
        on_change: Callable[[], None],
    ) -> None:
        self.last: Intake | None = None
        self.screen = screen
        self._epoch = epoch
        self._source = source
        self._displays = displays
        self._pictures = pictures
        self._held = held
        self._outbox = outbox
        self._session = session
        self._asking = asking
        self._prompts = prompts
        self._on_change = on_change
        self._beginning = asyncio.Lock()
        self._is_closed = False
        self._gives_way = False
        """Whether the trial that is under way ends for any other."""
        self._told: Viewed | None = None
        """What the trial was last told of its display."""

    @property
    def running(self) -> Intake | None:
        return self.last if self.last is not None and self.last.ended is None else None

    def of(self, trial_id: str | None) -> Intake:
        """The trial that is under way. Raises TrialNotActive: none is, or not this one."""
        running = self.running
        if running is None:
            raise TrialNotActive("no trial is under way; begin one")
        if trial_id not in (None, running.config.trial_id):
            raise TrialNotActive(f"trial {trial_id} is not under way; {running.config.trial_id} is")
        return running

    # -- begin and end ------------------------------------------------------------------------------------------------

    async def begin(self, asked: BeginTrial, picture: bytes) -> None:
        """Begin a trial. Raises ParafoveaError: it cannot be; one that is under way goes on."""
        async with self._beginning:
            self._check_free(asked)
            header = images.probe(picture)
            check_rate(asked, self._source.name, self._source.gauge.rate_hz(clock_ns()))
            prompts = await prompts_for(asked, self._prompts)
            session = await self._session_for(asked)
            # Others may have been at it meanwhile.
            self._check_free(asked)
            config = config_of(
                asked,
                session=session,
                picture_sha256=self._pictures.put(header.format, picture),
                prompts=prompts,
                screen=self.screen_of(asked.view),
                source=self._source.word,
            )
            self._begin(config, gives_way=asked.gives_way)

    def end(self, outcome: Literal["complete", "interrupted"], reason: str | None = None) -> None:
        """End the trial that is under way, if one is."""
        running = self.running
        if running is None:
            return
        running.take(Ended(t_ns=running.now_ns(), outcome=outcome, reason=reason))
        self._asking.end()
        self._told = None
        if reason is not None:  # a page begins another trial with every choice
            level = logging.INFO if reason == REPLACED else logging.WARNING
            log.log(level, "trial %s ends: %s", running.config.trial_id, reason)
        self._on_change()

    def close(self) -> None:
        """Begin no more, and end what is under way: the process stops."""
        self._is_closed = True
        self.end("interrupted", "the gaze process stopped")

    def screen_of(self, view: str) -> Screen:
        """What samples are fractions of, for a trial in a view."""
        counting = self._displays.counting(view)
        shown = counting.shown if counting else None
        return screen_for(self.screen, shown, is_of_screen=self._source.is_of_screen)

    def _check_free(self, asked: BeginTrial) -> None:
        if self._is_closed:
            raise GazeUnavailable("The gaze process is stopping; try again when it is back.")
        running = self.running
        if running is not None and not (asked.replace or self._gives_way):
            raise TrialActive(f"trial {running.config.trial_id} is under way; end it, or say that it is to be replaced")
        if asked.record and self._held.is_full:
            raise GazeBacklogFull(
                f"{self._held.bytes} bytes of trials wait for the recorder, as many as may be held; see that it runs "
                "and has room on its disk, or begin a trial that is not recorded"
            )

    async def _session_for(self, asked: BeginTrial) -> SessionStamp | None:
        if not asked.record:
            return None
        session = await self._session.refresh()
        if session is None:
            raise SessionNotActive("no session is active; start one, or begin a trial that is not recorded")
        return session

    def _begin(self, config: TrialConfig, *, gives_way: bool) -> None:
        try:
            check(config)
        except ImpossibleTrial as error:
            raise InvalidRequest(str(error)) from None
        self.end("interrupted", REPLACED)
        self._gives_way = gives_way
        began = Began(t_ns=clock_ns(), config=config, unix_s=time.time())
        held = None
        if config.session is not None:
            about = {**about_of(config.flat()), "detector_version": DETECTOR_VERSION, "epoch": self._epoch}
            held = self._held.begin(config.trial_id, config.session, about)
        self.last = Intake(began, self._epoch, lambda: self._source.word, self._outbox, held, self._act)
        self.follow_displays()
        if self._source.gauge.state != "running":
            self.follow_source(self._source.gauge.detail or "nothing has come of it yet")
        self._on_change()

    def _act(self, outcome: Outcome) -> None:
        if self.last is not None:
            self._asking.act(self.last, outcome)

    # -- what it follows ----------------------------------------------------------------------------------------------

    def take_samples(self, taken: Sequence[Timed]) -> None:
        """Samples have come. Without a trial nobody gets them."""
        running = self.running
        if running is not None:
            running.take_samples(taken)

    def follow_source(self, detail: str | None) -> None:
        """The source is another one, its state is, or points had to be left out."""
        running = self.running
        if running is None:
            return
        state = _STATES.get(self._source.gauge.state, "silent")
        running.take(SourceChanged(t_ns=running.now_ns(), source=self._source.word, state=state, detail=detail))
        self.follow_displays()  # its points may be of the screen now

    def follow_displays(self, reason: str = "it went away") -> None:
        """See that the trial knows which display counts, and where that shows the picture."""
        running = self.running
        if running is None:
            return
        told, counting = self._told, self._displays.counting(running.config.view)
        if told is not None and (counting is None or counting.name != told.display or counting.box is None):
            gone = reason if self._displays.get(told.display) is None else "it shows the picture no more"
            running.take(DisplayGone(t_ns=running.now_ns(), display=told.display, reason=gone))
            told = self._told = None
        if counting is None:
            return
        viewed = counting.viewed(running.now_ns(), is_assumed=self._is_assumed(counting))
        if viewed is None:
            return
        if told is None or viewed != told.model_copy(update={"t_ns": viewed.t_ns}):
            self._told = viewed
            running.take(viewed)
        if told is None:  # so that the offset of its clock is known at once
            for measured in counting.clocks:
                running.take(measured.model_copy(update={"t_ns": running.now_ns()}))
            for trial_id, frame in counting.ready:
                if trial_id == running.config.trial_id and running.trial.accepts_ready(frame):
                    running.take(DisplayReady(t_ns=running.now_ns(), frame=frame, display=counting.name))

    def _is_assumed(self, display: Display) -> bool:
        """Whether it is not known where the picture lies, or how large it is in degrees."""
        if self._source.is_of_screen and not display.shown.is_full_screen:
            return True
        running = self.running
        return running is not None and size_of(self.screen_of(running.config.view)) != running.config.screen

    def follow_session(self) -> None:
        """Another session is active, or none."""
        running = self.running
        if running is not None and running.config.session not in (None, self._session.active):
            self.end("interrupted", "its session was stopped")

    def watch(self) -> None:
        """End a recorded trial of which no more can be held, and notice displays that are gone without a word. To be
        called a few times a second."""
        if self.last is not None and self.last.is_broken:  # nobody has tidied up after it yet
            self.last.is_broken, self._told = False, None
            self._asking.end()
            self._on_change()
        if self._displays.drop_silent(clock_ns()):
            self.follow_displays("nothing was heard of it any more")
        running = self.running
        if running is not None and self._asking.is_lost(running.trial.picture_sha256):
            self.end("interrupted", "the picture on view is lost: the generator ended before anybody else had it")
        elif running is not None and running.held is not None and self._held.is_full:
            self.end("interrupted", "what waits for the recorder has reached the limit of what may be held")
