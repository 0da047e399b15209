"""``python -m shared.session.transfer [id]``: takes in the session whose archive comes on standard input."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from shared.process.settings import Settings
from shared.process.worker import work
from shared.session.transfer.importing import take_in


def _imported(settings: Settings) -> Iterator[dict[str, Any]]:
    yield asdict(take_in(settings, sys.stdin.buffer.read, *sys.argv[1:]))


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))  # an exception removes what was begun
    work(_imported)
