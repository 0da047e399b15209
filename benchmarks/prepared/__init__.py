"""Changes that are ready before they are wanted: what committing one takes, whether it is what ``/generate`` makes, and
how often one is there when the eye moves."""

from __future__ import annotations

from benchmarks.figures import Figure
from benchmarks.options import Options
from benchmarks.prepared import chains, chances, committing, waiting


def measure(options: Options | None = None) -> list[Figure]:
    """All of them; each of the four can be measured alone: ``python -m benchmarks prepared.chains``."""
    options = options or Options()
    return [figure for part in (committing, waiting, chances, chains) for figure in part.measure(options)]
