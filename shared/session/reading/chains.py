"""Whether the steps of a trial belong together: from what was displayed back to what was asked for."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from shared.gaze.record.lines import Line
from shared.gaze.trial.inputs import DisplayReady, FrameMade, PreparedChanged, Reported, RequestFailed
from shared.gaze.trial.outcomes import number_of
from shared.gaze.trial.steps import (
    Committed,
    Decided,
    Displayed,
    Fixated,
    GivenUp,
    Missed,
    Preparing,
    Requested,
    Swapped,
    Triggered,
    Withdrawn,
)

REMEMBERED = 20_000
"""Steps that a later one may name: of those that are named longer after, only that they are there is known."""

_ASKED = (Requested, Committed)
_LINKS: dict[type, tuple[tuple[str, tuple[type, ...]], ...]] = {
    PreparedChanged: (("prepare", (Preparing,)),),
    FrameMade: (("request", _ASKED),),
    RequestFailed: (("request", _ASKED),),
    DisplayReady: (("frame", (FrameMade, PreparedChanged)),),
    Reported: (("swap", (Swapped,)),),
    Decided: (("caused_by", (Fixated,)),),
    Requested: (("caused_by", (Decided,)),),
    GivenUp: (("prepare", (Preparing,)),),
    Committed: (("caused_by", (Triggered,)), ("prepare", (Preparing,)), ("ready", (DisplayReady,))),
    Swapped: (("caused_by", (Triggered,)), ("ready", (DisplayReady,))),
    Withdrawn: (("swap", (Swapped,)),),
    Displayed: (("caused_by", (Swapped,)), ("report", (Reported,))),
    Missed: (("caused_by", (Swapped, Triggered)), ("report", (Reported,))),
}
"""What a step names, and what that has to be."""
_NEWER = object()
_NAMED = tuple({kind for links in _LINKS.values() for _, kinds in links for kind in kinds})


class Asked(NamedTuple):
    """What a frame has to be, as it was asked for at a step."""

    frame_id: str
    step_id: str
    prompt: str
    seed: int
    target_sector: str
    input_sha256: str


class Chains:
    """Fed with a trial's lines in their order.

    Attributes:
        asked: the frames that were made, until somebody takes them out.
    """

    def __init__(self) -> None:
        self.asked: list[Asked] = []
        self._named: dict[str, Any] = {}
        self._commits: dict[str, str] = {}
        """By what was prepared, the id of its commit."""
        self._frames: dict[str, str] = {}
        """By the id of a commit, that of its frame."""
        self._forgotten_n = -1

    def take(self, line: Line) -> Iterator[str]:
        """The next line; what is wrong with it."""
        what = line.what
        for name, kinds in _LINKS.get(type(what), ()):
            yield from self._of_link(line.id, name, getattr(what, name), kinds)
        if isinstance(what, Committed):
            yield from self._of_commit(line.id, what)
        elif isinstance(what, FrameMade):
            yield from self._of_frame(line.id, what)
        elif isinstance(what, Swapped):
            yield from self._of_swap(line.id, what)
        elif isinstance(what, Displayed):
            names = ("kind", "frame_id", "sha256", "target")
            yield from self._differing(line.id, what, {name: name for name in names}, what.caused_by)
        elif isinstance(what, PreparedChanged) and (asked := self._named.pop(what.prepare, None)) is not None:
            self._named[what.prepare] = asked  # it is of use still, however long it waits
        if isinstance(what, _NAMED):
            self._remember(line.id, what)

    def pass_over(self, step_id: str) -> None:
        """A step that only a newer version knows: what names it may be right."""
        self._remember(step_id, _NEWER)

    def _remember(self, step_id: str, what: Any) -> None:
        self._named[step_id] = what
        if len(self._named) > REMEMBERED:
            oldest = next(iter(self._named))
            del self._named[oldest]
            self._forgotten_n = max(self._forgotten_n, number_of(oldest))
        for known in (self._commits, self._frames):
            if len(known) > REMEMBERED:
                del known[next(iter(known))]

    def _of_link(self, step_id: str, name: str, named: str | None, kinds: tuple[type, ...]) -> Iterator[str]:
        if named is None:
            return
        found = self._named.get(named)
        is_forgotten = found is None and number_of(named) <= self._forgotten_n
        if not is_forgotten and found is not _NEWER and not isinstance(found, kinds):
            wanted = " or ".join(kind.step for kind in kinds)  # type: ignore[attr-defined]
            yield f"{name} of step {step_id} names {named}, which is no {wanted}"

    def _of_commit(self, step_id: str, commit: Committed) -> Iterator[str]:
        names = {"target_sector": "target_sector", "prepared_id": "prepared_id"}
        yield from self._differing(step_id, commit, names, commit.prepare)
        made_id = self._made_of(commit.ready)
        yield from self._differing(step_id, commit, {"prepare": "prepare", "on": "picture_sha256"}, made_id)
        if commit.prepared_id in self._commits:
            yield f"step {step_id} commits what step {self._commits[commit.prepared_id]} did"
        self._commits[commit.prepared_id] = step_id

    def _of_frame(self, step_id: str, frame: FrameMade) -> Iterator[str]:
        yield from self._differing(step_id, frame, {"target": "target_sector"}, frame.request)
        asked = self._named.get(frame.request)
        if isinstance(asked, Committed):
            self._frames[frame.request] = step_id
            on, asked = asked.on, self._named.get(asked.prepare)
        elif isinstance(asked, Requested):
            on = asked.picture_sha256
        else:
            return
        if isinstance(asked, Requested | Preparing):
            recipe = asked.prompt, asked.seed, asked.target_sector
            self.asked.append(Asked(frame.frame_id, frame.request, *recipe, on))

    def _of_swap(self, step_id: str, swap: Swapped) -> Iterator[str]:
        made_id = self._made_of(swap.ready)
        made = self._named.get(made_id or "")
        of_frame = {name: name for name in ("frame_id", "sha256", "target")}
        if isinstance(made, FrameMade):
            yield from self._differing(step_id, swap, of_frame, made_id)
        elif isinstance(made, PreparedChanged):
            yield from self._differing(step_id, swap, {"on": "picture_sha256"}, made_id)
            yield from self._differing(step_id, swap, {"target": "target_sector"}, made.prepare)
            if swap.frame_id is not None:
                commit_id = self._commits.get(swap.prepared_id or "")
                frame_id = self._frames.get(commit_id or "")
                if frame_id is None and self._forgotten_n < 0:
                    yield f"step {step_id} shows a frame that no commit has made"
                yield from self._differing(step_id, swap, {"on": "on", "ready": "ready"}, commit_id)
                yield from self._differing(step_id, swap, of_frame, frame_id)
            elif swap.kind == "change" or swap.sha256 != swap.on:
                yield f"step {step_id} shows another picture, and names no frame"

    def _made_of(self, ready_id: str) -> str | None:
        """The id of what a display was ready for."""
        ready = self._named.get(ready_id)
        return ready.frame if isinstance(ready, DisplayReady) else None

    def _differing(self, step_id: str, what: Any, names: dict[str, str], other_id: str | None) -> Iterator[str]:
        """Fields of a step that are not as those of another; ``names``: its own to the other's."""
        other = self._named.get(other_id or "")
        if other is None or other is _NEWER:
            return
        told = [name for name, its in names.items() if getattr(what, name) != getattr(other, its, None)]
        if told:
            yield f"{', '.join(told)} of step {step_id} {'are' if len(told) > 1 else 'is'} not as in step {other_id}"
