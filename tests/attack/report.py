"""What a run has counted, the rules that it is held to, and a table of both."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass, field
from typing import Any

from tests.attack.honest import Ledger
from tests.attack.tally import Tally
from tests.attack.watch import Asked, Use

HEALTH_S = 0.25
"""``/health`` answers within it, 999 times in 1000."""
MOST_GROWTH = 1.5
"""Of a process's memory, a minute after."""
MOST_GROWTH_SOON = 2.0
"""Of a short run, which ends as soon as memory has fallen."""
MOST_PEAK_BYTES = 3 << 30
"""More than at the start that a process may need for a moment, whoever asks for what."""
SPARE_DESCRIPTORS = 64
"""More than at the start that a process may have open a minute after."""
SHOWN, SHOWN_CHARS = 25, 300


@dataclass
class Report:
    """Everything that a run has to tell.

    Attributes:
        timed: whether the rules about time are held too: on a machine that does other work they say nothing.
    """

    seed: int
    bus: str
    engine: str
    timed: bool
    seconds: float = 0.0
    fuzzers: dict[str, Tally] = field(default_factory=dict)
    health: Asked = field(default_factory=Asked)
    uses: dict[str, Use] = field(default_factory=dict)
    after_s: float = 0.0
    """How long after the attack memory was measured."""
    ended: list[str] = field(default_factory=list)
    exit_codes: dict[str, int] = field(default_factory=dict)
    left_behind: list[str] = field(default_factory=list)
    tracebacks: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    """One of each kind that stood in a log; ``logged`` counts all."""
    logged: Counter[str] = field(default_factory=Counter)
    outside: list[str] = field(default_factory=list)
    honest: Ledger = field(default_factory=Ledger)
    notes: list[str] = field(default_factory=list)
    """What was slow, and what ran then."""

    @property
    def counts(self) -> Counter[str]:
        """Over all fuzzers."""
        return sum((tally.counts for tally in self.fuzzers.values()), Counter())

    def latency_s(self, part: float) -> float:
        """The latency of ``/health`` that ``part`` (0 to 1) of the answers do not exceed."""
        taken = sorted(latency for _, latency in self.health.times)
        return taken[min(len(taken) - 1, int(part * len(taken)))] if taken else float("inf")

    def broken(self) -> list[str]:
        """The rules that were broken, one sentence each."""
        found = [f"{item.case}: {item.what}" for tally in self.fuzzers.values() for item in tally.findings]
        found += [f"process ended: {each}" for each in self.ended]
        found += [f"exit code {code} of {name}" for name, code in self.exit_codes.items() if code != 0]
        found += [f"left behind: {each}" for each in self.left_behind]
        found += [f"traceback of {each}" for each in self.tracebacks]
        found += [f"error of {each}" for each in self.errors]
        found += [f"outside the folder: {each}" for each in self.outside]
        found += [f"/health was not answered: {each}" for each in self.health.unanswered]
        found += [f"/health answered {status}" for status in self.health.statuses if status != 200]
        found += [] if self.health.times else ["/health was never answered"]
        found += [f"an honest client: {each}" for each in self.honest.broken]
        found += [f"{self.honest.lost} honest frames were lost"] if self.honest.lost else []
        for name, use in self.uses.items():
            if use.growth > (MOST_GROWTH if self.timed else MOST_GROWTH_SOON):
                found.append(f"{name} has {use.growth:.2f} times its memory {self.after_s:.0f} s after")
            if use.peak_bytes > use.start_bytes + MOST_PEAK_BYTES:
                found.append(f"{name} grew to {use.peak_bytes / 2**20:.0f} MB")
            if use.last_descriptors > use.start_descriptors + SPARE_DESCRIPTORS:
                found.append(
                    f"{name} has {use.last_descriptors} descriptors open, {use.start_descriptors} at the start"
                )
        if self.timed and self.health.times and self.latency_s(0.999) > HEALTH_S:
            found.append(
                f"/health took {1000 * self.latency_s(0.999):.0f} ms at p99.9, more than {1000 * HEALTH_S:.0f}"
            )
        return found

    def table(self) -> str:
        """All of it for people."""
        counts = self.counts
        lines = [
            f"seed {self.seed}, bus {self.bus}, engine {self.engine}, {self.seconds:.0f} s of attack",
            f"requests          {counts['requests']:,}",
            f"  by status       {_listed(counts, lambda name: name.isdigit())}",
            f"  closed          {counts['closed']:,} without an answer; "
            f"{counts['held, ended by the server']:,} held ones ended",
            f"  5xx by kind     {_listed(counts, lambda name: name.startswith('5xx ')) or 'none'}",
            f"websocket frames  {counts['websocket frames']:,}",
            f"bus frames        {counts['frames']:,}, {counts['bus answers']:,} answers, "
            f"{counts['bus links ended']:,} links ended",
            f"largest error     {max((t.largest_error_bytes for t in self.fuzzers.values()), default=0):,} bytes",
            "fuzzers           "
            + ", ".join(
                f"{name} {tally.counts['cases']:,} cases + {tally.counts['corpus files']} files"
                for name, tally in self.fuzzers.items()
            ),
            f"/health           {len(self.health.times):,} answers; p50 {1000 * self.latency_s(0.5):.0f} ms, "
            f"p99 {1000 * self.latency_s(0.99):.0f} ms, p99.9 {1000 * self.latency_s(0.999):.0f} ms, "
            f"slowest {1000 * self.latency_s(1):.0f} ms; {len(self.health.unanswered)} unanswered",
            *(f"  {note}" for note in self.notes),
            f"{'process':<18}{'start':>8}{'peak':>8}{'after':>8}{'growth':>8}{'descriptors':>16}",
        ]
        for name, use in self.uses.items():
            sizes = "".join(f"{size / 2**20:>5.0f} MB" for size in (use.start_bytes, use.peak_bytes, use.last_bytes))
            opened = f"{use.start_descriptors}/{use.peak_descriptors}/{use.last_descriptors}"
            lines.append(f"{name:<18}{sizes}{use.growth:>8.2f}{opened:>16}")
        honest, broken = self.honest, self.broken()
        refused = _listed(honest.refused, lambda _: True) or "none"
        lines += [
            f"process ends      {len(self.ended)}",
            f"tracebacks        {self.logged['tracebacks']}, error lines {self.logged['errors']}",
            f"files outside     {len(self.outside)} changed",
            f"honest frames     {honest.asked} asked, {len(honest.answered)} answered, {honest.recorded} recorded, "
            f"{honest.lost} lost, {honest.elsewhere} in attackers' sessions, {honest.unrecorded} in none; "
            f"refused: {refused}",
            f"rules broken      {len(broken)}",
        ]
        lines += [f"  {_short(each)}" for each in broken[:SHOWN]]
        if len(broken) > SHOWN:
            lines.append(f"  ... and {len(broken) - SHOWN} more (--json FILE has all)")
        if broken:
            lines.append(
                f"repeat a case: python -m tests.attack --seed {self.seed} --bus {self.bus} --only FUZZER:CASE"
            )
        return "\n".join(lines)

    def to_json(self) -> dict[str, Any]:
        """All of it for programs."""
        health = {f"p{100 * part:g}_s": self.latency_s(part) for part in (0.5, 0.99, 0.999, 1.0)}
        return {
            "seed": self.seed,
            "bus": self.bus,
            "engine": self.engine,
            "seconds": self.seconds,
            "counts": self.counts,
            "fuzzers": {
                name: {"counts": tally.counts, "findings": [asdict(each) for each in tally.findings]}
                for name, tally in self.fuzzers.items()
            },
            "health": {"answers": len(self.health.times), "unanswered": self.health.unanswered, **health},
            "processes": {name: {**asdict(use), "growth": use.growth} for name, use in self.uses.items()},
            "ended": self.ended,
            "exit_codes": self.exit_codes,
            "tracebacks": self.tracebacks,
            "errors": self.errors,
            "outside": self.outside,
            "honest": {
                "asked": self.honest.asked,
                "answered": len(self.honest.answered),
                "recorded": self.honest.recorded,
                "lost": self.honest.lost,
                "elsewhere": self.honest.elsewhere,
                "unrecorded": self.honest.unrecorded,
                "refused": self.honest.refused,
                "broken": self.honest.broken,
            },
            "broken": self.broken(),
        }


def _short(told: str) -> str:
    """The first line of several, and the last."""
    first, *rest = told.strip().splitlines()
    return first[:SHOWN_CHARS] + (f" ... {rest[-1].strip()[:SHOWN_CHARS]}" if rest else "")


def _listed(counts: Counter[str], wanted: Any) -> str:
    return ", ".join(f"{count:,} {name.removeprefix('5xx ')}" for name, count in sorted(counts.items()) if wanted(name))
