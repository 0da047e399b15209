"""What commands share: where a session lies; printing, one line a row and safe to show; and how they end."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal, NoReturn

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, TextColumn, TimeRemainingColumn
from rich.table import Table

from shared.process.settings import Settings
from shared.process.worker import FAILED
from shared.texts import json_text

By = Literal["auto", "server", "here"]
"""Who makes the frames of a session again, for ``parafovea verify``."""


def session_folder(settings: Settings, session: str) -> Path:
    """The folder of a session that is named by its id, or by the path of its folder."""
    given = Path(session)
    if given.is_dir() and (len(given.parts) > 1 or given.is_absolute()):
        return given.resolve()
    return settings.sessions_dir / session


def fail(problem: str) -> NoReturn:
    """Say what is wrong and end, by typer.Exit."""
    Console(stderr=True).print(problem, markup=False, highlight=False, soft_wrap=True)
    raise typer.Exit(FAILED)


def prepare() -> None:
    """Make standard output and standard error take every character: one that their encoding lacks goes out as its
    escape. A locale without UTF-8 (``LC_ALL=C``, an old Windows console) is no reason to end with a traceback."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:  # closed by whoever started us
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115
        elif isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def say(text: str, *, err: bool = False) -> None:
    """Print a line, in the stream's own encoding."""
    print(text, file=sys.stderr if err else sys.stdout)


def say_json(value: Any) -> None:
    """Print a value as JSON, over several lines."""
    say(json_text(value, sys.stdout.encoding))


def printable(text: str) -> str:
    """The text on one line, without anything that a terminal would obey: prompts and names come from anywhere."""
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)


def print_table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """A table on a terminal; tab-separated lines, for other programs, everywhere else."""
    if not sys.stdout.isatty():
        for row in rows:
            say("\t".join(row))
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in headings[:-1]:
        table.add_column(heading, no_wrap=True, overflow="fold")
    table.add_column(headings[-1])
    for row in rows:
        table.add_row(*row)
    Console(markup=False).print(table)


def progress(*columns: ProgressColumn, quiet: bool = False) -> Progress:
    """A bar on standard error, where that is a terminal, which is gone at the end; without ``columns`` it counts."""
    counting = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    errors = Console(stderr=True)
    return Progress(*(columns or counting), console=errors, disable=quiet or not errors.is_terminal, transient=True)


@contextmanager
def reader_may_leave() -> Iterator[None]:
    """End quietly when standard output is closed, as in ``parafovea tap | head``."""
    try:
        yield
        sys.stdout.flush()
    except BrokenPipeError:
        nobody_reads()
        raise typer.Exit(0) from None


@contextmanager
def flushed() -> Iterator[None]:
    """Write out what is still in the buffer, behind whatever ends the command, and say nothing if nobody reads it."""
    try:
        yield
    finally:
        try:
            sys.stdout.flush()
        except BrokenPipeError:
            nobody_reads()


def nobody_reads() -> None:
    """Give the interpreter's own flush at exit somewhere to go."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
