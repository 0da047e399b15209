"""``python -m benchmarks [NAME...]``: measure, print a table, exit 1 where a limit does not hold."""

from __future__ import annotations

import argparse
import importlib
import sys

from rich.console import Console
from rich.table import Table

from benchmarks.figures import Figure
from benchmarks.options import Options, add_arguments, options_of

NAMES = (
    "png_encoding",
    "editing",
    "inference_thread",
    "path",
    "servers",
    "prepared",
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
PARTS = ("prepared.committing", "prepared.waiting", "prepared.chances", "prepared.chains")
"""Of one of those, which may be named alone."""
TAKE_OPTIONS = ("path", "servers", "prepared", *PARTS)


def main(arguments: list[str]) -> int:
    """Run the benchmarks named, or all."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="Measure what the project publishes.")
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join((*NAMES, *PARTS)))
    add_arguments(parser)
    given = parser.parse_args(arguments)
    if unknown := set(given.names) - {*NAMES, *PARTS}:
        print(f"no benchmark {', '.join(sorted(unknown))}; there are {', '.join((*NAMES, *PARTS))}", file=sys.stderr)
        return 2
    console = Console()
    figures: list[Figure] = []
    for name in given.names or NAMES:
        console.print(f"[dim]measuring {name} ...")
        figures += measured(name, options_of(given))
    console.print(table(figures))
    return 0 if all(figure.holds for figure in figures) else 1


def measured(name: str, options: Options) -> list[Figure]:
    """The figures of one benchmark."""
    measure = importlib.import_module(f"benchmarks.{name}").measure
    figures: list[Figure] = measure(options) if name in TAKE_OPTIONS else measure()
    return figures


def table(figures: list[Figure]) -> Table:
    """What is printed."""
    shown = Table("figure", "value", "limit", "holds", "detail")
    for figure in figures:
        holds = "" if not figure.limit else "yes" if figure.holds else "[red]NO"
        shown.add_row(figure.name, f"{figure.value:.3g} {figure.unit}", figure.limit, holds, figure.detail)
    return shown


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
