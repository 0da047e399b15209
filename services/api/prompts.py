"""What to add in each sector when a request has no prompt: ``sector_prompts.json``, cycled through.

{"default": ["a ladybug", ...], "sectors": {"TL": ["a kite", ...], "BR": "a mushroom"}}
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson

from services.api.schemas import MAX_PROMPT_CHARS
from shared import sectors
from shared.errors import InvalidRequest

log = logging.getLogger(__name__)

MAX_FILE_BYTES = 4 * 1024 * 1024


class InvalidPrompts(ValueError):
    """The file is not what it should be; the message says where."""


@dataclass(frozen=True, slots=True)
class PromptLists:
    """The content of the file."""

    default: tuple[str, ...] = ()
    by_sector: dict[str, tuple[str, ...]] = field(default_factory=dict)

    def of(self, sector: str) -> tuple[str, ...]:
        """The list that a sector cycles through; empty where there is none."""
        return self.by_sector.get(sector) or self.default

    def to_json(self) -> dict[str, Any]:
        return {"default": list(self.default), "sectors": {name: list(own) for name, own in self.by_sector.items()}}


@dataclass(frozen=True, slots=True)
class Draw:
    """A prompt that was taken, so that it can be given back if nothing came of it."""

    sector: str
    position: int
    prompt: str


class Cycle:
    """Where each sector is in its list; pure of files."""

    def __init__(self, lists: PromptLists | None = None) -> None:
        self.lists = lists or PromptLists()
        self._next: dict[str, int] = {}

    def take(self, sector: str) -> Draw | None:
        """The sector's next prompt, or None where no list has any."""
        prompts = self.lists.of(sector)
        if not prompts:
            return None
        position = self._next.get(sector, 0) % len(prompts)
        self._next[sector] = position + 1
        return Draw(sector, position, prompts[position])

    def give_back(self, draw: Draw) -> None:
        """Undo a draw, unless the sector has moved on since."""
        if self._next.get(draw.sector) == draw.position + 1:
            self._next[draw.sector] = draw.position

    def replace(self, lists: PromptLists) -> None:
        """Use other lists. A sector whose list is the same goes on where it was."""
        changed = [sector for sector in self._next if lists.of(sector) != self.lists.of(sector)]
        for sector in changed:
            del self._next[sector]
        self.lists = lists

    def reset(self) -> None:
        """Back to the first prompt everywhere."""
        self._next.clear()

    def positions(self) -> dict[str, int]:
        """Index of each sector's next prompt."""
        return {
            sector: self._next.get(sector, 0) % len(prompts)
            for sector in sectors.ALL_NAMES
            if (prompts := self.lists.of(sector))
        }


class SectorPrompts:
    """The file, read again whenever it changes. One that cannot be used leaves the last good one in use.

    Attributes:
        problem: why the file as it now is cannot be used, or None.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.problem: str | None = None
        self._cycle = Cycle()
        self._version: tuple[int, int, int] | str | None = "unread"
        self.refresh()

    def take(self, sector: str) -> Draw:
        """The next prompt for a sector.

        Raises:
            InvalidRequest: the file has none for it.
        """
        self.refresh()
        draw = self._cycle.take(sector)
        if draw is None:
            reason = self.problem or f"{self.path.name} has no prompt for {sector}"
            raise InvalidRequest(
                f"prompt: none is given, and {reason}", fields={"prompt": f"none is given, and {reason}"}
            )
        return draw

    def give_back(self, draw: Draw) -> None:
        """Undo a draw that nothing came of."""
        self._cycle.give_back(draw)

    def reset(self) -> None:
        """Read the file again, and begin each list anew."""
        self._version = "unread"
        self.refresh()
        self._cycle.reset()

    def to_json(self) -> dict[str, Any]:
        """The lists in use, where each sector is in its own, and what is wrong with the file, if anything is."""
        self.refresh()
        return {**self._cycle.lists.to_json(), "next": self._cycle.positions(), "error": self.problem}

    def refresh(self) -> None:
        """Read the file if it is another one than last time."""
        try:
            status = self.path.stat()
            version: tuple[int, int, int] | None = (status.st_mtime_ns, status.st_size, status.st_ino)
        except OSError:
            version = None
        if version == self._version:
            return
        self._version = version
        try:
            with self.path.open("rb") as file:
                lists = parse(file.read(MAX_FILE_BYTES + 1))
        except OSError as error:
            self._complain(f"{self.path} cannot be read: {error.strerror}")
        except InvalidPrompts as error:
            self._complain(f"{self.path} cannot be used: {error}")
        else:
            self.problem = None
            self._cycle.replace(lists)

    def _complain(self, problem: str) -> None:
        self.problem = problem
        log.warning("%s; the last good prompts stay in use", problem)


def parse(text: bytes) -> PromptLists:
    """Read the file's content.

    Raises:
        InvalidPrompts: not JSON, not of this form, an unknown sector, an empty or overlong prompt.
    """
    if len(text) > MAX_FILE_BYTES:
        raise InvalidPrompts(f"it is larger than {MAX_FILE_BYTES // 1024 // 1024} MiB")
    try:
        value = orjson.loads(text.removeprefix(b"\xef\xbb\xbf"))
    except orjson.JSONDecodeError as error:
        raise InvalidPrompts(f"it is not JSON ({error})") from None
    if not isinstance(value, dict):
        raise InvalidPrompts('it is not an object such as {"default": [...], "sectors": {...}}')
    unknown = [key for key in value if key not in ("default", "sectors") and not key.startswith("_")]
    if unknown:
        raise InvalidPrompts(f"it has the unknown key {unknown[0]!a}; there are 'default' and 'sectors'")
    own = value.get("sectors", {})
    if not isinstance(own, dict):
        raise InvalidPrompts("'sectors' is not an object")
    for name in own:
        if name not in sectors.ALL_NAMES:
            raise InvalidPrompts(f"there is no sector {name!a}; there are {', '.join(sectors.ALL_NAMES)}")
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
