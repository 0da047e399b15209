"""What the commands of ``parafovea models`` print alike: sentences that fit a terminal, sizes, and why not."""

from __future__ import annotations

import shutil
import sys
import textwrap
from typing import NoReturn

from cli.output import fail, printable, say, say_json
from services.generator.models.libraries import prepare_libraries
from services.generator.models.memory import GB

MB = 1_000_000
_FEW_BYTES = 100 * MB


def prepare() -> None:
    """Import what reads models, and have it say nothing of itself."""
    prepare_libraries()


def paragraph(text: str, first: str = "", indent: int | None = None) -> None:
    """Print a text behind ``first``, its other lines below: as wide as the terminal, or one line for other programs."""
    whole = first + printable(text)
    if not sys.stdout.isatty():
        say(whole)
        return
    width = shutil.get_terminal_size().columns
    below = " " * (len(first) if indent is None else indent)
    say(textwrap.fill(whole, width, subsequent_indent=below, break_on_hyphens=False, drop_whitespace=True))


def rows(pairs: list[tuple[str, str]]) -> None:
    """Print a name and a text a line."""
    width = max(len(name) for name, _ in pairs) + 2
    for name, text in pairs:
        paragraph(text, name.ljust(width))


def gigabytes(amount: float | None, digits: int = 2) -> str:
    """Bytes in GB; in MB where they are few."""
    if amount is None:
        return "?"
    return f"{amount / MB:.1f} MB" if amount < _FEW_BYTES else f"{amount / GB:.{digits}f} GB"


def refuse(name: str, why: str, *, as_json: bool) -> NoReturn:
    """Say why a model would not be loaded, and end, by typer.Exit."""
    if as_json:
        say_json({"model": name, "verdict": "refused", "refused": [why]})
    fail(f"{printable(name)} cannot be used: {printable(why)}")
