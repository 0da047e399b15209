"""What a run has collected, by topic, in the order in which it came."""

from __future__ import annotations

from typing import Any

from tests.golden.normal import Normaliser


class Book:
    """Items by topic, each with a name of its own."""

    def __init__(self) -> None:
        self._items: list[tuple[str, str, Any]] = []

    def note(self, topic: str, name: str, value: Any) -> None:
        """Add an item.

        Raises:
            ValueError: there is one of that name.
        """
        if any((topic, name) == (other, known) for other, known, _ in self._items):
            raise ValueError(f"two items of {topic!r} are named {name!r}")
        self._items.append((topic, name, value))

    def names(self) -> list[tuple[str, str]]:
        """Topic and name of each item so far."""
        return [(topic, name) for topic, name, _ in self._items]

    def topics(self, normaliser: Normaliser) -> dict[str, dict[str, Any]]:
        """All items with placeholders, by topic."""
        found: dict[str, dict[str, Any]] = {}
        for topic, name, value in self._items:
            found.setdefault(topic, {})[name] = normaliser.value(value)
        return found


def distinct(values: list[Any]) -> list[Any]:
    """Each value once, in the order of first appearance: how often a thing is said hangs on time."""
    found: list[Any] = []
    for value in values:
        if value not in found:
            found.append(value)
    return found
