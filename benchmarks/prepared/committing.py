"""From a commit to its answer, and to its frame on the bus, while other changes of the view wait."""

from __future__ import annotations

import asyncio
import random
import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager

from benchmarks.figures import Figure
from benchmarks.options import Options
from benchmarks.path import HTTP_MS, YARDSTICK, http_alone
from benchmarks.pictures import photograph
from benchmarks.prepared.ahead import Ahead, until
from benchmarks.prepared.on_bus import View, viewing
from benchmarks.systems import sleeping_system
from benchmarks.timed import NotMade, Server, Spread, machine, set_recording
from shared.bus.messages import Status
from shared.bus.sockets import Bus
from shared.bus.subscriber import Subscriber
from shared.frame import Frame
from shared.sectors import names
from tests.support.processes import System

KINDS = ("layer", "inpaint")
ANSWER_MS, PUBLISHED_MS = 5.0, 12.0
PREPARED = 3

Samples = dict[tuple[str, str, str], list[float]]
"""Milliseconds by what is measured, the engine's kind, and recording."""


def measure(options: Options | None = None) -> list[Figure]:
    """Milliseconds; their limits are those of a machine on which HTTP alone takes :data:`benchmarks.path.HTTP_MS`."""
    options = options or Options()
    sleep_ms = options.sleeps_ms[0]
    samples: Samples = defaultdict(list)
    http = Spread.of(http_alone(options, sleep_ms)[YARDSTICK])
    for kind in KINDS:
        with sleeping_system(sleep_ms, kind) as system, _following(system) as published_s:
            server = Server(kind, system.port)
            ahead = Ahead(server, "measured")
            picture: bytes | str = photograph(options.side)
            for recording in ("off", "on", "on", "off"):
                set_recording(server, recording == "on")
                for with_picture in ("false", "true", "true", "false"):
                    for _ in range(options.requests):
                        picture = _committed(ahead, picture, with_picture, published_s, samples, (kind, recording))
            for prepared in asyncio.run(_on_the_bus(system, options)).items():
                samples[prepared[0], kind, "off"] += prepared[1]
    return _figures(samples, http)


def _committed(
    ahead: Ahead,
    picture: bytes | str,
    with_picture: str,
    published_s: dict[str, float],
    samples: Samples,
    of: tuple[str, str],
) -> str:
    """Prepare some changes, commit one; the hash of the picture that it gave."""
    ids = ahead.prepare(picture, random.Random(len(samples)).sample(names(3), PREPARED), supersede=True)
    for prepared_id in ids.values():
        ahead.settled(prepared_id)
    started = time.perf_counter()
    answer = ahead.commit(next(iter(ids.values())), picture=with_picture)
    if answer.status not in (200, 204):
        raise NotMade(f"/commit: {answer.status} {answer.body[:300]!r}")
    frame_id = answer.headers["X-Frame-Id"]
    until(lambda: frame_id in published_s, "the frame is published")
    samples["commit to answer" + (" with the picture" if answer.body else ""), *of].append(answer.beside_ms)
    samples["commit to frame published", *of].append((published_s[frame_id] - started) * 1000)
    return answer.sha256


@contextmanager
def _following(system: System) -> Iterator[dict[str, float]]:
    """When frames came to a subscriber, by their ids; it has a thread and an event loop of its own."""
    came_s: dict[str, float] = {}
    ended, joined = threading.Event(), threading.Event()

    async def follow() -> None:
        bus = Bus(system.address, budget_bytes=1 << 26, linger_ms=0)
        subscriber = Subscriber(bus, "frames", [Frame.type, Status.type])
        while not ended.is_set():
            published = await subscriber.receive()  # there is a status every second
            if isinstance(published.message, Frame):
                came_s[published.message.frame_id] = time.perf_counter()
            joined.set()
        subscriber.close()
        bus.close()

    thread = threading.Thread(target=lambda: asyncio.run(follow()), daemon=True)
    thread.start()
    joined.wait(60)
    try:
        yield came_s
    finally:
        ended.set()
        thread.join(60)


async def _on_the_bus(system: System, options: Options) -> dict[str, list[float]]:
    """The same for a process on the bus, which has an answer sooner: there is no HTTP between."""
    taken: dict[str, list[float]] = defaultdict(list)
    async with viewing(system, "on the bus") as view:
        image = photograph(options.side)
        for _ in range(4 * options.requests):
            ids = await view.prepare(random.Random(len(taken)).sample(names(3), PREPARED), image)
            image = b""
            await view.until(lambda: all(_is_settled(view, one) for one in ids), "all are ready")  # noqa: B023
            started = time.perf_counter()
            frame = await view.commit(next(iter(view.ready)))
            taken["on the bus: commit to answer"].append((time.perf_counter() - started) * 1000)
            await view.until(lambda: frame.frame_id in view.published_s, "the frame is published")  # noqa: B023
            taken["on the bus: commit to frame published"].append((view.published_s[frame.frame_id] - started) * 1000)
    return taken


def _is_settled(view: View, prepared_id: str) -> bool:
    standing = view.standing.get(prepared_id)
    return prepared_id in view.ready or (standing is not None and standing.state == "stale")


def _figures(samples: Samples, http: Spread) -> list[Figure]:
    goals = {"commit to answer": ANSWER_MS, "commit to frame published": PUBLISHED_MS}
    figures = []
    for (what, kind, recording), values in samples.items():
        spread = Spread.of(values)
        goal = goals.get(what)
        detail = f"{spread}, {spread.median / http.median:.1f} of HTTP alone; {machine()}"
        figures.append(
            Figure(
                f"{what}, {kind} stand-in, recording {recording}",
                spread.median,
                "ms",
                at_most=goal and goal * http.median / HTTP_MS,
                detail=detail,
            )
        )
    return figures
