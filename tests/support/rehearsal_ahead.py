"""A rehearsed trial whose changes are made ahead: a generator that prepares, re-aims and commits, and a display that
decodes sectors. Both take times, and make mistakes, that are drawn from a seed."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from typing import Any

from shared import sectors
from shared.gaze.trial import inputs, steps
from shared.gaze.trial.outcomes import Outcome
from tests.support.rehearsal import MS, Rehearsal

Picture = dict[str, str]
"""By sector, what was committed there last."""
FIRST = "0" * 64
FINAL = ("stale", "failed", "dropped", "committed")


@dataclass
class Made:
    """One preparation as the generator has it. ``reads``: what it had read, by sector."""

    prepare: str
    wanted: steps.Preparing
    reads: Picture = field(default_factory=dict)
    state: str = "running"
    picture: str | None = None


@dataclass
class Faults:
    """How often, from 0 to 1, something goes wrong."""

    prepare: float = 0.0
    commit: float = 0.0
    dropped: float = 0.0
    unanswered: float = 0.0
    missed: float = 0.0


class AheadGenerator:
    """What is prepared for one view, and the pictures that came of it. Pure.

    Attributes:
        repaints: the model reads the sectors around the one that it changes; else it reads nothing.
        shown: hash of the view's picture.
        pictures: by hash, those that are known.
    """

    def __init__(self, grid_size: int, *, repaints: bool) -> None:
        self.repaints = repaints
        self.grid_size = grid_size
        self.pictures: dict[str, Picture] = {FIRST: dict.fromkeys(sectors.names(grid_size), "")}
        self.shown = FIRST
        self.kept: dict[str, Made] = {}

    def prepare(self, prepare: str, wanted: steps.Preparing) -> list[Made]:
        """Those whose state is another one by that."""
        made = self.kept[wanted.prepared_id] = Made(prepare, wanted)
        changed = self.show(wanted.picture_sha256)
        made.reads = self._read(wanted.target_sector)
        return changed

    def finish(self, prepared_id: str) -> list[Made]:
        made = self.kept.get(prepared_id)
        if made is None or made.state in FINAL:
            return []
        made.state, made.picture = "ready", self.shown
        return [made]

    def show(self, sha256: str) -> list[Made]:
        """The view shows another picture: what is prepared is for that now, or stale."""
        if sha256 == self.shown:
            return []
        self.shown = sha256
        changed = []
        for made in self.kept.values():
            if made.state == "ready" or (made.state == "running" and made.reads):
                is_exact = all(self.pictures[sha256][name] == was for name, was in made.reads.items())
                if not is_exact or made.state == "ready":
                    made.state = "ready" if is_exact else "stale"
                    made.picture = sha256 if is_exact else None
                    changed.append(made)
        return changed

    def commit(self, wanted: steps.Committed) -> tuple[str, list[Made]] | str:
        """The new picture's hash and those whose state is another one; or the code of an error."""
        made = self.kept.get(wanted.prepared_id)
        if made is None:
            return "not_found"
        if wanted.on != self.shown or made.state != "ready":
            return "stale"
        picture = self.pictures[self.shown] | {wanted.target_sector: wanted.prepared_id}
        sha256 = hashlib.sha256(repr(picture).encode()).hexdigest()
        self.pictures[sha256] = picture
        made.state = "committed"
        return sha256, self.show(sha256)

    def _read(self, target: str) -> Picture:
        if not self.repaints:
            return {}
        row, column = sectors.position(target, self.grid_size)
        picture = self.pictures[self.shown]
        near = [name for name in picture if _is_beside(sectors.position(name, self.grid_size), row, column)]
        return {name: picture[name] for name in near}


def _is_beside(place: tuple[int, int], row: int, column: int) -> bool:
    return abs(place[0] - row) <= 1 and abs(place[1] - column) <= 1


@dataclass
class AheadRehearsal(Rehearsal):
    """Feeds a trial whose display takes sectors.

    Attributes:
        preparing_ms, commit_ms: what the generator takes, and up to ``spread`` times as much more, by the seed.
        holds: what the display has decoded: a sector's name and the picture that it goes onto, or no name and a whole
            picture.
    """

    repaints: bool = False
    preparing_ms: float = 300.0
    commit_ms: float = 4.0
    faults: Faults = field(default_factory=Faults)
    seed: int = 0
    spread: float = 1.0
    takes_sectors: bool = True

    def __post_init__(self) -> None:
        self.random = Random(self.seed)
        self.generator = AheadGenerator(self.config.grid_size, repaints=self.repaints)
        self.holds: set[tuple[str, str]] = set()
        self._told = self.takes_sectors
        super().__post_init__()

    def show(self, *, left: float = 0.0, top: float = 0.0, width: float = 1.0, height: float = 1.0) -> None:
        """Say where the picture lies; a display that comes anew gets what there is."""
        is_new = (self.trial.display, self._told) != (self.display, self.takes_sectors)
        self._told = self.takes_sectors
        box = {"left": left, "top": top, "width": width, "height": height}
        self.put(inputs.Viewed, display=self.display, takes_sectors=self.takes_sectors, **box)
        if is_new:
            self.holds = {("", self.trial.picture_sha256)}
            self.get_ready()

    def lose(self) -> None:
        """The display goes away."""
        self.put(inputs.DisplayGone, display=self.display, reason="it went away")
        self.holds.clear()

    def get_ready(self) -> None:
        """Decode all that a display that has just come needs."""
        for one in self.trial.prepared:
            if one.made is not None and self.takes_sectors:
                self._decode(one.made, (one.prepared_id, str(one.picture_sha256)))
        if self.trial.pending is not None:
            self._decode(self.trial.pending[0], ("", self.trial.pending[1]))

    def varied(self, ms: float) -> float:
        return ms * self.random.uniform(1.0, 1.0 + self.spread)

    def _came(self, outcomes: Any) -> list[Outcome]:
        for outcome in outcomes:
            what = outcome.what
            if isinstance(what, steps.Preparing):
                self._after(0.2, lambda step=outcome.id, wanted=what: self._ask_ahead(step, wanted))
            elif isinstance(what, steps.GivenUp):
                self._after(0.2, lambda wanted=what: self._forget(wanted.prepare))
            elif isinstance(what, steps.Committed):
                self._after(0.2, lambda step=outcome.id, wanted=what: self._commit(step, wanted))
        return super()._came(outcomes)

    # -- the generator ------------------------------------------------------------------------------------------------

    def _make(self, request: Outcome) -> None:
        """What another display asked for; whoever prepares for it may name it."""
        assert isinstance(request.what, steps.Requested)
        sha256 = f"{len(self.taken):064x}"
        before = self.generator.pictures[request.what.picture_sha256]
        self.generator.pictures[sha256] = before | {request.what.target_sector: request.id}
        super()._make(request)

    def _decoded(self, made: str, display: str) -> None:
        if self.trial.pending is not None:
            self.holds.add(("", self.trial.pending[1]))
        super()._decoded(made, display)

    def _ask_ahead(self, step: str, wanted: steps.Preparing) -> None:
        if self.random.random() < self.faults.prepare:
            self._tell(step, "failed", code="queue_full", detail="busy", retry_after_ms=100.0)
            return
        self._publish(self.generator.prepare(step, wanted))
        if self.random.random() < self.faults.dropped:
            self._after(self.varied(50), lambda: self._drop(wanted.prepared_id))
        ms = self.varied(self.preparing_ms)
        self._after(ms, lambda: self._publish(self.generator.finish(wanted.prepared_id)))

    def _drop(self, prepared_id: str) -> None:
        made = self.generator.kept.get(prepared_id)
        if made is not None and made.state not in FINAL:
            made.state = "dropped"
            self._publish([made])

    def _forget(self, prepare: str) -> None:
        for made in self.generator.kept.values():
            if made.prepare == prepare and made.state not in FINAL:
                made.state = "dropped"
                self._publish([made])

    def _publish(self, changed: list[Made]) -> None:
        for made in changed:
            said = {"state": made.state, "picture": made.picture}
            # All by one way, so that they do not overtake each other.
            self._after(1.0, lambda made=made, said=said: self._tell_of(made, **said))

    def _tell_of(self, made: Made, state: str, picture: str | None) -> None:
        self._tell(made.prepare, state, picture_sha256=picture)
        if state == "ready":
            self._decode(str(len(self.taken) - 1), (made.wanted.prepared_id, str(picture)))

    def _tell(self, prepare: str, state: str, **more: Any) -> None:
        if not self.trial.is_over:
            self.put(inputs.PreparedChanged, prepare=prepare, state=state, **more)

    def _commit(self, step: str, wanted: steps.Committed) -> None:
        answer: tuple[str, list[Made]] | str = "recording_backlog_full"
        if self.random.random() >= self.faults.commit:
            answer = self.generator.commit(wanted)
        ms = self.varied(self.commit_ms)
        if isinstance(answer, str):
            self._after(ms, lambda: self._refuse(step, answer))
            return
        sha256, changed = answer
        self._publish(changed)
        self._after(ms, lambda: self._answer(step, wanted, sha256))

    def _refuse(self, step: str, code: str) -> None:
        if not self.trial.is_over:
            self.put(inputs.RequestFailed, request=step, code=code, detail="no")

    def _answer(self, step: str, wanted: steps.Committed, sha256: str) -> None:
        if self.trial.is_over:
            return
        fields = {"frame_id": f"frame-{len(self.taken)}", "sha256": sha256, "target": wanted.target_sector}
        self.put(inputs.FrameMade, request=step, generation_ms=self.preparing_ms, **fields)
        if self.trial.phase == "made" and self.trial.pending is not None:
            self._decode(self.trial.pending[0], ("", sha256))

    # -- the display --------------------------------------------------------------------------------------------------

    def _decode(self, frame: str, key: tuple[str, str]) -> None:
        display = self.display if self.trial.display == self.display else None
        if display is not None:
            self._after(self.varied(self.decoding_ms), lambda: self._has(frame, key, display))

    def _has(self, frame: str, key: tuple[str, str], display: str) -> None:
        if self.trial.display != display or self.trial.is_over:
            return
        self.holds.add(key)
        if self.trial.accepts_ready(frame):
            self.put(inputs.DisplayReady, frame=frame, display=display)

    def _draw(self, swap: str, what: steps.Swapped) -> None:
        """As any display; but it does not always keep its time, or say so."""
        if what.kind == "change":
            before, after = self.generator.pictures[self.trial.picture_sha256], self.generator.pictures[what.sha256]
            assert {name for name in before if before[name] != after[name]} == {what.target}
            assert ((what.prepared_id, what.on) if what.prepared_id else ("", what.sha256)) in self.holds
        chance = self.random.random()
        if chance < self.faults.unanswered:
            return
        if chance < self.faults.unanswered + self.faults.missed:
            self._after(20.0, lambda: self._miss(swap, what))
            return
        super()._draw(swap, what)

    def _miss(self, swap: str, what: steps.Swapped) -> None:
        if not self.trial.is_over:
            report: dict[str, Any] = {"swap": swap, "display": what.display, "was_shown": False}
            self.put(inputs.Reported, **report, reason="the deadline could not be held")

    def _after(self, ms: float, work: Callable[[], None]) -> None:
        super()._after(ms, lambda: None if self.trial.is_over else work())

    def end(self) -> list[Outcome]:
        came = super().end()
        self._later.clear()
        return came

    def run(self, ms: float) -> None:
        """Let time pass without a sample."""
        self.wait(self.t_ns + round(ms * MS))
