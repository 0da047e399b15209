"""What differs between the golden files and a run, one line each; and which differences are allowed.

``allowed.json`` names those that are intended, and ``ALLOWED.md`` says why. Each entry has ``id`` (a heading of that
document), ``topic``, ``item`` and ``at``: patterns as of a shell, for the file, the item's name, and the place in it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from tests.golden.raw_json import compact

HERE = Path(__file__).parent
DOCUMENT = HERE / "ALLOWED.md"
TABLE = HERE / "allowed.json"
SHOWN_CHARS = 300


@dataclass(frozen=True, slots=True)
class Difference:
    """One place where a run says something else.

    Attributes:
        at: the way there: names and numbers with slashes between.
        was, now: in JSON; ``nothing`` where it is not there.
    """

    topic: str
    item: str
    at: str
    was: str
    now: str

    def __str__(self) -> str:
        return f"{self.topic} | {self.item} | {self.at}\n    was {_cut(self.was)}\n    now {_cut(self.now)}"


@dataclass(frozen=True, slots=True)
class Allowed:
    """A difference that is intended."""

    id: str
    topic: str
    item: str
    at: str

    def covers(self, found: Difference) -> bool:
        return (
            fnmatchcase(found.topic, self.topic)
            and fnmatchcase(found.item, self.item)
            and fnmatchcase(found.at, self.at)
        )


def allowed() -> list[Allowed]:
    """All entries of the table."""
    return [Allowed(**entry) for entry in json.loads(TABLE.read_text(encoding="utf-8"))]


def differences(topic: str, golden: dict[str, Any], recorded: dict[str, Any]) -> list[Difference]:
    """Where the items of a topic differ. The order of keys counts, that of items does not."""
    found = []
    for name in dict.fromkeys([*golden, *recorded]):
        if name not in golden:
            found.append(Difference(topic, name, "", "nothing", compact(recorded[name])))
        elif name not in recorded:
            found.append(Difference(topic, name, "", compact(golden[name]), "nothing"))
        else:
            places = _differ(golden[name], recorded[name], "")
            found += [Difference(topic, name, at, was, now) for at, was, now in places]
    return found


def _differ(was: Any, now: Any, at: str) -> Iterator[tuple[str, str, str]]:
    if isinstance(was, dict) and isinstance(now, dict):
        common = [key for key in was if key in now]
        if common != (order := [key for key in now if key in was]):
            yield f"{at}/(order of keys)", compact(common), compact(order)
        for key in dict.fromkeys([*was, *now]):
            if key not in was:
                yield f"{at}/{key}", "nothing", compact(now[key])
            elif key not in now:
                yield f"{at}/{key}", compact(was[key]), "nothing"
            else:
                yield from _differ(was[key], now[key], f"{at}/{key}")
    elif isinstance(was, list) and isinstance(now, list) and len(was) == len(now):
        for number, (one, other) in enumerate(zip(was, now, strict=True)):
            yield from _differ(one, other, f"{at}/{number}")
    elif compact(was) != compact(now):
        yield at, compact(was), compact(now)


def _cut(text: str) -> str:
    return text if len(text) <= SHOWN_CHARS else f"{text[:SHOWN_CHARS]}... ({len(text)} characters)"
