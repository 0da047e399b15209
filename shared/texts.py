"""Text for people and for programs, whatever encoding it goes out in."""

from __future__ import annotations

import codecs
import json
from typing import Any

import orjson


def json_line(value: Any, encoding: str | None) -> str:
    """A value as JSON on one line: as it is where the encoding has every character, else with escapes, which every
    reader of JSON understands."""
    return orjson.dumps(value).decode() if is_unicode(encoding) else json.dumps(value)


def json_text(value: Any, encoding: str | None) -> str:
    """:func:`json_line` over several lines, for people."""
    if is_unicode(encoding):
        return orjson.dumps(value, option=orjson.OPT_INDENT_2).decode()
    return json.dumps(value, indent=2)


def is_unicode(encoding: str | None) -> bool:
    """Whether an encoding has every character."""
    try:
        return codecs.lookup(encoding or "utf-8").name.startswith("utf")
    except LookupError:
        return False
