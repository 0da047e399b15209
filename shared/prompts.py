"""Sector prompts: what to add in each sector, and how each sector cycles through its own list. Pure of files.

{"default": ["a ladybug", ...], "sectors": {"TL": ["a kite", ...], "BR": "a mushroom"}}
"""

from __future__ import annotations

from bisect import insort
from dataclasses import dataclass, field
from typing import Any

import orjson

from shared import sectors
from shared.json_loads import loads

MAX_FILE_BYTES = 4 * 1024 * 1024
MAX_PROMPT_CHARS = 2000


class InvalidPrompts(ValueError):
    """The file is not what it should be; the message says where."""


@dataclass(frozen=True, slots=True)
class PromptLists:
    default: tuple[str, ...] = ()
    by_sector: dict[str, tuple[str, ...]] = field(default_factory=dict)

    def of(self, sector: str) -> tuple[str, ...]:
        """The list that a sector cycles through; empty where there is none."""
        return self.by_sector.get(sector) or self.default

    def to_json(self) -> dict[str, Any]:
        return {"default": list(self.default), "sectors": {name: list(own) for name, own in self.by_sector.items()}}


@dataclass(slots=True)
class _Turns:
    """How far a sector is in its list, counted on where the list begins again."""

    next: int = 0
    """All before it were taken,"""
    given_back: list[int] = field(default_factory=list)
    """and these of them, in order, come again first."""

    @property
    def first(self) -> int:
        return self.given_back[0] if self.given_back else self.next

    def take(self) -> int:
        if self.given_back:
            return self.given_back.pop(0)
        self.next += 1
        return self.next - 1

    def give_back(self, turn: int) -> None:
        if turn < self.next and turn not in self.given_back:
            insort(self.given_back, turn)
        while self.given_back and self.given_back[-1] == self.next - 1:
            self.next = self.given_back.pop()


@dataclass(frozen=True, slots=True)
class Draw:
    """A prompt that was taken, so that it can be given back if nothing came of it."""

    sector: str
    prompt: str
    turn: int = field(repr=False)
    turns: _Turns = field(repr=False, compare=False)


class Cycle:
    """Where each sector is in its list; pure of files."""

    def __init__(self, lists: PromptLists | None = None) -> None:
        self.lists = lists or PromptLists()
        self._turns: dict[str, _Turns] = {}

    def take(self, sector: str) -> Draw | None:
        """The sector's next prompt, or None where no list has any. What was given back comes first, the oldest of it
        before the others."""
        prompts = self.lists.of(sector)
        if not prompts:
            return None
        turns = self._turns.setdefault(sector, _Turns())
        turn = turns.take()
        return Draw(sector, prompts[turn % len(prompts)], turn, turns)

    def give_back(self, draw: Draw) -> None:
        """Undo a draw: its prompt is one of the sector's next, unless the sector has begun anew since."""
        if self._turns.get(draw.sector) is draw.turns:
            draw.turns.give_back(draw.turn)

    def replace(self, lists: PromptLists) -> None:
        """Use other lists. A sector whose list is the same goes on where it was, the others begin anew."""
        changed = [sector for sector in self._turns if lists.of(sector) != self.lists.of(sector)]
        for sector in changed:
            del self._turns[sector]
        self.lists = lists

    def reset(self) -> None:
        """Begin each list at its first prompt."""
        self._turns.clear()

    def positions(self) -> dict[str, int]:
        """Index of each sector's next prompt."""
        return {
            sector: self._turns.get(sector, _Turns()).first % len(prompts)
            for sector in sectors.ALL_NAMES
            if (prompts := self.lists.of(sector))
        }


def parse(text: bytes) -> PromptLists:
    """Read the file's content. Raises InvalidPrompts: not JSON, not of this form, an unknown sector, an empty or
    overlong prompt."""
    if len(text) > MAX_FILE_BYTES:
        raise InvalidPrompts(f"it is larger than {MAX_FILE_BYTES // 1024 // 1024} MiB")
    try:
        value = loads(text.removeprefix(b"\xef\xbb\xbf"))
    except orjson.JSONDecodeError as error:
        raise InvalidPrompts(f"it is not JSON ({error})") from None
    return from_json(value)


def from_json(value: object) -> PromptLists:
    """The file's content as JSON gives it. Raises InvalidPrompts, as :func:`parse`."""
    if not isinstance(value, dict):
        raise InvalidPrompts('it is not an object such as {"default": [...], "sectors": {...}}')
    unknown = [key for key in value if key not in ("default", "sectors") and not key.startswith("_")]
    if unknown:
        raise InvalidPrompts(f"it has the unknown key {unknown[0][:100]!r}; there are 'default' and 'sectors'")
    own = value.get("sectors", {})
    if not isinstance(own, dict):
        raise InvalidPrompts("'sectors' is not an object")
    for name in own:
        if name not in sectors.ALL_NAMES:
            raise InvalidPrompts(f"there is no sector {name[:100]!r}; there are {', '.join(sectors.ALL_NAMES)}")
    return PromptLists(
        _prompts("default", value.get("default", [])),
        {name: _prompts(f"sectors.{name}", listed) for name, listed in own.items()},
    )


def _prompts(where: str, value: object) -> tuple[str, ...]:
    listed = [value] if isinstance(value, str) else value
    if not isinstance(listed, list):
        raise InvalidPrompts(f"{where} is neither a prompt nor a list of prompts")
    for number, prompt in enumerate(listed):
        if not isinstance(prompt, str) or not prompt.strip():
            raise InvalidPrompts(f"{where}[{number}] is not a prompt")
        if len(prompt) > MAX_PROMPT_CHARS:
            raise InvalidPrompts(f"{where}[{number}] has more than {MAX_PROMPT_CHARS} characters")
    return tuple(listed)
