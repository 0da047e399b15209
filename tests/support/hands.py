"""``metadata.json`` as other hands write it: Python's, R's and JavaScript's JSON writers, editors, PowerShell."""

from __future__ import annotations

import codecs
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

Writer = Callable[[Any], bytes]

ADDED: dict[str, Any] = {
    "reaction_time_s": float("nan"),
    "limits": [float("inf"), -float("inf")],
    "rating": 0.1,
    "noticed": None,
    "marker": 123456789012345678901234567890,
    "comment": 'said "ja, da\\dort" \N{LADY BEETLE}',
    "cut": "half a \ud83d pair",
    "notes_of_mine": {"block": [1, {"trial": 2}]},
}
"""What a researcher's script adds to an entry."""

PLAIN: dict[str, Any] = {"reaction_time_s": 0.52, "rating": 4, "comment": "seen", "marker": 1e21, "block": {"trial": 2}}
"""What any language's writer can write."""


def _python(**options: Any) -> Writer:
    return lambda value: json.dumps(value, **options).encode("utf-8", "surrogatepass")


def _javascript(indent: int | None) -> Writer:
    """``JSON.stringify(value, null, indent)``: no NaN, 1e21 with a plus, no space behind a comma."""

    def write(value: Any) -> bytes:
        separators = (",", ":") if indent is None else (",", ": ")
        return json.dumps(_without_nan(value), indent=indent, separators=separators, ensure_ascii=False).encode(
            "utf-8", "surrogatepass"
        )

    return write


def _r(value: Any) -> bytes:
    """``jsonlite::write_json(value, pretty = TRUE)``: scalars are arrays of one, NULL is an empty object, and
    numbers have four decimals; NaN is a text."""
    return json.dumps(_boxed(value), indent=2, ensure_ascii=False).encode("utf-8", "surrogatepass") + b"\n"


def _boxed(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _boxed(inner) for key, inner in value.items()}
    if isinstance(value, list):
        simple = all(not isinstance(inner, (dict, list)) for inner in value)
        return value if simple else [_boxed(inner) for inner in value]
    if value is None:
        return {}
    if isinstance(value, float):
        return [round(value, 4)] if value == value and abs(value) != float("inf") else ["NaN"]
    return [value]


def _without_nan(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_nan(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_without_nan(inner) for inner in value]
    return None if isinstance(value, float) and (value != value or abs(value) == float("inf")) else value


EXACT: dict[str, Writer] = {
    "json.dump": _python(),
    "json.dump indent=1": _python(indent=1),
    "json.dump indent=2": _python(indent=2),
    "json.dump indent=4": _python(indent=4),
    "json.dump sort_keys": _python(sort_keys=True, indent=2),
    "json.dump ensure_ascii=False": _python(ensure_ascii=False),
    "compact": _python(separators=(",", ":")),
    "with a mark": lambda value: codecs.BOM_UTF8 + json.dumps(value, indent=2).encode(),
    "with CRLF": lambda value: json.dumps(value, indent=2).encode().replace(b"\n", b"\r\n"),
    "with tabs and a line break": lambda value: json.dumps(value, indent="\t").encode() + b"\n\n",
    "PowerShell": lambda value: codecs.BOM_UTF16_LE + json.dumps(value, indent=2).encode("utf-16-le"),
}
"""They keep every value as it is."""

LOSSY: dict[str, Writer] = {
    "JSON.stringify": _javascript(None),
    "JSON.stringify indent 2": _javascript(2),
    "jsonlite": _r,
}
"""They have no NaN."""


def annotate(path: Path, write: Writer, added: dict[str, Any]) -> bytes:
    """Do what a researcher's script does: load the file, add to each entry and at the top, write it. Its bytes."""
    value = json.loads(path.read_bytes())
    for number, entry in enumerate(value["sequence"]):
        entry.update(added)
        entry["trial"] = number
    value["participant"] = {"id": "p07", **added}
    data = write(value)
    path.write_bytes(data)
    return data


def same(one: Any, other: Any) -> bool:
    """Equal, NaN to NaN."""
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(same(a, b) for a, b in zip(one, other, strict=True))
    return bool(one == other) or (one != one and other != other)
