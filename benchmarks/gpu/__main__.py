"""``python -m benchmarks.gpu``: measure this server on a graphics card, with random weights in the shapes of models."""

from __future__ import annotations

import argparse
import os
import signal
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from benchmarks.gpu import card, measuring, report
from benchmarks.gpu.card import NoCard
from benchmarks.gpu.measuring import PLAIN, Measured, Options
from benchmarks.gpu.models import NAMES
from shared.system.cache import cache_root

MIN_REQUESTS = 2
"""Of one there is no 95th percentile."""
TINY_DEVICE = "cpu"


def main(arguments: Sequence[str]) -> int:
    """0: all was measured. 1: something could not be. 2: nothing was, for the reason that is said."""
    given = _parser().parse_args(arguments)
    names = [name.strip() for name in given.models.split(",") if name.strip()]
    if unknown := set(names) - set(NAMES):
        return _refused(f"there is no model {', '.join(sorted(unknown))}; there are {', '.join(NAMES)}")
    if not names:
        return _refused(f"--models names none; there are {', '.join(NAMES)}")
    if given.steps is not None and given.steps < 1:
        return _refused("--steps is at least 1")
    if given.requests < MIN_REQUESTS:
        return _refused(f"--requests is at least {MIN_REQUESTS}: of one there is no 95th percentile")
    if os.name == "nt":
        return _refused("This benchmark starts processes as Unix does; Windows has WSL for it.")
    try:
        found = card.ask(given.device or (TINY_DEVICE if given.tiny else "auto"))
    except NoCard as error:
        return _refused(str(error))
    asked_for = {"compile": given.compile, "channels_last": given.channels_last}
    variants = (PLAIN, *(name for name, asked in asked_for.items() if asked))
    with tempfile.TemporaryDirectory(prefix="pfg-caches-") as caches:
        options = Options(found, given.requests, given.steps, given.tiny, variants, given.folder, Path(caches))
        return _measure(names, options, given.out)


def _measure(names: Sequence[str], options: Options, out: Path | None) -> int:
    console = report.console()
    console.print(report.heading(options), markup=False)
    console.print(f"Models are kept in {options.root}; it can be deleted.", markup=False, soft_wrap=True)
    done: list[Measured] = []
    for name in names:
        console.print(f"[dim]{name} ...")
        for one in measuring.measure(name, options):
            done.append(one)
            if one.failed is None:
                console.print(report.table(one))
            else:
                console.print(f"{one.title}, {one.variant}: {one.failed}", markup=False, soft_wrap=True)
            if out is not None:  # after each: whoever ends the command has what was measured until then
                report.write(out, options, done)
    return 1 if any(one.failed for one in done) else 0


def _refused(why: str) -> int:
    print(why, file=sys.stderr)
    return 2


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.gpu",
        description="Measure this server on a graphics card with random weights in the shapes of real models. Nothing "
        "is fetched.",
    )
    parser.add_argument("--models", default=",".join(NAMES), metavar="A,B", help=f"of {', '.join(NAMES)}")
    parser.add_argument("--requests", type=int, default=20, metavar="N", help="of each kind (20)")
    parser.add_argument("--steps", type=int, metavar="N", help="of denoising; without it what is usual with each model")
    parser.add_argument("--device", help="auto, cuda, cuda:N, mps or cpu; without it a card, for --tiny the processor")
    parser.add_argument("--compile", action="store_true", help="also with PARAFOVEA_COMPILE, which takes minutes")
    parser.add_argument("--channels-last", action="store_true", help="also with PARAFOVEA_CHANNELS_LAST")
    parser.add_argument("--tiny", action="store_true", help="tiny models, to try the command without a card")
    parser.add_argument("--out", type=Path, metavar="FILE", help="write the figures there as JSON too")
    parser.add_argument(
        "--folder",
        type=Path,
        default=cache_root() / "bench-gpu",
        metavar="FOLDER",
        help="where models are written, up to 45 GB for all; without it %(default)s",
    )
    return parser


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))  # so that nothing is left behind
    sys.exit(main(sys.argv[1:]))
