"""``/generate`` over HTTP with the pipeline's own time taken out, at 512 and 1024 square, with recording off and on.

What a server adds to a 300 ms pipeline: reading the request, the bus, decoding, encoding the PNG, recording, answering.
The yardstick, in the same run, is Pillow's PNG encoding of the same picture at its default level.
"""

from __future__ import annotations

import io
import statistics
import time

from PIL import Image

from benchmarks.figures import Figure, seconds
from benchmarks.systems import Caller, generate_body, photograph, sleeping_system

REQUESTS = 12
PILLOW_MS = 311.0
AIMS = {"off": 22.6 / PILLOW_MS, "on": 44.0 / PILLOW_MS}
"""A tenth of what a single process with Pillow adds (226 ms, and 440 ms when it records), measured on a machine where
Pillow's encoding took :data:`PILLOW_MS`."""


def measure() -> list[Figure]:
    """What is added, as a share of Pillow's encoding time."""
    figures = []
    with sleeping_system() as system:
        caller = Caller(system)
        for recording in ("off", "on"):
            if recording == "on":
                caller.post("/session/start")
            for side in (512, 1024):
                body = generate_body(photograph(side))
                caller.generate(body)
                added, encoding = [], []
                for _ in range(REQUESTS):
                    started = time.perf_counter()
                    answer = caller.generate(body)
                    added.append((time.perf_counter() - started) * 1000 - answer.generation_ms)
                    picture = Image.open(io.BytesIO(answer.png))
                    picture.load()
                    encoding.append(seconds(lambda shown=picture: shown.save(io.BytesIO(), "png")) * 1000)
                ours, pillows = statistics.median(added), statistics.median(encoding)
                figures.append(
                    Figure(
                        f"added to the pipeline's time at {side} square, recording {recording}, "
                        "against Pillow's PNG encoding alone",
                        ours / pillows,
                        detail=f"{ours:.1f} ms against {pillows:.0f} ms in this run"
                        + (f"; aim {AIMS[recording]:.3f}" if side == 1024 else ""),
                    )
                )
    return figures
