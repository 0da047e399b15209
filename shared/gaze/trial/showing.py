"""What a display says of a swap, held against what is known: times by our clock, and what cannot be is flagged."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from shared.gaze.trial.change import Swap
from shared.gaze.trial.clocks import DisplayClock
from shared.gaze.trial.inputs import Reported
from shared.gaze.trial.looking import Looking
from shared.gaze.trial.view import View

AHEAD_NS = 100_000_000
"""The frame after the one that drew is begun when a display reports it: one that is further ahead than this is not."""
DRAWN_DIGITS = 6
IMPOSSIBLE = frozenset({"in_the_future", "before_its_swap", "unordered"})


@dataclass(frozen=True, slots=True)
class Shown:
    """When something was drawn, by our clock; None where that is not known. ``flags``: see
    :class:`shared.gaze.trial.steps.Displayed`."""

    drawn_ns: int | None
    frame_ns: int | None
    next_frame_ns: int | None
    error_ns: int | None
    flags: tuple[str, ...]

    @property
    def at_ns(self) -> int | None:
        """When it came before the viewer's eyes, as well as a display can tell."""
        return self.next_frame_ns if self.next_frame_ns is not None else self.drawn_ns


def place(report: Reported, swap: Swap, clock: DisplayClock) -> Shown:
    """Put a report's times on our clock, and flag what cannot be."""
    flags: list[str] = []
    if swap.is_reported:
        flags.append("twice")
    if not clock.is_known:
        flags.append("no_clock")
        return Shown(None, None, None, None, tuple(flags))
    error_ns = clock.error_ns
    drawn, frame, following = (
        None if ms is None else clock.to_ours(ms) for ms in (report.drawn_ms, report.frame_ms, report.next_frame_ms)
    )
    if report.photodiode_ms is not None:
        flags.append("photodiode")
        following = clock.to_ours(report.photodiode_ms)
    told = [at for at in (frame, drawn, following) if at is not None]
    if not told:
        flags.append("no_times")
    if any(at > report.t_ns + error_ns + AHEAD_NS for at in told):
        flags.append("in_the_future")
    if any(at < swap.t_ns - error_ns for at in (drawn, following) if at is not None):
        flags.append("before_its_swap")
    if told != sorted(told):
        flags.append("unordered")
    return Shown(drawn, frame, following, error_ns, tuple(flags))


def judge(shown: Shown, report: Reported, swap: Swap, looking: Looking, view: View | None) -> dict[str, Any]:
    """The fields of :class:`~shared.gaze.trial.steps.Displayed` that say how it met the viewer."""
    flags = shown.flags
    # Of times that cannot be nothing is worked out.
    at_ns = None if IMPOSSIBLE & set(flags) else shown.at_ns
    is_late = None if at_ns is None else at_ns > swap.deadline_ns
    if is_late:
        flags = (*flags, "late")
    fields: dict[str, Any] = {
        "drawn_ns": shown.drawn_ns,
        "frame_ns": shown.frame_ns,
        "next_frame_ns": shown.next_frame_ns,
        "error_ns": shown.error_ns,
        "latency_ms": None if at_ns is None else round((at_ns - swap.detected_ns) / 1e6, 3),
        "is_late": is_late,
    }
    # Of times that cannot be, the report's own is the nearest.
    is_known = shown.drawn_ns is not None and not IMPOSSIBLE & set(flags)
    drawn_ns = shown.drawn_ns if is_known and shown.drawn_ns is not None else report.t_ns
    sample = looking.before(drawn_ns)
    if view is None or sample is None:
        return {**fields, "flags": (*flags, "no_gaze")}
    at, target = view.seen_at(sample), swap.change.target
    return {
        **fields,
        "gaze_x": round(at[0], DRAWN_DIGITS),
        "gaze_y": round(at[1], DRAWN_DIGITS),
        "eccentricity_deg": round(view.eccentricity_deg(at, target), 4),
        "seen_risk": looking.was_towards(view, target, drawn_ns, report.t_ns),
        "flags": flags,
    }
