"""What every fuzzer is: see :class:`Fuzzer`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

from tests.attack.chance import Random


class Fuzzer(Protocol):
    """Draws cases and sends them.

    Attributes:
        batch: so many cases are sent at once.
    """

    batch: int

    def draw(self, draw: Random) -> Any:
        """One case, from this source alone."""
        ...

    def of_file(self, path: Path) -> Any:
        """The case that a file of the corpus holds."""
        ...

    def run(self, cases: Sequence[tuple[str, Any]]) -> None:
        """Send cases, each with its label, until what they did is known; count, and note findings."""
        ...

    def settle(self) -> None:
        """Have done with what is half-way: called before the counts are read for the last time."""
        ...

    def close(self) -> None:
        """Close every connection."""
        ...
