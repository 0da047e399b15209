"""What a fuzzer counts and finds, and what it is given to attack."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

MOST_FINDINGS = 40
"""Of one fuzzer: a hole that each case falls into need not be told a million times."""
REFUSALS = frozenset(
    {
        "queue_full",
        "too_many_connections",
        "too_many_bodies",
        "too_busy",
        "generator_loading",
        "generator_unavailable",
        "recorder_unavailable",
        "replayer_unavailable",
        "recording_backlog_full",
        "insufficient_storage",
        "generation_timeout",
    }
)
"""Codes of 5xx that say what is not possible now. Any other 5xx is a fault."""
LARGEST_ERROR_BYTES = 64 * 1024
"""An error names the first few faults: its answer must not grow with what was sent."""


@dataclass(frozen=True, slots=True)
class Aim:
    """What is attacked.

    Attributes:
        host, port: of the API.
        bus: address of the bus.
        sessions: the folder of the recordings.
        victim: an absolute path of a folder beside it, with files that nobody may read or change.
        marker: a text that stands in each of these files.
    """

    host: str
    port: int
    bus: str
    sessions: Path
    victim: Path
    marker: bytes


@dataclass(frozen=True, slots=True)
class Finding:
    """A rule that a case has broken, or (``case`` empty) that was broken while cases ran."""

    case: str
    what: str


@dataclass
class Tally:
    """Counts and findings of one fuzzer.

    Counts: ``cases``; ``requests`` that were answered or whose connection the server closed; ``frames`` of ZeroMQ
    that a process took in; ``200``, ``404``, ... by status; ``5xx NAME`` by code; and what else a fuzzer counts.
    """

    counts: Counter[str] = field(default_factory=Counter)
    findings: list[Finding] = field(default_factory=list)
    now: str = ""
    """The case under way."""
    largest_error_bytes: int = 0
    told: int = 0
    """Findings kept so far, those handed over included."""

    def find(self, case: str, what: str) -> None:
        """Note a broken rule."""
        self.counts["findings"] += 1
        if self.told < MOST_FINDINGS:
            self.told += 1
            self.findings.append(Finding(case, what))

    def take(self, other: Tally) -> None:
        """Add what another has counted since it was taken last."""
        self.counts.update(other.counts)
        self.findings += other.findings
        self.now = other.now or self.now
        self.largest_error_bytes = max(self.largest_error_bytes, other.largest_error_bytes)
