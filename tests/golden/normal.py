"""What differs from run to run and from machine to machine becomes a placeholder; all else stays as it is.

Ids and hashes are numbered in the order in which they come, over all topics: the same id has the same number
everywhere, so that what refers to what can still be read.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from tests.golden.raw_json import Number

_TIMES = frozenset({"time", "timestamp", "planned_time", "actual_time"})
_STAMPS = frozenset({"created_at", "session_created_at"})
_DURATIONS = frozenset({"queued_ms", "generation_ms", "uptime_s", "timeout_ms", "round_s", "monotonic_ns"})
_SIZES = frozenset({"bytes", "free_bytes", "backlog_bytes", "payload_bytes"})
_FIGURES = frozenset({"psnr_db", "ssim", "changed_fraction", "max_difference"})
_SAID_WHOLE = frozenset({"0", "1", "0.0", "1.0"})
"""Figures that say the same of every machine's pictures."""
_PORTS = frozenset({"PARAFOVEA_PORT", "PARAFOVEA_METRICS_PORT"})
_LARGEST_NAMED = 1_000_000
"""A seed beyond it was drawn: those that the scenario names are smaller."""

_UNIX_SECONDS = re.compile(r"(?:1[6-9]|2\d)\d{8}(\.\d+)?\Z")
_TEXTS: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("sha256", re.compile(r"(?<![0-9a-f])[0-9a-f]{64}(?![0-9a-f])")),
    ("id", re.compile(r"(?<![0-9a-f])[0-9a-f]{32}(?![0-9a-f])")),
    ("epoch", re.compile(r"(?<![0-9a-f])[0-9a-f]{16}(?![0-9a-f])")),
)
_PLAIN: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"127\.0\.0\.1:\d+"), "127.0.0.1:<port>"),
    (re.compile(r"session_\d{10}"), "session_<time>"),
    (re.compile(r"\d{8}T\d{6}Z"), "<moment>"),
    (re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[0-9.:+Z-]*"), "<moment>"),
    (re.compile(r"(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT"), "<date>"),
    (re.compile(r"\b\d+ bytes\b"), "<n> bytes"),
    (re.compile(r"\(byte \d+\)"), "(byte <n>)"),
    (re.compile(r"(bytes (?:\*|\d+-\d+))/\d+"), r"\1/<n>"),
    # A request may reach a socket just as it tries to connect: then nobody is there, and it is only known later.
    (
        re.compile(
            r"The (\w+) (?:is not running; start it and try again|did not answer '[\w.]+' within \S+ s; see its log)\."
        ),
        r"<the \1 is not there>",
    ),
    (re.compile(r"(?<=>-)[0-9a-f]{8}\b|(?<=-\d-)[0-9a-f]{8}\b"), "<try>"),
)


class Normaliser:
    """One run's.

    Args:
        folders: what stands for each path that occurs, the longest first.
    """

    def __init__(self, folders: Mapping[str, str]) -> None:
        self._folders = sorted(folders.items(), key=lambda pair: -len(pair[0]))
        self._numbers: dict[str, dict[str, int]] = {}
        self._rules: dict[str, Callable[[Any], Any]] = {
            **dict.fromkeys(_TIMES, self._time),
            **dict.fromkeys(_STAMPS, self._created),
            **dict.fromkeys(_DURATIONS, lambda _: "<duration>"),
            **dict.fromkeys(_SIZES, lambda _: "<bytes>"),
            **dict.fromkeys(_FIGURES, lambda value: value if value in _SAID_WHOLE else "<figure>"),
            "seed": lambda value: value if int(value) <= _LARGEST_NAMED else self._numbered("seed", value),
        }

    def value(self, value: Any, key: str = "") -> Any:
        """The same with placeholders, for whatever stands under ``key``."""
        if isinstance(value, dict):
            return {self.text(name): self._under(key, name, each) for name, each in value.items()}
        if isinstance(value, list | tuple):
            return [self.value(each, key) for each in value]
        if isinstance(value, Number):
            return self._number(value, key)
        return self._named_text(value, key) if isinstance(value, str) else value

    def text(self, text: str) -> str:
        """A text with placeholders for the ids, hashes, paths, ports and moments in it."""
        for path, name in self._folders:
            text = text.replace(path, name)
        for kind, pattern in _TEXTS:
            text = pattern.sub(lambda found, kind=kind: self._numbered(kind, found[0]), text)  # type: ignore[misc]
        for pattern, name in _PLAIN:
            text = pattern.sub(name, text)
        return text

    def _under(self, outer: str, name: str, value: Any) -> Any:
        if outer == "versions" and isinstance(value, str):
            return "<version>"
        if outer in _PORTS and name == "value":
            return "<port>"
        return self.value(value, name)

    def _named_text(self, text: str, key: str) -> str:
        if key in ("cpu_capability", "proof"):
            return f"<{key}>"
        if key == "x-generation-ms":
            return "<duration>"
        if key == "x-seed" and int(text) > _LARGEST_NAMED:
            return self._numbered("seed", text)
        return self.text(text)

    def _number(self, value: Number, key: str) -> Any:
        if (rule := self._rules.get(key)) is not None:
            return rule(value)
        if key == "offsets_s":
            return value if value == "0.0" else "<duration>"
        return self._time(value) if _UNIX_SECONDS.match(value) else value

    def _time(self, value: str) -> str:
        return "<time>" if "." in value else "<time, a whole number>"

    def _created(self, value: str) -> Any:
        return self._numbered("created_at", value)

    def _numbered(self, kind: str, value: str) -> str:
        known = self._numbers.setdefault(kind, {})
        return f"<{kind} {known.setdefault(value, len(known) + 1)}>"
