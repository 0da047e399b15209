"""What a verification says of one frame, and of a session."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal, get_args

from reproduction.environment import Difference, excuses
from reproduction.figures import Figures, to_json

Verdict = Literal["identical", "close", "different", "altered", "cannot"]
VERDICTS: tuple[Verdict, ...] = get_args(Verdict)


@dataclass(frozen=True, slots=True)
class Thresholds:
    """What ``close`` means, inside the target sector."""

    psnr_db: float = 40.0
    ssim: float = 0.98

    def verdict(self, found: Figures) -> Verdict:
        """``identical``, ``close`` or ``different``."""
        if found.psnr_db is None:
            return "identical"
        return "close" if found.psnr_db >= self.psnr_db and found.ssim >= self.ssim else "different"


@dataclass(frozen=True, slots=True)
class FrameReport:
    """One frame's verdict.

    Attributes:
        reason: why it is ``altered`` or ``cannot``, why its pixels may be others, or what else is wrong with it.
        figures: recorded against made again, inside the target sector; None where it was not made again.
        outside: pixels outside the target sector in which the recorded frame differs from its input; None where that
            could not be looked at.
        environment: what differs between then and now.
    """

    index: int
    filename: str
    sector: str
    verdict: Verdict
    reason: str | None = None
    figures: Figures | None = None
    outside: int | None = None
    environment: dict[str, Difference] = field(default_factory=dict)

    @property
    def holds(self) -> bool:
        """Whether the frame was reproduced: the same pixels, or close ones where the environment is another."""
        if self.outside:
            return False
        return self.verdict == "identical" or (self.verdict == "close" and excuses(self.environment))

    def to_json(self) -> dict[str, Any]:
        return {
            "index": self.index,
            "filename": self.filename,
            "target_sector": self.sector,
            "verdict": self.verdict,
            "reason": self.reason,
            **to_json(self.figures),
            "differing_pixels_outside": self.outside,
        }


@dataclass(frozen=True, slots=True)
class SessionReport:
    """The verdicts on a session.

    Attributes:
        made_by: ``server`` (a running generator) or ``here`` (this process).
        time: Unix seconds.
        today: the fields of a frame that say what it was made with, as they are today.
    """

    session_id: str
    time: float
    made_by: str
    thresholds: Thresholds
    today: dict[str, Any]
    frames: Sequence[FrameReport]

    @property
    def holds(self) -> bool:
        """Whether every frame was reproduced."""
        return all(frame.holds for frame in self.frames)

    def counts(self) -> dict[str, int]:
        """How many frames got each verdict."""
        found = Counter(frame.verdict for frame in self.frames)
        return {verdict: found[verdict] for verdict in VERDICTS}

    def environment(self) -> dict[str, list[tuple[Any, Any, int]]]:
        """What differs between then and now: by key, each pair of values with the number of frames that have it."""
        found: dict[str, list[tuple[Any, Any, int]]] = {}
        for frame in self.frames:
            for key, (then, now) in frame.environment.items():
                pairs = found.setdefault(key, [])
                for place, (known_then, known_now, count) in enumerate(pairs):
                    if (known_then, known_now) == (then, now):
                        pairs[place] = (then, now, count + 1)
                        break
                else:
                    pairs.append((then, now, 1))
        return found

    def outside(self) -> dict[str, int]:
        """Frames by what was found outside their target sector."""
        found = Counter(
            "not_checked" if frame.outside is None else "changed" if frame.outside else "equal" for frame in self.frames
        )
        return {name: found[name] for name in ("equal", "changed", "not_checked")}

    def to_json(self) -> dict[str, Any]:
        environment = [
            {"key": key, "recorded": then, "today": now, "frames": count}
            for key, pairs in self.environment().items()
            for then, now, count in pairs
        ]
        return {
            "format": 1,
            "session_id": self.session_id,
            "time": self.time,
            "made_by": self.made_by,
            "thresholds": asdict(self.thresholds),
            "reproduced": self.holds,
            "counts": self.counts(),
            "outside_target": self.outside(),
            "today": self.today,
            "environment_differences": environment,
            "frames": [frame.to_json() for frame in self.frames],
        }
