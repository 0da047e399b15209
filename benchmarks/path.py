"""From a request to its picture, beside a sleeping engine: by what the client sends, and with recording off and on.

``--against PATH`` measures another checkout in the same run, on the same bytes; the two take turns (A B B A).
"""

from __future__ import annotations

import base64
import hashlib
import itertools
import json
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from benchmarks.figures import Figure
from benchmarks.options import Options
from benchmarks.pictures import always_new, photograph, photograph_png
from benchmarks.servers.running import running
from benchmarks.systems import sleeping_system, slept_file
from benchmarks.timed import NotMade, Server, Spread, machine, set_recording
from shared.sectors import names

HTTP_MS = 1.2
"""What HTTP alone took where the goals were set: they hold in proportion to it."""
GOALS = {
    ("the same JPEG", "off"): 9.0,
    ("the same JPEG", "on"): 12.0,
    ("the same PNG", "off"): 11.0,
    ("a chain, sent as PNG", "off"): 12.0,
}
YARDSTICK = "JPEG in, PNG out"

Samples = dict[tuple[str, str, str], list[float]]
"""Milliseconds by row, recording and server."""


@dataclass(frozen=True, slots=True)
class Row:
    """What a client sends, time after time.

    Attributes:
        picture: the part of the body that says which picture, made anew for each request; the servers that are measured
            side by side get the same ones.
        follows: whether each picture is the one before's answer, so that each server has its own.
    """

    name: str
    picture: Callable[[Server], dict[str, str]]
    follows: bool = False


def measure(options: Options | None = None) -> list[Figure]:
    """Milliseconds beside the engine; their limits are those of a machine on which HTTP alone takes :data:`HTTP_MS`."""
    options = options or Options()
    return [figure for sleep_ms in options.sleeps_ms for figure in _measured(options, sleep_ms)]


def _measured(options: Options, sleep_ms: int) -> list[Figure]:
    samples: Samples = defaultdict(list)
    with ExitStack() as stack:
        ours = stack.enter_context(sleeping_system(sleep_ms))
        servers = [Server("ours", ours.port, slept_file(ours))]
        if options.against:
            theirs = stack.enter_context(sleeping_system(sleep_ms, checkout=options.against))
            servers.append(Server("before", theirs.port, slept_file(theirs)))
        rows = list(_rows(options.side))
        for recording in ("off", "on", "on", "off"):
            for server in servers:
                set_recording(server, recording == "on")
            for name, values in http_alone(options, sleep_ms).items():
                samples[name, "", "bare"] += values
            for row in rows:
                _in_turn(row, servers, options.requests, samples, recording)
    return _figures(samples, sleep_ms, [server.name for server in servers])


def _rows(side: int) -> Iterator[Row]:
    def same(data: bytes) -> Callable[[Server], dict[str, str]]:
        picture = {"image_base64": _base64(data)}
        return lambda server: picture

    def new(encoding: str) -> Callable[[Server], dict[str, str]]:
        pictures = always_new(side, encoding)
        return lambda server: {"image_base64": _base64(next(pictures))}

    def sent(server: Server) -> dict[str, str]:
        return {"image_base64": _base64(server.last.body if server.last else photograph(side))}

    def named(server: Server) -> dict[str, str]:
        return {"image_sha256": server.last.sha256} if server.last else {}

    yield Row("the same JPEG", same(photograph(side)))
    yield Row("always a new JPEG", new("jpeg"))
    yield Row("the same PNG", same(photograph_png(side)))
    yield Row("always a new PNG", new("png"))
    yield Row("a chain, sent as PNG", sent, follows=True)
    yield Row("a chain, by its hash", named, follows=True)


def _in_turn(row: Row, servers: list[Server], requests: int, samples: Samples, recording: str) -> None:
    """Servers in the order A B B A, several requests each, behind one that is not measured."""
    for half in (servers, servers[::-1]):
        shared_bodies = [] if row.follows else [_body(row.picture(half[0])) for _ in range(requests + 1)]
        for server in half:
            try:
                for number in range(requests + 1):
                    body = shared_bodies[number] if shared_bodies else _body(row.picture(server))
                    answer = server.generate(body)
                    if number:
                        samples[row.name, recording, server.name].append(answer.beside_ms)
            except NotMade as error:  # an older checkout does not know pictures by their hash
                if "image_sha256" not in str(error):
                    raise


def http_alone(options: Options, sleep_ms: int) -> dict[str, list[float]]:
    """Milliseconds for the same bytes in and out, and nothing between; as far apart as beside an engine, when caches
    are cold. A PNG as large as a frame is answered."""
    picture = photograph_png(options.side)
    bodies = {
        YARDSTICK: _body({"image_base64": _base64(photograph(options.side))}),
        "PNG in, PNG out": _body({"image_base64": _base64(picture)}),
        "a hash in, PNG out": _body({"image_sha256": hashlib.sha256(picture).hexdigest()}),
        "nothing in, nothing out": b"",
    }
    taken: dict[str, list[float]] = defaultdict(list)
    with tempfile.TemporaryDirectory(prefix="pfb-") as folder:
        answer = Path(folder) / "answer.png"
        answer.write_bytes(picture)
        with running(sys.executable, "bare", answer) as port:
            server = Server("HTTP alone", port)
            for name, body in bodies.items():
                for number in range(2 * options.requests + 1):
                    time.sleep(sleep_ms / 1000)
                    answered = server.generate(body) if body else server.ask("GET", "/health")
                    if number:
                        taken[name].append(answered.beside_ms)
    return taken


def _figures(samples: Samples, sleep_ms: int, servers: list[str]) -> list[Figure]:
    http = {name: Spread.of(values) for (name, _, server), values in samples.items() if server == "bare"}
    figures = [
        Figure(f"HTTP alone: {name} ({sleep_ms} ms apart)", each.median, "ms", detail=f"{each}; {machine()}")
        for name, each in http.items()
    ]
    for name, recording in dict.fromkeys((name, recording) for name, recording, server in samples if server != "bare"):
        of = {server: samples.get((name, recording, server), []) for server in servers}
        spreads = {server: Spread.of(values) for server, values in of.items() if values}
        ours = spreads.get("ours")
        if ours is None:
            continue
        goal = GOALS.get((name, recording))
        detail = f"{ours}, {ours.median / http[YARDSTICK].median:.1f} of HTTP alone"
        if "before" in spreads:
            detail += f"; before {spreads['before']}, ratio {ours.median / spreads['before'].median:.2f}"
        figures.append(
            Figure(
                f"beside an engine of {sleep_ms} ms: {name}, recording {recording}",
                ours.median,
                "ms",
                at_most=goal and goal * http[YARDSTICK].median / HTTP_MS,
                detail=detail,
            )
        )
    return figures


_targets = itertools.cycle(names(3))
_seeds = itertools.count(1)


def _body(picture: dict[str, str]) -> bytes:
    """The JSON of the next request: another target each time."""
    return json.dumps({**picture, "target_sector": next(_targets), "prompt": "a bee", "seed": next(_seeds)}).encode()


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()
