"""What displays ask and tell: which view they show, samples, what became of a swap, keys, their clocks."""

from __future__ import annotations

from services.gaze.clock import clock_ns
from services.gaze.displays import Displays
from services.gaze.intake import Intake
from services.gaze.sources.chosen import ChosenSource
from services.gaze.sources.pushed import points_of
from services.gaze.states import trial_state
from services.gaze.trials import Trials
from shared.bus.call import Nothing
from shared.bus.requests import displays as requests
from shared.bus.requests.displays import (
    ClockReport,
    FrameReady,
    Gone,
    KeyPressed,
    Noted,
    Ping,
    Points,
    Pong,
    ShowView,
    SwapReport,
    Taken,
    ViewShown,
)
from shared.bus.server import Server
from shared.errors import InvalidRequest
from shared.gaze.trial.inputs import AnyInput, ClockMeasured, DisplayReady, Pressed, Reported


class DisplayRequests:
    """Handlers of what comes from displays. What cannot be is refused here, before it is an input of the trial."""

    def __init__(self, trials: Trials, displays: Displays, source: ChosenSource) -> None:
        self._trials = trials
        self._displays = displays
        self._source = source

    def register(self, server: Server) -> None:
        """Answer them from now on."""
        server.on(requests.VIEW, self._view)
        server.on(requests.POINTS, self._points)
        server.on(requests.READY, self._ready)
        server.on(requests.DISPLAYED, lambda asked: self._report(asked, was_shown=True))
        server.on(requests.MISSED, lambda asked: self._report(asked, was_shown=False))
        server.on(requests.KEY, self._key)
        server.on(requests.RESPONSE, self._respond)
        server.on(requests.PING, self._ping)
        server.on(requests.CLOCK, self._clock)
        server.on(requests.GONE, self._gone)

    async def _view(self, asked: ShowView) -> ViewShown:
        display = self._displays.show(asked, clock_ns())
        self._trials.follow_displays()
        counts = self._displays.counting(asked.view) is display
        state = trial_state(self._trials.last)
        # A trial's prompts may fill a book, and a display has no use for them.
        told = {name: value for name, value in state.config.items() if name != "prompts"}
        return ViewShown(counts=counts, trial=state.model_copy(update={"config": told}))

    async def _gone(self, asked: Gone) -> Nothing:
        self._displays.drop(asked.display)
        self._trials.follow_displays(asked.reason)
        return Nothing()

    async def _points(self, asked: Points) -> Taken:
        if asked.source != self._source.name or not self._is_wanted(asked):
            return Taken(count=0)
        self._source.lost(asked.dropped)
        return Taken(count=self._source.take(points_of(asked.points)))

    def _is_wanted(self, asked: Points) -> bool:
        """Of several pages only the one that the viewer looks at tells where they look."""
        running = self._trials.running
        if running is None or asked.source != "page":
            return True
        counting = self._displays.counting(running.config.view)
        return counting is None or counting.name == asked.display

    async def _ready(self, asked: FrameReady) -> Noted:
        running = self._trials.of(asked.trial_id)
        self._displays.hear(asked.display, clock_ns())
        if (display := self._displays.get(asked.display)) is not None:
            display.ready.append((asked.trial_id, asked.frame))
        if not self._counts(running, asked.display):
            return Noted(trial_id=asked.trial_id)
        if not running.trial.accepts_ready(asked.frame):
            raise InvalidRequest(f"nothing of the id {asked.frame} waits to be shown in trial {asked.trial_id}")
        return _noted(running, DisplayReady(t_ns=running.now_ns(), frame=asked.frame, display=asked.display))

    async def _report(self, asked: SwapReport, *, was_shown: bool) -> Noted:
        running = self._trials.of(asked.trial_id)
        self._displays.hear(asked.display, clock_ns())
        if not self._counts(running, asked.display):
            return Noted(trial_id=asked.trial_id)
        if not running.trial.knows_swap(asked.swap):
            raise InvalidRequest(f"there was no swap {asked.swap} in trial {asked.trial_id}, or it is long over")
        told = asked.model_dump(exclude={"trial_id"})
        return _noted(running, Reported(t_ns=running.now_ns(), was_shown=was_shown, **told))

    async def _key(self, asked: KeyPressed) -> Noted:
        running = self._trials.running
        if running is None or not self._shows(running, asked.display):
            return Noted()
        return _pressed(running, asked)

    async def _respond(self, asked: KeyPressed) -> Noted:
        running = self._trials.running
        return Noted() if running is None else _pressed(running, asked)

    async def _ping(self, asked: Ping) -> Pong:
        received_ns = clock_ns()
        self._displays.hear(asked.display, received_ns)
        return Pong(sent_ms=asked.sent_ms, received_ns=received_ns, answered_ns=clock_ns())

    async def _clock(self, asked: ClockReport) -> Noted:
        if not asked.received_ns <= asked.answered_ns <= clock_ns():
            raise InvalidRequest("received_ns and answered_ns are not those of an answer that was given here")
        display, running = self._displays.get(asked.display), self._trials.running
        if display is None:
            return Noted()
        t_ns = clock_ns() if running is None else running.now_ns()
        self._displays.hear(asked.display, t_ns)
        measured = ClockMeasured(t_ns=t_ns, **asked.model_dump())
        display.clocks.append(measured)
        if running is None or not self._counts(running, asked.display):
            return Noted()
        return _noted(running, measured)

    def _counts(self, running: Intake, name: str) -> bool:
        counting = self._displays.counting(running.config.view)
        return counting is not None and counting.name == name

    def _shows(self, running: Intake, name: str | None) -> bool:
        if name is None:
            return True
        display = self._displays.get(name)
        return display is not None and display.view == running.config.view


def _pressed(running: Intake, asked: KeyPressed) -> Noted:
    taken = Pressed(t_ns=running.now_ns(), key=asked.key, display=asked.display, at_ms=asked.at_ms, at_unix_s=asked.at)
    return _noted(running, taken)


def _noted(running: Intake, taken: AnyInput) -> Noted:
    return Noted(trial_id=running.config.trial_id, n=running.take(taken))
