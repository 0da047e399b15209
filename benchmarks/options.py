"""What a person may set of the benchmarks that compare servers and checkouts."""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Options:
    """The defaults are what the published figures are measured with.

    Attributes:
        against: another checkout of the project, measured beside this one; None: this one alone.
        requests: measured in a row, before another server has its turn.
        sleeps_ms: how long the engine sleeps; each is measured by itself.
        chains: random chains of prepared changes, for each kind of engine.
        minutes: how long a viewer looks.
        side: width and height of the picture.
    """

    against: Path | None = None
    requests: int = 5
    sleeps_ms: tuple[int, ...] = (300, 40)
    chains: int = 1000
    minutes: float = 3.0
    side: int = 1024


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options, as arguments of a command."""
    default = Options()
    parser.add_argument("--against", type=Path, metavar="PATH", help="another checkout, measured beside this one")
    parser.add_argument("--requests", type=int, default=default.requests, metavar="N", help="in a row, on one server")
    parser.add_argument(
        "--sleeps", type=int, nargs="+", default=default.sleeps_ms, metavar="MS", help="how long the engine sleeps"
    )
    parser.add_argument("--chains", type=int, default=default.chains, metavar="N", help="of prepared changes")
    parser.add_argument("--minutes", type=float, default=default.minutes, metavar="N", help="how long a viewer looks")
    parser.add_argument("--side", type=int, default=default.side, metavar="PIXELS", help="of the picture")


def options_of(arguments: argparse.Namespace) -> Options:
    """What was given."""
    return Options(
        against=arguments.against.resolve() if arguments.against else None,
        requests=arguments.requests,
        sleeps_ms=tuple(arguments.sleeps),
        chains=arguments.chains,
        minutes=arguments.minutes,
        side=arguments.side,
    )
