"""Where a JSON value ends in a text, or what is wrong with it."""

from __future__ import annotations

import json
import re

from shared.session.jsontext import NotJson

_DECODER = json.JSONDecoder(parse_int=len)
"""Finds where a value ends; what an integer of thousands of digits is worth is not asked here."""
_BRACKET = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"|[\[\]{}]', re.S)
_PART_CHARS = 2048
_LONGEST_WORD = 16
"""No literal or escape is longer: an error this near the end of a part may be the part's."""


def value_at(text: str, begin: int, *, in_parts: bool) -> int:
    """One past the end of the value that begins at a place.

    Args:
        text: any.
        begin: where its first character stands.
        in_parts: look at no more of the text than the value, or what is wrong with it, reaches to: the decoder tells
            the place of an error by counting all line breaks before it.

    Raises:
        NotJson: there is none; ``at`` says where.
    """
    size = _PART_CHARS
    while True:
        part = text[begin : begin + size] if in_parts else text
        base = begin if in_parts else 0
        is_all = base + len(part) == len(text)
        try:
            _, end = _DECODER.raw_decode(part, begin - base)
        except json.JSONDecodeError as error:
            if is_all or (error.pos < len(part) - _LONGEST_WORD and not error.msg.startswith("Unterminated")):
                raise NotJson(error.msg, base + error.pos) from None
        except RecursionError:
            return _past_brackets(text, begin)  # so that the rest is read; who reads this value says what is wrong
        else:
            if is_all or end < len(part):
                return base + end
        size *= 2


def _past_brackets(text: str, begin: int) -> int:
    depth = 0
    for found in _BRACKET.finditer(text, begin):
        depth += {"{": 1, "[": 1, "}": -1, "]": -1}.get(found[0], 0)
        if depth == 0:
            return found.end()
    raise NotJson("it is cut off", len(text))
