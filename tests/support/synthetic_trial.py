"""A trial made by hand: a chain from the fixation to the picture on the screen, with samples around it."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from math import nan
from typing import Any

from shared.frame import SessionStamp
from shared.gaze.events import EyeEvent
from shared.gaze.record import lines, samples
from shared.gaze.record.lines import Origin
from shared.gaze.sample import Sample
from shared.gaze.trial import inputs, steps
from shared.gaze.trial.config import ScreenSize, TrialConfig
from shared.gaze.trial.outcomes import Outcome
from shared.session.writing.gaze_part import HeldPart
from tests.support.frames import CREATED_AT, tiny_png

MS = 1_000_000
BEGIN_NS = 5_000_000_000
UNIX_S = 1_800_000_000.0
HASH = "ab" * 32
PICTURE = hashlib.sha256(tiny_png()).hexdigest()
"""Of what is on view."""
PROMPT, SEED = 'a "small" bird, and\nanother one', 11


@dataclass
class SyntheticTrial:
    """``lines`` and ``records`` by the number of the input that they belong to."""

    trial_id: str = "trial-a"
    session_id: str = "s"
    created_at: float = CREATED_AT
    fields: dict[str, Any] = field(default_factory=lambda: {"condition": "blink", "block": 2})
    frame_id: str = "frame-epoch-a-0"
    t_ns: int = BEGIN_NS
    next_n: int = 0
    ended: bool = False
    lines: list[tuple[int, bytes]] = field(default_factory=list)
    records: list[tuple[int, bytes]] = field(default_factory=list)
    acknowledged: int = 0

    @property
    def stamp(self) -> SessionStamp:
        return SessionStamp(session_id=self.session_id, created_at=self.created_at)

    @property
    def about(self) -> dict[str, Any]:
        return lines_about(self.config())

    def config(self) -> TrialConfig:
        return TrialConfig(
            trial_id=self.trial_id,
            session=self.stamp,
            picture_sha256=PICTURE,
            seed=7,
            participant="P01",
            fields=self.fields,
            screen=ScreenSize(px=(1920, 1080), m=(0.53, 0.3), distance_m=0.6),
            source="simulated:1",
        )

    # -- growing ------------------------------------------------------------------------------------------------------

    def begin(self) -> SyntheticTrial:
        self.t_ns = BEGIN_NS
        self.take(inputs.Began(t_ns=self.t_ns, config=self.config(), unix_s=UNIX_S))
        return self

    def take(self, taken: inputs.AnyInput) -> str:
        """An input that is no sample; its id."""
        self._add_line(self.next_n, lines.of_input(self._origin, self.next_n, taken))
        self.next_n += 1
        return str(self.next_n - 1)

    def sample(self, count: int = 1, x: float = 0.2) -> str:
        """Samples 4 ms apart; the id of the last."""
        for _ in range(count):
            self.t_ns += 4 * MS
            record = samples.encode(samples.NumberedSample(self.next_n, Sample(self.t_ns, x, 0.3)))
            self.records.append((self.next_n, record))
            self.next_n += 1
        return str(self.next_n - 1)

    def outcome(self, what: steps.AnyStep | EyeEvent) -> str:
        """What came of the input that was taken last; its id."""
        n = self.next_n - 1
        step_id = f"{n}/{sum(1 for number, line in self.lines if number == n and b'/' in line.split(b',')[2])}"
        self._add_line(n, lines.of_outcome(self._origin, Outcome(step_id, what)))
        return step_id

    def change(self) -> SyntheticTrial:
        """One change, from the fixation to the report that it was drawn 20 ms after its trigger."""
        last = self.sample(5)
        fixated = self.outcome(
            steps.Fixated(caused_by=last, t_ns=self.t_ns, sector="TL", x=0.2, y=0.3, since_ns=self.t_ns - 800 * MS)
        )
        decided = self.outcome(steps.Decided(caused_by=fixated, t_ns=self.t_ns, policy="opposite", target="BR"))
        asked = self.outcome(
            steps.Requested(
                caused_by=decided,
                t_ns=self.t_ns,
                request_id=f"request-{self.next_n}",
                picture_sha256=PICTURE,
                target_sector="BR",
                focus_sector="TL",
                focus_x=0.2,
                focus_y=0.3,
                prompt=PROMPT,
                seed=SEED,
            )
        )
        self.sample(10)
        made = self.take(
            inputs.FrameMade(
                t_ns=self.t_ns, request=asked, frame_id=self.frame_id, sha256=HASH, target="BR", generation_ms=35.0
            )
        )
        ready = self.take(inputs.DisplayReady(t_ns=self.t_ns, frame=made, display="d1"))
        self.clock()
        onset_ns = self.t_ns
        self.sample(6, x=nan)
        eye = self.outcome(eye_event(onset_ns, self.t_ns))
        trigger = self.outcome(
            steps.Triggered(caused_by=eye, t_ns=self.t_ns, trigger="blink", detected_ns=self.t_ns, onset_ns=onset_ns)
        )
        drawn = {"kind": "change", "frame_id": self.frame_id, "sha256": HASH, "target": "BR"}
        detected_ns = self.t_ns
        swapped = self.outcome(
            steps.Swapped.model_validate(
                {
                    "caused_by": trigger,
                    "t_ns": self.t_ns,
                    "ready": ready,
                    "display": "d1",
                    **drawn,
                    "deadline_ns": self.t_ns + 50 * MS,
                    "deadline_ms": 1234.5,
                }
            )
        )
        self.sample(4, x=nan)
        report = self.take(
            inputs.Reported(t_ns=self.t_ns, swap=swapped, display="d1", was_shown=True, next_frame_ms=1204.5)
        )
        shown = {"report": report, "drawn_ns": detected_ns + 10 * MS, "next_frame_ns": detected_ns + 20 * MS}
        self.outcome(
            steps.Displayed.model_validate(
                {
                    "caused_by": swapped,
                    "t_ns": self.t_ns,
                    **drawn,
                    **shown,
                    "latency_ms": 20.0,
                    "is_late": False,
                    "eccentricity_deg": 9.5,
                    "seen_risk": False,
                    "gaze_x": 0.2,
                    "gaze_y": 0.3,
                    "error_ns": 300_000,
                }
            )
        )
        self.sample(20)
        self.outcome(eye_event(onset_ns, detected_ns, self.t_ns, detected_ns + 60 * MS))
        return self

    def clock(self) -> None:
        ns = self.t_ns
        measured = {"display": "d1", "sent_ms": 1.0, "received_ns": ns, "answered_ns": ns, "returned_ms": 2.0}
        self.take(inputs.ClockMeasured.model_validate({"t_ns": ns, **measured}))

    def end(self) -> SyntheticTrial:
        self.take(inputs.Ended(t_ns=self.t_ns, outcome="complete"))
        self.ended = True
        return self

    def whole(self, changes: int = 1) -> SyntheticTrial:
        """From its begin to its end."""
        self.begin()
        for _ in range(changes):
            self.change()
        return self.end()

    # -- giving -------------------------------------------------------------------------------------------------------

    def part(self, from_n: int = 0, next_n: int | None = None) -> HeldPart:
        """Inputs ``from_n`` to ``next_n - 1``, to the last one where none is given."""
        past = self.next_n if next_n is None else min(next_n, self.next_n)
        of_it = range(from_n, past)
        return HeldPart(
            trial_id=self.trial_id,
            session=self.stamp,
            from_n=from_n,
            next_n=max(from_n, past),
            ended=self.ended and past >= self.next_n,
            about=self.about,
            lines=b"".join(line for n, line in self.lines if n in of_it),
            records=b"".join(record for n, record in self.records if n in of_it),
        )

    def parts(self, size: int) -> list[HeldPart]:
        """All of it in parts of so many inputs."""
        return [self.part(n, n + size) for n in range(0, self.next_n, size)]

    def file(self, name: str) -> bytes:
        """What a file of lines has to hold of it."""
        parsed = ((lines.file_of(lines.loads(line)), line) for _, line in self.lines)
        return b"".join(line for file, line in parsed if file == name)

    @property
    def all_records(self) -> bytes:
        return b"".join(record for _, record in self.records)

    @property
    def _origin(self) -> Origin:
        return Origin(self.trial_id, BEGIN_NS, UNIX_S)

    def _add_line(self, n: int, line: dict[str, Any]) -> None:
        self.lines.append((n, lines.encode(line)))


def eye_event(onset_ns: int, detected_ns: int, noticed_ns: int | None = None, offset_ns: int | None = None) -> EyeEvent:
    noticed_ns = detected_ns if noticed_ns is None else noticed_ns
    return EyeEvent("blink", onset_ns, offset_ns, detected_ns, noticed_ns, nan, nan, nan, nan, nan, nan)


def lines_about(config: TrialConfig) -> dict[str, Any]:
    screen = config.screen.model_dump(mode="json")
    return {"source": config.source, "screen": screen, "detectors": dict(config.detectors)}
