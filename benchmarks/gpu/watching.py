"""What nvidia-smi says of a card meanwhile, a few times a second; nothing where it is not there."""

from __future__ import annotations

import statistics
import subprocess
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from benchmarks.gpu.card import smi_command
from benchmarks.gpu.folders import GB

_EVERY_MS = 250
_MIB = 1024 * 1024
_ENDS_IN_S = 10.0


@contextmanager
def watched(card: str) -> Iterator[dict[str, float]]:
    """Watches a card for as long as it is entered; the figures are there afterwards, where there are any. ``card``: its
    UUID; empty: nothing is watched."""
    seen: dict[str, float] = {}
    command = smi_command("utilization.gpu,memory.used", card, "-lms", str(_EVERY_MS)) if card else []
    if not command:
        yield seen
        return
    with tempfile.TemporaryFile("w+") as told:  # not a pipe, which would fill
        smi = subprocess.Popen(command, stdout=told, stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL)
        try:
            yield seen
        finally:
            _end(smi)
        told.seek(0)
        seen |= figures_of(told)


def figures_of(lines: Iterable[str]) -> dict[str, float]:
    """Mean utilisation and most memory, of the lines that say both."""
    pairs = [pair for line in lines if (pair := _read(line)) is not None]
    if not pairs:
        return {}
    busy, memory = zip(*pairs, strict=True)
    return {"card_busy": statistics.fmean(busy), "card_memory": max(memory) * _MIB / GB}


def _read(line: str) -> tuple[float, float] | None:
    """Percent and mebibytes; None for a line of another kind, as where a card says neither."""
    try:
        busy, memory = (float(value) for value in line.split(","))
    except ValueError:
        return None
    return busy, memory


def _end(smi: subprocess.Popen[bytes]) -> None:
    smi.terminate()
    try:
        smi.wait(_ENDS_IN_S)
    except subprocess.TimeoutExpired:
        smi.kill()
        smi.wait()
