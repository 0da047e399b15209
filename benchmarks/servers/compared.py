"""Three servers in one run: milliseconds beside the engine, and ours against each of the others."""

from __future__ import annotations

import base64
import itertools
import json
import sys
import tempfile
from collections import defaultdict
from contextlib import ExitStack
from pathlib import Path

from benchmarks.figures import Figure
from benchmarks.options import Options
from benchmarks.pictures import photograph
from benchmarks.servers.installed import NotInstalled, python
from benchmarks.servers.running import running
from benchmarks.systems import sleeping_system, slept_file
from benchmarks.timed import Server, Spread, machine, set_recording
from shared.sectors import names

ROUNDS = 2
RECORDED = "Parafovea, recording"
OURS = ("Parafovea, not recording", RECORDED)
PILLOWS_DEFAULT, FASTEST = 6, 1
GOALS = {PILLOWS_DEFAULT: 0.05, FASTEST: 0.17}
"""Ours with recording on, against FastAPI at a level."""


def measure(options: Options | None = None) -> list[Figure]:
    """One table; without the others where they can't be installed, which is said."""
    options = options or Options()
    try:
        interpreter: Path | None = python()
    except NotInstalled as error:
        print(f"FastAPI and LitServe can't be installed here, so only ours is measured: {error}", file=sys.stderr)
        interpreter = None
    return _measured(options, options.sleeps_ms[0], interpreter)


def _measured(options: Options, sleep_ms: int, interpreter: Path | None) -> list[Figure]:
    samples: dict[str, list[float]] = defaultdict(list)
    with ExitStack() as stack:
        ours = [stack.enter_context(sleeping_system(sleep_ms)) for _ in OURS]
        servers = [Server(name, system.port, slept_file(system)) for name, system in zip(OURS, ours, strict=True)]
        for server in servers:
            set_recording(server, server.name == RECORDED)
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="pfb-")))
        for (program, called), level in itertools.product(
            (("plain", "FastAPI and Pillow"), ("lit", "LitServe")), (PILLOWS_DEFAULT, FASTEST) if interpreter else ()
        ):
            slept = folder / f"{program}{level}"
            assert interpreter is not None
            port = stack.enter_context(running(interpreter, program, str(sleep_ms), slept, str(level)))
            servers.append(Server(_name(called, level), port, slept))
        image = base64.b64encode(photograph(options.side)).decode()
        for _ in range(ROUNDS):
            for server in [*servers, *reversed(servers)]:
                for number in range(options.requests + 1):
                    target = names(3)[number % 9]
                    body = {"image_base64": image, "target_sector": target, "prompt": "a bee", "seed": number}
                    answer = server.generate(json.dumps(body).encode())
                    if number:
                        samples[server.name].append(answer.beside_ms)
    return _figures({name: Spread.of(values) for name, values in samples.items()}, sleep_ms)


def _figures(spreads: dict[str, Spread], sleep_ms: int) -> list[Figure]:
    figures = [
        Figure(f"{name}: beside an engine of {sleep_ms} ms", spread.median, "ms", detail=f"{spread}; {machine()}")
        for name, spread in spreads.items()
    ]
    goals = {(RECORDED, _name("FastAPI and Pillow", level)): goal for level, goal in GOALS.items()}
    for ours, other in itertools.product(OURS, [name for name in spreads if name not in OURS]):
        ratio = spreads[ours].median / spreads[other].median
        figures.append(Figure(f"{ours} / {other}", ratio, at_most=goals.get((ours, other))))
    return figures


def _name(called: str, level: int) -> str:
    return f"{called}, PNG level {level}" + (" (Pillow's default)" if level == PILLOWS_DEFAULT else "")
