"""A gaze trace: a CSV file with one sample a row, as trackers and experiment programs write it.

    t,x,y[,pupil][,confidence][,open]

Seconds, fractions of the screen, and what the tracker tells besides. Columns may stand in any order, and others are
passed over; a value that is empty or ``nan`` is missing.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from math import isfinite, nan
from typing import TextIO

from shared.gaze.sample import Sample

NEEDED = ("t", "x", "y")
OPTIONAL = ("pupil", "confidence", "open")
MAX_LINE_CHARS = 65_536
MAX_T_S = 1e10
"""Seconds since 1970 are 1.8e9; a number of this size is in another unit."""
MAX_SHOWN_CHARS = 40


class UnusableTrace(ValueError):
    """A file that is no gaze trace. The message names the line, and says what should stand there."""


class Trace:
    """The samples of a trace, read as they are asked for, once.

    Attributes:
        skipped: samples that were left out so far, since they were not later than the one before them: trackers write
            such when their clock is set, or two programs write one file.
        first_skipped_line: the line of the first of them; 0 while there is none.
    """

    def __init__(self, file: TextIO) -> None:
        """Of a text file, opened with ``newline=""`` and ``errors="replace"``, read from where it stands."""
        self.skipped = 0
        self.first_skipped_line = 0
        self._rows = csv.reader(_short_lines(file))

    def __iter__(self) -> Iterator[Sample]:
        """The samples, each later than the one before.

        Raises:
            UnusableTrace: a column is missing, a value is no number, a time is missing, or there is no sample.
        """
        columns: dict[str, int] | None = None
        last_ns: int | None = None
        for row in self._cells():
            if not any(cell.strip() for cell in row):
                continue
            if columns is None:
                columns = _columns(row, self._rows.line_num)
                continue
            sample = self._sample(row, columns)
            if last_ns is not None and sample.t_ns <= last_ns:
                self.skipped += 1
                self.first_skipped_line = self.first_skipped_line or self._rows.line_num
                continue
            last_ns = sample.t_ns
            yield sample
        if columns is None:
            raise UnusableTrace("it is empty; its first line has to name the columns, such as t,x,y")
        if last_ns is None:
            raise UnusableTrace("no line follows the one that names the columns; there has to be one for each sample")

    def _cells(self) -> Iterator[list[str]]:
        try:
            yield from self._rows
        except csv.Error as error:
            raise UnusableTrace(f"line {self._rows.line_num} is no line of a CSV file: {error}") from None

    def _sample(self, row: list[str], columns: dict[str, int]) -> Sample:
        t_s = self._number(row, columns, "t")
        if not isfinite(t_s) or abs(t_s) > MAX_T_S:
            raise UnusableTrace(f"line {self._rows.line_num} has no time: in the column t have to stand seconds")
        return Sample(
            round(t_s * 1e9), *(self._number(row, columns, name) for name in ("x", "y", "pupil", "confidence", "open"))
        )

    def _number(self, row: list[str], columns: dict[str, int], name: str) -> float:
        position = columns.get(name)
        text = row[position].strip() if position is not None and position < len(row) else ""
        if not text:
            return nan
        try:
            return float(text)
        except ValueError:
            raise UnusableTrace(
                f"line {self._rows.line_num}: {text[:MAX_SHOWN_CHARS]!r} in the column {name} is no number; write "
                "numbers with a point, and leave empty what is missing"
            ) from None


def _columns(row: list[str], line: int) -> dict[str, int]:
    """Where each of our columns stands, by its name in whatever case."""
    names = [cell.strip().lower() for cell in row]
    missing = [name for name in NEEDED if name not in names]
    if missing:
        raise UnusableTrace(
            f"line {line} names no column {', '.join(missing)}; it has to name t (seconds), x and y (fractions of "
            "the screen), with commas between them"
        )
    twice = [name for name in (*NEEDED, *OPTIONAL) if names.count(name) > 1]
    if twice:
        raise UnusableTrace(f"line {line} names the column {twice[0]} twice; rename one of them")
    return {name: names.index(name) for name in (*NEEDED, *OPTIONAL) if name in names}


def _short_lines(file: TextIO) -> Iterator[str]:
    """Its lines without a byte order mark; no file, whatever it holds, takes more memory than a long line."""
    number = 0
    while line := file.readline(MAX_LINE_CHARS + 1):
        number += 1
        if len(line) > MAX_LINE_CHARS:
            raise UnusableTrace(f"line {number} is longer than {MAX_LINE_CHARS} characters; is it a CSV file?")
        yield line.removeprefix("\ufeff") if number == 1 else line
