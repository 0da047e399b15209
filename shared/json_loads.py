"""JSON that others wrote, read without losing memory to it.

``orjson.loads`` (3.10 to 3.13) never frees a name of more than 64 bytes that an object has twice: whoever sends such
objects takes megabytes of a process with each. So an object with such a name twice counts as no JSON here. RFC 8259
(section 4) says of any name that stands twice that readers differ in what they make of it.
"""

from __future__ import annotations

import json
import re
from typing import Any

import orjson

LONG_BYTES = 64
"""Longer names orjson does not share between objects, which is what it gets wrong."""

# What may be the end of a long name: 65 bytes without a quotation mark in front of the closing one, or one in them that
# is escaped. Where neither is, there is no long name; where one is, a parser looks. Both begin with a literal, which is
# searched for fast, and look at no more than 66 bytes at each.
_PLAIN_END = re.compile(rb'"(?=[ \t\r\n]*:)(?<=[^"]{%d}")' % (LONG_BYTES + 1))
_ESCAPED_END = re.compile(rb'\\"[^"]{0,%d}"[ \t\r\n]*:' % LONG_BYTES)


class NameTwice(orjson.JSONDecodeError):
    """An object has a long name, ``name``, twice. Whether the rest is JSON is not known."""

    def __init__(self, name: str) -> None:
        super().__init__(f"a name of {len(name)} characters stands twice in an object", "", 0)
        self.name = name


def loads(data: bytes | str) -> Any:
    """The value of a JSON text in UTF-8, as orjson reads it.

    Raises:
        NameTwice: an object in it has a name of more than :data:`LONG_BYTES` bytes twice.
        orjson.JSONDecodeError: not JSON as RFC 8259 has it; :class:`NameTwice` is a kind of it.
    """
    encoded = data.encode("utf-8", "surrogatepass") if isinstance(data, str) else data
    if _PLAIN_END.search(encoded) or _ESCAPED_END.search(encoded):
        _refuse_long_twice(encoded)
    return orjson.loads(encoded)


def _refuse_long_twice(data: bytes) -> None:
    """Read it once with a parser that loses nothing, and takes all but texts that are nested a thousand deep. Raises
    orjson.JSONDecodeError: see :func:`loads`."""
    text = ""
    try:
        text = data.decode()
        json.loads(text, object_pairs_hook=_once, parse_int=len, parse_float=len)
    except UnicodeError as error:  # in the text, or as an escape in a name
        raise orjson.JSONDecodeError(f"characters that are none: {error}", text, 0) from None
    except NameTwice:
        raise
    except json.JSONDecodeError as error:
        raise orjson.JSONDecodeError(error.msg, text, error.pos) from None
    except RecursionError:
        raise orjson.JSONDecodeError("nested too deep", text, 0) from None


def _once(pairs: list[tuple[str, Any]]) -> None:
    seen = set()
    for name, _ in pairs:
        if len(name.encode()) > LONG_BYTES:
            if name in seen:
                raise NameTwice(name)
            seen.add(name)
