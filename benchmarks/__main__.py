"""``python -m benchmarks [NAME...]``: measure, print a table, exit 1 where a limit does not hold."""

from __future__ import annotations

import importlib
import sys

from rich.console import Console
from rich.table import Table

from benchmarks.figures import Figure

NAMES = (
    "png_encoding",
    "editing",
    "http_overhead",
    "recording",
    "health",
    "footprint",
    "appending",
    "reading",
    "soak",
    "playback",
    "gaze.eyes",
    "gaze.swaps",
    "gaze.loop",
    "gaze.page",
)


def main(names: list[str]) -> int:
    """Run the benchmarks named, or all."""
    unknown = set(names) - set(NAMES)
    if unknown:
        print(f"no benchmark {', '.join(sorted(unknown))}; there are {', '.join(NAMES)}", file=sys.stderr)
        return 2
    console = Console()
    figures: list[Figure] = []
    for name in names or NAMES:
        console.print(f"[dim]measuring {name} ...")
        figures += importlib.import_module(f"benchmarks.{name}").measure()
    table = Table("figure", "value", "limit", "holds", "detail")
    for figure in figures:
        holds = "" if not figure.limit else "yes" if figure.holds else "[red]NO"
        table.add_row(figure.name, f"{figure.value:.3g} {figure.unit}", figure.limit, holds, figure.detail)
    console.print(table)
    return 0 if all(figure.holds for figure in figures) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
