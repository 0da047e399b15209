"""How long a live ``/generate`` waits for the model while changes are prepared all the time."""

from __future__ import annotations

import itertools
import json
import statistics

from benchmarks.figures import Figure
from benchmarks.options import Options
from benchmarks.pictures import photograph
from benchmarks.prepared.ahead import Ahead
from benchmarks.systems import generate_body, sleeping_system
from benchmarks.timed import Server
from shared.png_chunks import read_text
from shared.sectors import names
from shared.session.format.metadata import PNG_KEYWORD


def measure(options: Options | None = None) -> list[Figure]:
    """Its wait against one run of the model: what is prepared lets it go first, and only the run under way is ended."""
    options = options or Options()
    sleep_ms = options.sleeps_ms[0]
    waits: list[float] = []
    with sleeping_system(sleep_ms, "layer") as system:
        server = Server("layer", system.port)
        ahead = Ahead(server, "measured")
        picture = photograph(options.side)
        for seed in itertools.count(1):
            # More than the model gets to before the live one comes, and a new seed: nothing is drawn already.
            ahead.prepare(picture, names(3), seed=seed, prompt="a bee", supersede=True)
            frame = server.generate(generate_body(picture, seed=seed))
            waits.append(json.loads(read_text(frame.body)[PNG_KEYWORD])["queued_ms"])
            if len(waits) == 4 * options.requests:
                break
    return [
        Figure(
            f"a live request's longest wait beside changes being prepared, in runs of the model of {sleep_ms} ms",
            max(waits) / sleep_ms,
            at_most=1.1,
            detail=f"{len(waits)} requests; median {statistics.median(waits):.0f} ms, longest {max(waits):.0f} ms",
        )
    ]
