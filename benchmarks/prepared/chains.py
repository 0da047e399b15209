"""Random chains of changes, prepared and committed by one server, and made again by ``/generate`` of another one.

Each chain is drawn from its number: size, format, colour profile and grid of the picture, sectors, what is committed,
and between whiles the view goes back to the picture before, or to another one that differs in a rectangle.
"""

from __future__ import annotations

import itertools
import random
import time

from benchmarks.figures import Figure
from benchmarks.options import Options
from benchmarks.prepared.chain import Chain, Tally
from benchmarks.systems import sleeping_system
from benchmarks.timed import Server

KINDS = ("layer", "inpaint", "edit")
VIEWS = 8
"""A generator keeps some dozens of views for a minute each: chain after chain goes on with one of these."""


def measure(options: Options | None = None) -> list[Figure]:
    """Frames that differ, for each kind of model; and changes that are stale though they need not be, or should be."""
    options = options or Options()
    return [figure for kind in KINDS for figure in _chains(kind, options.chains)]


def _chains(kind: str, chains: int) -> list[Figure]:
    tally = Tally()
    started = time.monotonic()
    with sleeping_system(0, kind) as prepares, sleeping_system(0, kind) as generates:
        servers = Server("prepares", prepares.port), Server("generates", generates.port)
        for number in range(chains):
            Chain(kind, *servers, random.Random(f"{kind} {number}"), tally).run(f"view {number % VIEWS}")
    detail = f"{tally.committed} frames of {chains} chains in {time.monotonic() - started:.0f} s"
    told = itertools.islice(tally.differences, 3)
    return [
        Figure(
            f"committed frames unlike those of /generate, {kind} stand-in",
            len(tally.differences),
            at_most=0,
            detail="; ".join([detail, *told]),
        ),
        Figure(
            f"changes that are wrongly stale, or wrongly not, {kind} stand-in",
            len(tally.wrongly),
            at_most=0,
            detail="; ".join(
                [f"{tally.stale} of {tally.settled} looked at are stale", *itertools.islice(tally.wrongly, 3)]
            ),
        ),
    ]
