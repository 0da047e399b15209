"""What commands share in printing: one line a row, safe to show, and an end without a word when nobody reads on."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import typer
from rich.console import Console
from rich.table import Table


def printable(text: str) -> str:
    """The text on one line, without anything that a terminal would obey: prompts and names come from anywhere."""
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)


def print_table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """A table on a terminal; tab-separated lines, for other programs, everywhere else."""
    if not sys.stdout.isatty():
        for row in rows:
            typer.echo("\t".join(row))
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in headings[:-1]:
        table.add_column(heading, no_wrap=True, overflow="fold")
    table.add_column(headings[-1])
    for row in rows:
        table.add_row(*row)
    Console(markup=False).print(table)


@contextmanager
def reader_may_leave() -> Iterator[None]:
    """End quietly when standard output is closed, as in ``parafovea tap | head``."""
    try:
        yield
        sys.stdout.flush()
    except BrokenPipeError:
        # So that the interpreter's own flush at exit has somewhere to go.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise typer.Exit(0) from None
