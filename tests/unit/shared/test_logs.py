"""The log: it stays small under a flood, and holds nobody up."""

from __future__ import annotations

import io
import logging
import os

from shared.process.logs import BURST, KINDS, LineQueue, Sparing


def lines(log: Sparing, count: int, message: str = "a scrape failed: %s", **more: object) -> list[str]:
    passed = []
    for number in range(count):
        record = logging.LogRecord("n", logging.ERROR, "f", 1, message, (number,), None)
        record.__dict__.update(more)
        if log.filter(record):
            passed.append(record.getMessage())
    return passed


def test_the_same_line_again_and_again_passes_so_many_times() -> None:
    assert lines(Sparing(), 10_000)[:2] == ["a scrape failed: 0", "a scrape failed: 1"]
    assert len(lines(Sparing(), 10_000)) <= BURST + 1


def test_tracebacks_count_for_more() -> None:
    assert len(lines(Sparing(), 1000, exc_info=(ValueError, ValueError(), None))) <= BURST // 5 + 1


def test_another_line_passes_all_the_same_and_a_number_left_out_is_told() -> None:
    log = Sparing()
    lines(log, 1000)
    assert lines(log, 1, "something else: %s") == ["something else: 0"]
    log._kinds["n", logging.ERROR, "a scrape failed: %s"][1] -= 3600  # an hour later
    assert lines(log, 1) == ["a scrape failed: 0 (950 lines like this were left out before it)"]


def test_kinds_are_forgotten() -> None:
    log = Sparing()
    for number in range(3 * KINDS):
        lines(log, 1, f"{number}: %s")
    assert len(log._kinds) == KINDS


def test_what_an_encoding_lacks_is_written_as_its_escape() -> None:
    read, write = os.pipe()
    with open(write, "w", encoding="ascii") as stream, open(read, "rb") as told:
        handler = LineQueue(stream, logging.Formatter("%(levelname)s %(message)s"))
        handler.emit(logging.LogRecord("n", logging.WARNING, "f", 1, "größe %s", ("🐝",), None))
        handler.finish()
        assert told.readline() == b"WARNING gr\\xf6\\xdfe \\U0001f41d\n"


def test_a_stream_that_is_no_file_ends_nothing() -> None:
    handler = LineQueue(io.StringIO(), logging.Formatter())
    handler.emit(logging.LogRecord("n", logging.WARNING, "f", 1, "said", (), None))
    handler.finish()
