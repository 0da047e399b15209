"""``python -m reproduction A B FIRST COUNT``: the figures of two sessions, a pair a line."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

from shared.process.settings import Settings
from shared.process.worker import work
from shared.session.reading.reader import open_folder
from shared.system.extras import need


def _compared(settings: Settings) -> Iterator[dict[str, Any]]:
    need("compare", "comparing")
    from reproduction.pairing import lines

    a, b, first, count = sys.argv[1:]
    with open_folder(settings.sessions_dir / a) as one, open_folder(settings.sessions_dir / b) as other:
        yield from lines(one, other, int(first), int(count))


if __name__ == "__main__":
    work(_compared)
