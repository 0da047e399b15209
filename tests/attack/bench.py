"""``make attack MINUTES=10``: every fuzzer against a whole Parafovea, and an honest client beside them.

All is on loopback and in a folder of the run's own. What is sent is drawn from a printed seed: a case that broke a rule
can be sent again by itself with ``--only FUZZER:CASE``.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import tempfile
import time
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path

from tests.attack.honest import Honest
from tests.attack.place import BAIT, Place, differences
from tests.attack.report import HEALTH_S, MOST_GROWTH, Report
from tests.attack.tally import Finding, Tally
from tests.attack.watch import Logs, Watch, probe
from tests.attack.worker import FUZZERS, Job, run_one, work

SETTLE_S = 120.0
"""An honest frame is recorded, or named as lost, by then; where a process has ended nobody waits."""
AFTER_S = 60.0
"""Memory is held against the rule so long after the attack."""
STOP_S = 180.0
"""A fuzzer is done with its batch by then."""
TOLD_EVERY_S = 15.0
TICK_S = 0.2
SLOWEST_TOLD = 5
LAST_LINES = 20


@dataclass
class Limits:
    """When a run ends: after so many minutes, or once so many requests and bus frames were sent, or with the last of
    so many cases of each fuzzer."""

    minutes: float | None = None
    requests: int | None = None
    frames: int | None = None
    cases: dict[str, int] = field(default_factory=dict)

    def reached(self, seconds: float, report: Report) -> bool:
        """Whether it is over."""
        if self.minutes is not None and seconds > 60 * self.minutes:
            return True
        if self.requests is None and self.frames is None:
            return False
        counts = report.counts
        return counts["requests"] >= (self.requests or 0) and counts["frames"] >= (self.frames or 0)


@dataclass
class Fuzzing:
    """A fuzzer's process."""

    name: str
    process: BaseProcess
    pipe: Connection
    tally: Tally = field(default_factory=Tally)
    is_done: bool = False

    def take(self) -> None:
        """Take what it has counted.

        Raises nothing: a process that ended without a word is a finding.
        """
        try:
            while not self.is_done and self.pipe.poll():
                told, self.is_done = self.pipe.recv()
                self.tally.take(told)
        except (EOFError, ConnectionResetError):
            self.is_done = True
            self.tally.findings.append(Finding(self.tally.now, "the fuzzer's process ended without a word"))

    def stop(self) -> None:
        """Ask it to stop."""
        if not self.is_done and self.process.is_alive():
            self.pipe.send("stop")


def attack(
    place: Place,
    *,
    seed: int,
    limits: Limits,
    bus: str,
    engine: str,
    timed: bool = True,
    corpus: bool = True,
    heavy: bool = True,
    after_s: float = AFTER_S,
    fuzzers: tuple[str, ...] = tuple(FUZZERS),
) -> Report:
    """Run fuzzers against a place where everything is up, and say what came of it. Its processes are stopped then."""
    report = Report(seed, bus, engine, timed)
    honest = Honest(place)
    honest.warm_up()
    before = place.fingerprints()
    watch, logs = Watch(place.services()), Logs(place.services())
    watch.start()
    honest.start()
    spawn = multiprocessing.get_context("spawn")
    ours, theirs = spawn.Pipe()
    asking = spawn.Process(target=probe, args=(place.aim.host, place.port, theirs), daemon=True)
    asking.start()
    running = [
        _start(spawn, place, Job(name, seed, cases=limits.cases.get(name), corpus=corpus, heavy=heavy))
        for name in fuzzers
    ]
    report.fuzzers = {each.name: each.tally for each in running}
    moments: list[tuple[float, str]] = []
    began = told_at = time.monotonic()
    try:
        while not all(each.is_done for each in running):
            time.sleep(TICK_S)
            for each in running:
                each.take()
            during = ", ".join(each.tally.now for each in running if not each.is_done)
            moments.append((time.time(), during))
            logs.look(during)
            report.ended = watch.ended()
            seconds = time.monotonic() - began
            if limits.frames and report.counts["frames"] >= limits.frames:
                _stop(running, ("bus_frames",))
            if report.ended:
                print(f"ended during {during}: {', '.join(report.ended)}", flush=True)
                break
            if limits.reached(seconds, report):
                break
            if time.monotonic() - told_at > TOLD_EVERY_S:
                told_at = time.monotonic()
                counts = report.counts
                print(
                    f"{seconds:4.0f} s: {counts['requests']:,} requests, {counts['frames']:,} bus frames, "
                    f"{counts['findings']} findings",
                    flush=True,
                )
        if not report.ended:  # else nobody answers any more
            _finish(running)
        report.seconds = time.monotonic() - began
        report.after_s = _cool_down(watch, 0.0 if report.ended else after_s, whole=timed)
        honest.stop()
        ours.send("stop")
        if ours.poll(STOP_S):
            report.health = ours.recv()
    finally:
        for process in (asking, *(each.process for each in running)):
            process.kill()
            process.join()
    watch.stop()
    watch.sample()
    report.uses, report.ended = watch.uses, watch.ended()
    honest.settle(SETTLE_S if not report.ended else 0.0)
    report.honest = honest.ledger
    report.notes = _slowest(report, moments)
    report.outside = differences(before, place.fingerprints())
    if not (place.sessions / BAIT / "metadata.json").exists():
        report.outside.append(f"the session '{BAIT}' was deleted by somebody who may not")
    report.exit_codes = place.stop_all(timeout_s=30.0)
    logs.look("the end")
    report.tracebacks, report.errors = list(logs.tracebacks.values()), list(logs.errors.values())
    report.logged = logs.counts
    report.left_behind = place.left_behind()
    return report


def _start(spawn: multiprocessing.context.SpawnContext, place: Place, job: Job) -> Fuzzing:
    ours, theirs = spawn.Pipe()
    process = spawn.Process(target=work, args=(job, place.aim, theirs), daemon=True)
    process.start()
    theirs.close()
    return Fuzzing(job.fuzzer, process, ours)


def _stop(running: list[Fuzzing], names: tuple[str, ...]) -> None:
    for each in running:
        if each.name in names:
            each.stop()


def _finish(running: list[Fuzzing]) -> None:
    """Stop all, and take what they have counted."""
    _stop(running, tuple(each.name for each in running))
    deadline = time.monotonic() + STOP_S
    while not all(each.is_done for each in running):
        time.sleep(TICK_S)
        for each in running:
            each.take()
        if time.monotonic() > deadline:
            for each in running:
                if not each.is_done:
                    each.tally.findings.append(Finding(each.tally.now, f"not done {STOP_S:g} s after it was stopped"))
            return


def _cool_down(watch: Watch, after_s: float, whole: bool) -> float:
    """Wait until memory has fallen, at most so long; with ``whole``, all of that time. How long it was."""
    began = time.monotonic()
    while time.monotonic() - began < after_s:
        time.sleep(TICK_S)
        if not whole and all(0 < use.growth <= MOST_GROWTH for use in watch.uses.values()):
            break
    return time.monotonic() - began


def _slowest(report: Report, moments: list[tuple[float, str]]) -> list[str]:
    """The slowest answers of ``/health`` over the limit, and what ran when they were asked for."""
    slow = sorted((latency, at) for at, latency in report.health.times if latency > HEALTH_S)[-SLOWEST_TOLD:]
    return [
        f"{1000 * latency:.0f} ms during {next((what for when, what in moments if when >= at - latency), 'the end')}"
        for latency, at in reversed(slow)
    ]


def main() -> int:
    """Run, print the table; 1 where a rule was broken."""
    parser = argparse.ArgumentParser(prog="python -m tests.attack", description=__doc__)
    parser.add_argument("--minutes", type=float, help="end after so many (default 10, unless counts are given)")
    parser.add_argument("--requests", type=int, help="go on until so many requests were taken in")
    parser.add_argument("--frames", type=int, help="go on until so many frames were taken in on the bus")
    parser.add_argument("--cases", type=int, help="so many cases of each fuzzer")
    parser.add_argument("--fuzzers", default=",".join(FUZZERS), help="only these, separated by commas")
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--bus", choices=("ipc", "tcp"), default="ipc")
    parser.add_argument("--engine", choices=("tiny", "quick", "embedded"), default="tiny")
    parser.add_argument("--light", action="store_true", help="leave out the large files of the corpus")
    parser.add_argument("--no-corpus", action="store_true", help="leave out all of the corpus")
    parser.add_argument("--only", metavar="FUZZER:CASE", help="one case: its number, or a file of the corpus")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all that was counted and found")
    options = parser.parse_args()
    fuzzers = tuple(options.fuzzers.split(","))
    if unknown := sorted(set(fuzzers) - set(FUZZERS)):
        parser.error(f"there is no fuzzer {unknown[0]!r}; there are {', '.join(FUZZERS)}")
    print(f"seed {options.seed}", flush=True)
    with tempfile.TemporaryDirectory(prefix="pf-", dir="/tmp") as folder:
        place = Place(Path(folder), engine=options.engine, bus=options.bus)
        try:
            place.start_everything()
            if options.only:
                return _one(place, options.seed, options.only)
            counted = options.requests or options.frames or options.cases
            minutes = options.minutes if options.minutes or counted else 10.0
            cases = dict.fromkeys(fuzzers, options.cases) if options.cases else {}
            limits = Limits(minutes, options.requests, options.frames, cases)
            report = attack(
                place,
                seed=options.seed,
                limits=limits,
                bus=options.bus,
                engine=options.engine,
                corpus=not options.no_corpus,
                heavy=not options.light,
                fuzzers=fuzzers,
            )
            _tell_last_words(place, report)
        finally:
            place.http.close()
            place.kill_all()
    print(report.table())
    if options.json:
        options.json.write_text(json.dumps(report.to_json(), indent=1))
    return 1 if report.broken() else 0


def _tell_last_words(place: Place, report: Report) -> None:
    """The end of the log of each process that ended: an assertion of a library stands nowhere else."""
    for process in place.services():
        if any(each.startswith(process.name) for each in report.ended):
            print(f"--- {process.name}", *process.err.splitlines()[-LAST_LINES:], sep="\n")


def _one(place: Place, seed: int, which: str) -> int:
    name, _, case = which.partition(":")
    tally = run_one(name, place.aim, seed, case)
    logs = Logs(place.services())
    logs.look(which)
    found = [each.what for each in tally.findings] + [*logs.tracebacks.values(), *logs.errors.values()]
    print("\n".join(found) or "no rule was broken")
    place.stop_all()
    return 1 if found else 0
