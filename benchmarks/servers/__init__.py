"""Parafovea beside a plain FastAPI server and LitServe, on the same picture and the same sleep.

The two others run in an environment of their own, with nothing of this project's but the drawing and the grid.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from benchmarks.figures import Figure
    from benchmarks.options import Options


def measure(options: Options | None = None) -> list[Figure]:
    """What each adds to its engine's time; imported here, as the others have none of the libraries."""
    from benchmarks.servers.compared import measure

    return measure(options)
