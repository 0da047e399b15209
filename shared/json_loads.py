"""JSON that others wrote, read without losing memory to it.

``orjson.loads`` (3.10 to 3.13) never frees a name of more than 64 bytes that an object has twice: whoever sends such
objects takes a megabyte of a process with each. So an object with such a name twice counts as no JSON here. RFC 8259
(section 4) says of any name that stands twice that readers differ in what they make of it.
"""

from __future__ import annotations

import json
import re
from typing import Any

import orjson

LONG_BYTES = 64
"""Longer names orjson does not share between objects, which is what it gets wrong."""
_LONG_NAME = re.compile(rb'"(?=[ \t\r\n]*:)(?<=(?:[^"]|(?<=\\)"){%d}")' % (LONG_BYTES + 1))
"""The end of what may be a long name: before a quotation mark inside of one stands a backslash."""


class NameTwice(orjson.JSONDecodeError):
    """An object has a long name, ``name``, twice."""

    def __init__(self, name: str) -> None:
        super().__init__(f"a name of {len(name)} characters stands twice in an object", "", 0)
        self.name = name


def loads(data: bytes | str) -> Any:
    """The value of a JSON text in UTF-8, as orjson reads it.

    Raises:
        NameTwice: an object in it has a name of more than :data:`LONG_BYTES` bytes twice.
        orjson.JSONDecodeError: not JSON as RFC 8259 has it. (The other is one of these.)
    """
    encoded = data.encode("utf-8", "surrogatepass") if isinstance(data, str) else data
    if _LONG_NAME.search(encoded):
        _refuse_long_twice(encoded)
    return orjson.loads(encoded)


def _refuse_long_twice(data: bytes) -> None:
    """Read it once with a parser that takes all that orjson takes, and loses nothing.

    Raises:
        orjson.JSONDecodeError: see :func:`loads`.
    """
    try:
        text = data.decode()
        json.loads(text, object_pairs_hook=_once, parse_int=len, parse_float=len)
    except UnicodeDecodeError as error:
        raise orjson.JSONDecodeError(f"bytes that are not UTF-8 ({error.reason})", "", error.start) from None
    except NameTwice:
        raise
    except json.JSONDecodeError as error:
        raise orjson.JSONDecodeError(error.msg, text, error.pos) from None
    except RecursionError:
        raise orjson.JSONDecodeError("nested too deep", text, 0) from None


def _once(pairs: list[tuple[str, Any]]) -> None:
    seen = set()
    for name, _ in pairs:
        if len(name.encode("utf-8", "surrogatepass")) > LONG_BYTES:
            if name in seen:
                raise NameTwice(name)
            seen.add(name)
