"""A fuzzer in a process of its own: its corpus first, then case after case, until it is told to stop."""

from __future__ import annotations

import itertools
import os
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection

from tests.attack import recipes
from tests.attack.chance import random_of
from tests.attack.fuzzers.archives import Archives
from tests.attack.fuzzers.base import Fuzzer
from tests.attack.fuzzers.bus_frames import BusFrames
from tests.attack.fuzzers.forms import Forms
from tests.attack.fuzzers.http_bytes import HttpBytes
from tests.attack.fuzzers.json_bodies import JsonBodies
from tests.attack.fuzzers.metadata_files import MetadataFiles
from tests.attack.fuzzers.websockets import WebSockets
from tests.attack.tally import Aim, Tally

FUZZERS: dict[str, Callable[[Aim, Tally, bool], Fuzzer]] = {
    "http_bytes": HttpBytes,
    "json_bodies": JsonBodies,
    "forms": Forms,
    "websockets": WebSockets,
    "bus_frames": BusFrames,
    "archives": Archives,
    "metadata_files": MetadataFiles,
}
TOLD_EVERY_S = 0.5
NICENESS = 10
"""Attackers sit on other machines: what they cost to compute must not be taken for what they do to the server."""


@dataclass(frozen=True, slots=True)
class Job:
    """What one process does.

    Attributes:
        first, step: numbers of its cases: ``first``, ``first + step``, ...
        cases: so many, or None: until it is stopped.
        corpus: whether it runs the corpus first.
        heavy: the large files of the corpus too.
    """

    fuzzer: str
    seed: int
    first: int = 0
    step: int = 1
    cases: int | None = None
    corpus: bool = True
    heavy: bool = True


def work(job: Job, aim: Aim, pipe: Connection) -> None:
    """Run a job. What has been counted goes into ``pipe`` twice a second; anything that comes out of it means stop."""
    os.nice(NICENESS)
    tally = Tally()
    try:
        fuzzer = FUZZERS[job.fuzzer](aim, tally, False)
        try:
            _run(job, fuzzer, tally, pipe)
        finally:
            fuzzer.settle()
            fuzzer.close()
    except (BrokenPipeError, EOFError):
        return  # the bench has ended
    except Exception:
        tally.find(tally.now, f"the fuzzer itself failed:\n{traceback.format_exc()}")
    pipe.send((tally, True))
    pipe.close()


def run_one(name: str, aim: Aim, seed: int, case: str) -> Tally:
    """Run one case, a number or the name of a corpus file, and show what is answered."""
    tally = Tally()
    fuzzer = FUZZERS[name](aim, tally, True)
    if case.isdigit():
        what = fuzzer.draw(random_of(seed, name, int(case)))
    else:
        what = fuzzer.of_file(next(path for path in recipes.files_of(name) if path.name == case))
    shown = repr(what)
    print(f"{name}:{case} is {shown[:4000]}" + (f"... ({len(shown)} characters)" if len(shown) > 4000 else ""))
    fuzzer.run([(f"{name}:{case}", what)])
    fuzzer.settle()
    fuzzer.close()
    return tally


def _run(job: Job, fuzzer: Fuzzer, tally: Tally, pipe: Connection) -> None:
    told_at = time.monotonic()
    for path in recipes.files_of(job.fuzzer) if job.corpus else ():
        if not job.heavy and recipes.load(path).get("heavy"):
            continue
        tally.now = f"{job.fuzzer}:{path.name}"
        pipe.send((_hand_over(tally), False))
        fuzzer.run([(tally.now, fuzzer.of_file(path))])
        tally.counts["corpus files"] += 1
        if pipe.poll():
            return
    numbers = itertools.count(job.first, job.step)
    left = job.cases
    while (left is None or left > 0) and not pipe.poll():
        size = fuzzer.batch if left is None else min(fuzzer.batch, left)
        batch = list(itertools.islice(numbers, size))
        tally.now = f"{job.fuzzer}:{batch[0]}"
        fuzzer.run(
            [(f"{job.fuzzer}:{number}", fuzzer.draw(random_of(job.seed, job.fuzzer, number))) for number in batch]
        )
        tally.counts["cases"] += size
        left = None if left is None else left - size
        if time.monotonic() - told_at > TOLD_EVERY_S:
            told_at = time.monotonic()
            pipe.send((_hand_over(tally), False))


def _hand_over(tally: Tally) -> Tally:
    """What was counted since the last time; the tally begins anew."""
    given = Tally(tally.counts.copy(), tally.findings, tally.now, tally.largest_error_bytes)
    tally.counts.clear()
    tally.findings = []
    return given
