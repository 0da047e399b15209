"""``parafovea trials``: the trials of a session, and each change in them."""

from __future__ import annotations

import csv
import io
import sys
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path
from time import localtime, strftime
from typing import Annotated, Any, NoReturn

import typer

from cli.output import print_table, printable, reader_may_leave, say, session_folder
from shared.process.runner import EXIT_REFUSED
from shared.process.settings import load_settings
from shared.session.reading.change_rows import FIELD
from shared.session.reading.sessions import holds_session
from shared.session.reading.trials import COLUMNS, ChangeRow, rows, summaries
from shared.texts import json_line

HEADINGS = ("trial", "change", "kind", "target", "trigger", "trigger to frame ms", "since end ms", "degrees", "outcome")


def trials(
    session: Annotated[str, typer.Argument(help="A session's id, or the path of its folder.")],
    as_csv: Annotated[
        bool, typer.Option("--csv", help="Print one row a change, for pandas, R and spreadsheets.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object a trial, a line each.")] = False,
) -> None:
    """Print the trials of a session: what each was set up with, and when each of its changes reached which stage.

    Exit code 0: all was read. 2: there is no such session, or it cannot be read.
    """
    folder = session_folder(load_settings(), session)
    if not folder.is_dir() or not holds_session(folder):
        _refuse(f"there is no session {session!r}; looked for {folder}")
    if as_csv and as_json:
        _refuse("--csv and --json are two forms of the same; choose one")
    try:
        with reader_may_leave():
            if as_csv:
                _print_csv(folder)
            elif as_json:
                for trial in _with_changes(folder):
                    say(json_line(trial, sys.stdout.encoding))
            else:
                _print(folder)
    except BrokenPipeError:
        raise
    except OSError as error:
        _refuse(f"cannot read the trials of {folder}: {error.strerror or error}")


def _refuse(sentence: str) -> NoReturn:
    say(printable(f"parafovea: {sentence}"), err=True)
    raise typer.Exit(EXIT_REFUSED)


def _with_changes(folder: Path) -> Iterator[dict[str, Any]]:
    """Each trial's summary, with its changes."""
    known = summaries(folder)
    changes = groupby(rows(folder), key=lambda row: row.trial_id)
    following = next(changes, None)
    for trial in known:
        of_it: list[dict[str, Any]] = []
        if following is not None and following[0] == trial["trial_id"]:
            of_it = [row.flat() for row in following[1]]
            following = next(changes, None)
        yield {**trial, "changes": of_it}


def _print_csv(folder: Path) -> None:
    names = dict.fromkeys(
        f"{FIELD}{name}"
        for trial in summaries(folder)
        if isinstance(trial["config"], dict) and isinstance(trial["config"].get("fields"), dict)
        for name in trial["config"]["fields"]
    )
    columns = [*COLUMNS, *names]
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(newline="\n")
    writer = csv.DictWriter(sys.stdout, columns, extrasaction="ignore", lineterminator="\n")
    writer.writeheader()
    for row in rows(folder):
        writer.writerow({name: _cell(value) for name, value in row.flat().items()})


def _cell(value: Any) -> Any:
    """Empty where it is missing; true and false as every reader knows them."""
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    return value


def _print(folder: Path) -> None:
    known = summaries(folder)
    if not known:
        say("no trials")
        return
    for trial in known:
        say(_sentence(trial))
    print_table(HEADINGS, [_row(row) for row in rows(folder)])


def _sentence(trial: dict[str, Any]) -> str:
    config = trial["config"] if isinstance(trial["config"], dict) else {}
    begun = trial["begun_at"]
    when = strftime("%Y-%m-%d %H:%M:%S", localtime(begun)) if isinstance(begun, float) else "at an unknown time"
    participant = f" of {config['participant']}" if config.get("participant") else ""
    why = f" ({trial['reason']})" if trial["reason"] else ""
    steps = trial["steps"]
    counts = f"{trial['samples']} samples, {steps.get('swap', 0)} swaps, {steps.get('displayed', 0)} displayed"
    told = f"trial {trial['trial_id']}{participant}: begun {when}, {trial['duration_s']:.1f} s, {trial['state']}{why}"
    return printable(f"{told}; {counts}")


def _row(row: ChangeRow) -> tuple[str, ...]:
    reason = f": {row.reason}" if row.reason else ""
    late = " (late)" if row.is_late else ""
    missed = f", after {row.misses} missed (the last: {row.last_miss})" if row.prepared and row.misses else ""
    return (
        printable(row.trial_id),
        str(row.change),
        row.kind,
        row.target or "-",
        printable(row.trigger or "-"),
        _number(row.trigger_to_next_frame_ms, ".1f"),
        _number(row.since_end_ms, ".1f"),
        _number(row.eccentricity_deg, ".2f"),
        printable(f"{row.outcome}{late}{missed}{reason}"),
    )


def _number(value: float | None, form: str) -> str:
    return "-" if value is None else format(value, form)
