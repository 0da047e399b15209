"""Requests over HTTP to a system that is ready: in turn with recording off and on, and at once with a full queue."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from benchmarks.gpu.asked import FOCUS, SECTOR, Asked, asked
from benchmarks.gpu.figures import spread_of
from benchmarks.gpu.system import CardSystem, Failed, Patient
from benchmarks.gpu.watching import watched
from benchmarks.systems import generate_body

CLIENTS = 4
"""That keep the queue full: one request runs, the next has its inputs made, two wait."""
TENTH = 10


@dataclass(frozen=True, slots=True)
class Answered:
    """A picture that came.

    Attributes:
        request_ms: from the request's first byte to the picture's last.
        generation_ms: of it the engine's run, as the server says it, in whole milliseconds.
        at: when it was there, in seconds of a monotonic clock.
    """

    request_ms: float
    generation_ms: float
    at: float


def measure(system: CardSystem, requests: int, steps: int | None, card: str) -> tuple[dict[str, float], dict[str, int]]:
    """The figures of a system that has answered nothing yet, and how many requests each kind was made of. ``card``: a
    UUID for nvidia-smi; empty: none is asked. Raises Failed: an answer was no picture, or not recorded."""
    plain = _in_turn(system, _bodies(max(requests, TENTH), steps), recorded=False)
    figures = {"first_request": plain[0].request_ms, "tenth_request": plain[TENTH - 1].request_ms}
    figures |= _spreads("", plain[1:])
    with watched(card) as seen:
        full = _all_at_once(system, _bodies(max(requests, TENTH) + CLIENTS, steps))
    figures |= of_full_queue(full) | seen
    Patient(system).post("/session/start")
    recorded = _in_turn(system, _bodies(requests, steps), recorded=True)
    Patient(system).post("/session/stop")
    figures |= _spreads("recorded_", recorded)
    return figures, {"requests": len(plain), "recorded_requests": len(recorded), "queued_requests": len(full)}


def _bodies(count: int, steps: int | None) -> list[bytes]:
    return [_body(one, steps) for one in asked(count)]


def _body(one: Asked, steps: int | None) -> bytes:
    more = {} if steps is None else {"steps": steps}
    return generate_body(
        one.photograph, focus_sector=FOCUS, target_sector=SECTOR, prompt=one.prompt, seed=one.seed, **more
    )


def _ask(caller: Patient, body: bytes, recorded: bool) -> Answered:
    started = time.perf_counter()
    answer = caller.generate(body)
    at = time.perf_counter()
    if (answer.recorded != "no") != recorded:
        raise Failed(f"recording was to be {'on' if recorded else 'off'}, and X-Recorded is {answer.recorded}")
    return Answered((at - started) * 1000, answer.generation_ms, at)


def _in_turn(system: CardSystem, bodies: Sequence[bytes], recorded: bool) -> list[Answered]:
    caller = Patient(system)
    return [_ask(caller, body, recorded) for body in bodies]


def _all_at_once(system: CardSystem, bodies: Sequence[bytes]) -> list[Answered]:
    """By several clients, each of which asks again as soon as it is answered; in the order of the answers."""
    left, lock = iter(bodies), threading.Lock()

    def ask() -> list[Answered]:
        caller = Patient(system)
        return [_ask(caller, body, recorded=False) for body in _shared(left, lock)]

    with ThreadPoolExecutor(CLIENTS) as clients:
        asking = [clients.submit(ask) for _ in range(CLIENTS)]
        answers = [answer for one in asking for answer in one.result()]
    return sorted(answers, key=lambda answer: answer.at)


def _shared(bodies: Iterator[bytes], lock: threading.Lock) -> Iterator[bytes]:
    while True:
        with lock:
            body = next(bodies, None)
        if body is None:
            return
        yield body


def _spreads(prefix: str, answers: Sequence[Answered]) -> dict[str, float]:
    own = [answer.request_ms - answer.generation_ms for answer in answers]
    return {
        **spread_of(f"{prefix}request", [answer.request_ms for answer in answers]),
        **spread_of(f"{prefix}own_share", own),
    }


def of_full_queue(answers: Sequence[Answered]) -> dict[str, float]:
    """From the first answer on until the last for which others still waited: then the queue was full all the time. No
    share is below none, as it could come out of runs that are shorter than an answer's way."""
    steady = answers[: len(answers) - CLIENTS + 1]
    wall_s = steady[-1].at - steady[0].at
    ran_s = sum(answer.generation_ms for answer in steady[1:]) / 1000
    return {"idle_share": 100 * max(0.0, 1 - ran_s / wall_s), "throughput": (len(steady) - 1) / wall_s}
