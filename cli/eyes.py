"""``parafovea eyes``: saccades, blinks and fixations in a recorded gaze trace."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from math import isfinite
from pathlib import Path
from typing import Annotated, Any, NoReturn, TextIO

import typer

from cli.output import print_table, printable, reader_may_leave, say
from shared.gaze.detectors.eyes import EyeDetectors
from shared.gaze.detectors.whole import WholeEvents
from shared.gaze.events import EyeEvent
from shared.gaze.screen import ASSUMED_SCREEN, Screen
from shared.gaze.trace import Trace, UnusableTrace
from shared.process.runner import EXIT_REFUSED
from shared.texts import json_line

STANDARD_INPUT = "-"
HEADINGS = ("kind", "onset s", "offset s", "ms", "degrees", "deg/s", "x", "y")
_PAIR = re.compile(r"([0-9.]+)[x×,]([0-9.]+)")
MAX_PX, MAX_M, MAX_RATE_HZ = 100_000, 100.0, 100_000.0


def eyes(
    file: Annotated[str, typer.Argument(help="A CSV file t,x,y[,pupil][,confidence][,open], or - for standard input.")],
    rate: Annotated[float | None, typer.Option(help="What the tracker has, in Hz; else it is measured.")] = None,
    screen_px: Annotated[str | None, typer.Option(help="Width and height of the screen in pixels: 1024x768.")] = None,
    screen_m: Annotated[str | None, typer.Option(help="Width and height of the screen in metres: 0.38x0.30.")] = None,
    distance_m: Annotated[float | None, typer.Option(help="From the eyes to the screen, in metres.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object a line.")] = False,
) -> None:
    """Print each saccade, blink, fixation and loss of data in a gaze trace, when it is over.

    The trace is read once from its beginning, as a tracker would send it: nothing is known before it has come.

    Exit code 0: all was read. 2: the file, or an option, is not what it should be.
    """
    if rate is not None and not 0 < rate <= MAX_RATE_HZ:
        _refuse("--rate has to be a number of Hz above 0, such as 500")
    screen = _screen(screen_px, screen_m, distance_m)
    try:
        with reader_may_leave(), _opened(file) as opened:
            trace = Trace(opened)
            events = _events(trace, EyeDetectors(screen, rate_hz=rate))
            if as_json:
                for event in events:
                    say(json_line(_as_json(event), sys.stdout.encoding))
            elif sys.stdout.isatty():
                print_table(HEADINGS, [_row(event) for event in events])
            else:  # lines for another program: each when its event is over, and none kept
                for event in events:
                    print_table(HEADINGS, [_row(event)])
    except UnusableTrace as error:
        _refuse(f"{file} is no gaze trace: {error}")
    except OSError as error:
        _refuse(f"cannot read {file}: {error.strerror or error}")
    if trace.skipped:
        say(
            f"parafovea: {trace.skipped} samples were left out, since they are not later than the one before; the "
            f"first is in line {trace.first_skipped_line}",
            err=True,
        )


def _refuse(sentence: str) -> NoReturn:
    say(printable(f"parafovea: {sentence}"), err=True)
    raise typer.Exit(EXIT_REFUSED)


@contextmanager
def _opened(file: str) -> Iterator[TextIO]:
    if file == STANDARD_INPUT:
        with open(sys.stdin.fileno(), encoding="utf-8", errors="replace", newline="", closefd=False) as opened:
            yield opened
        return
    with Path(file).open(encoding="utf-8", errors="replace", newline="") as opened:
        yield opened


def _events(trace: Trace, detectors: EyeDetectors) -> Iterator[EyeEvent]:
    whole = WholeEvents()
    for sample in trace:
        yield from whole.take(detectors.take(sample))
    yield from whole.take(detectors.finish())


def _screen(px: str | None, m: str | None, distance_m: float | None) -> Screen:
    """As measured, and where that is not said, as assumed."""
    given = ASSUMED_SCREEN
    wide, high = _pair("--screen-px", px, MAX_PX, "1024x768") if px is not None else given.px
    size_m = _pair("--screen-m", m, MAX_M, "0.38x0.30") if m is not None else given.m
    away_m = given.distance_m if distance_m is None else distance_m
    if not isfinite(away_m) or not 0 < away_m <= MAX_M:
        _refuse("--distance-m has to be a number of metres above 0, such as 0.67")
    assumed = m is None or distance_m is None
    if assumed:
        say(
            f"parafovea: the screen is assumed to be {size_m[0]:g} x {size_m[1]:g} m, {away_m:g} m away, so degrees "
            "are rough; --screen-m and --distance-m say what it is",
            err=True,
        )
    return Screen((round(wide), round(high)), size_m, away_m, is_assumed=assumed)


def _pair(option: str, text: str, limit: float, example: str) -> tuple[float, float]:
    match = _PAIR.fullmatch(text.strip())
    try:
        values = (float(match[1]), float(match[2])) if match else None
    except ValueError:
        values = None
    if values is None or not all(0 < value <= limit for value in values):
        _refuse(f"{option} has to be width and height, such as {example}")
    return values


def _as_json(event: EyeEvent) -> dict[str, Any]:
    """The event in seconds, without what is not known: JSON has no NaN."""
    known: dict[str, Any] = {
        "kind": event.kind,
        "onset_s": event.onset_ns / 1e9,
        "offset_s": (event.offset_ns if event.offset_ns is not None else event.onset_ns) / 1e9,
        "detected_s": event.detected_ns / 1e9,
        "noticed_s": event.noticed_ns / 1e9,
    }
    rest = {name: getattr(event, name) for name in ("amplitude_deg", "peak_deg_s", "x", "y", "x_end", "y_end")}
    return known | {name: round(value, 6) for name, value in rest.items() if isfinite(value)}


def _row(event: EyeEvent) -> tuple[str, ...]:
    offset_ns = event.offset_ns if event.offset_ns is not None else event.onset_ns
    numbers = [
        (event.amplitude_deg, ".2f"),
        (event.peak_deg_s, ".0f"),
        (event.x, ".3f"),
        (event.y, ".3f"),
    ]
    return (
        event.kind,
        f"{event.onset_ns / 1e9:.3f}",
        f"{offset_ns / 1e9:.3f}",
        f"{(offset_ns - event.onset_ns) / 1e6:.0f}",
        *(format(value, form) if isfinite(value) else "-" for value, form in numbers),
    )
