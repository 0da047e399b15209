"""JSON as other hands write it: Python's ``NaN``, lone surrogates, any layout, a byte order mark, numbers of any size.

What is read for this program's own use (:func:`parse`) can be written by any JSON writer. What is written back
(:func:`parse_exact`, :func:`dumps`, :func:`one_line`) says what its author wrote, to the digit. What is answered over
HTTP (:func:`strict`) can be read by any JSON parser.
"""

from __future__ import annotations

import codecs
import json
import math
import re
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import orjson

from shared.bounds import is_deeper
from shared.json_loads import NameTwice, loads

MAX_DEPTH = 64
"""Levels of objects and arrays in an entry, a head or a tail; ours have three."""

_INT64 = range(-(1 << 63), 1 << 64)
_STRING = r'"[^"\\]*(?:\\.[^"\\]*)*"'
_SPACE = re.compile(_STRING + r"|[ \t\r\n]+", re.S)
_LOOSE = re.compile(_STRING + r"|-?Infinity|NaN|-?[0-9][0-9.eE+-]*", re.S)
_SOUND = re.compile(
    r'(?:[^"NI0-9-]+|"[^"\\]*(?:\\(?!u[dD][89a-fA-F]).[^"\\]*)*"|-?[0-9][0-9.]{0,300}(?![0-9.eE])){0,1000}', re.S
)
"""So many parts that strict parsers read. (The bound is for the memory of the match.)"""
_SURROGATE = re.compile("[\ud800-\udfff]")
_ESCAPE = re.compile(
    r"\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|u[dD][89a-fA-F][0-9a-fA-F]{2}|.)", re.S
)
_MARK = f"digits-{uuid4().hex}-"
"""Begins what stands for an integer while it is written: no text of anybody's."""
_LONE_CHARS = 6  # \ud800


class NotJson(ValueError):
    """The text cannot be understood; the message says why. ``at`` is where, in characters, as far as that is known."""

    def __init__(self, message: str, at: int | None = None) -> None:
        super().__init__(message)
        self.at = at


@dataclass(frozen=True, slots=True)
class Digits:
    """An integer of more digits than Python converts: its text, to be written as it is."""

    text: str

    def __str__(self) -> str:
        return self.text


def decode(data: bytes) -> str:
    """The text of a JSON file: UTF-8, with a byte order mark or without, or UTF-16 and UTF-32 as PowerShell has them.
    Raises NotJson at the first byte that is no such text."""
    encoding = json.detect_encoding(data)
    try:
        return data.decode(encoding, "surrogatepass")
    except UnicodeDecodeError as error:
        place = error.start + len(data) - len(error.object)  # behind a mark
        raise NotJson(f"bytes that are not {encoding.upper()}: save the file as UTF-8", place) from None


def decode_around(data: bytes) -> str:
    """The same, with NUL, which JSON has nowhere, for bytes that are no such text, so that all around them keeps
    its place: that is read."""
    return data.decode(json.detect_encoding(data), OR_NUL)


def _or_nul(error: UnicodeError) -> tuple[str | bytes, int]:
    try:
        return codecs.lookup_error("surrogatepass")(error)
    except UnicodeDecodeError as plain:
        unit = 4 if "32" in plain.encoding else 2 if "16" in plain.encoding else 1
        return "\0" * max(1, (plain.end - plain.start) // unit), plain.end


OR_NUL = "parafovea.surrogatepass-or-nul"
"""How :func:`decode_around` decodes, as the ``errors`` of any decoder."""
codecs.register_error(OR_NUL, _or_nul)


def parse(data: bytes) -> Any:
    """A value that any JSON writer can write again: lone surrogates are replaced, numbers beyond 64 bits are rounded.
    Raises NotJson where it is not JSON even in a wide sense, or nested more than :data:`MAX_DEPTH` deep."""
    try:
        value = loads(data)
    except orjson.JSONDecodeError:
        return writable(parse_exact(data))
    _check_depth(value, data.count(b"{") + data.count(b"["))
    return value


def parse_exact(data: bytes | str) -> Any:
    """The value as it was written: ``NaN``, integers of any size (:class:`Digits`), lone surrogates. Raises NotJson as
    :func:`parse` does."""
    text = decode(data) if isinstance(data, bytes) else data
    try:
        value = _loads(text)
    except json.JSONDecodeError as error:
        raise NotJson(error.msg, error.pos) from None
    except RecursionError:
        raise NotJson(f"nested more than {MAX_DEPTH} deep") from None
    _check_depth(value, text.count("{") + text.count("["))
    return value


def _loads(text: str) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        raise
    except ValueError:  # an integer of thousands of digits
        return json.loads(text, parse_int=_integer)


def _integer(digits: str) -> int | Digits:
    try:
        return int(digits)
    except ValueError:
        return Digits(digits)


def _check_depth(value: Any, brackets: int) -> None:
    """Raises NotJson where a value is nested deeper than :data:`MAX_DEPTH`. With no more ``brackets`` than that in its
    text, it is not."""
    if brackets > MAX_DEPTH and is_deeper(value, MAX_DEPTH):
        raise NotJson(f"nested more than {MAX_DEPTH} deep")


def writable(value: Any) -> Any:
    """The value with lone surrogates replaced by U+FFFD, and integers beyond 64 bits as decimal numbers."""
    if isinstance(value, str):
        return _SURROGATE.sub("\ufffd", value)
    if isinstance(value, dict):
        return {writable(key): writable(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [writable(inner) for inner in value]
    if isinstance(value, Digits):
        return float(value.text)  # as a parser that reads decimal numbers has it
    if isinstance(value, int) and value not in _INT64:
        try:
            return float(value)
        except OverflowError:
            return math.inf if value > 0 else -math.inf
    return value


def dumps(value: Any) -> bytes:
    """The compact JSON of what :func:`parse_exact` gave: ``NaN`` stays ``NaN``."""
    try:
        return _dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:  # a lone surrogate, which only an escape can write
        return _dumps(value, ensure_ascii=True).encode()


def _dumps(value: Any, *, ensure_ascii: bool) -> str:
    held: list[str] = []

    def hold(inner: Any) -> str:
        if not isinstance(inner, Digits):
            raise TypeError(f"no JSON: {type(inner).__name__}")
        held.append(inner.text)
        return f"{_MARK}{len(held) - 1}"

    text = json.dumps(value, ensure_ascii=ensure_ascii, separators=(",", ":"), default=hold)
    return re.sub(f'"{_MARK}([0-9]+)"', lambda found: held[int(found[1])], text) if held else text


def unboxed(value: Any) -> Any:
    """R writes every scalar as an array of one, unless it is told otherwise, and NULL as one of none."""
    if not isinstance(value, list) or len(value) > 1:
        return value
    return value[0] if value else None


def one_line(text: str) -> str:
    """The text without white space between its parts; every number and string stays as it is written."""
    return _SPACE.sub(lambda found: found[0] if found[0][0] == '"' else "", text)


def strict(text: str) -> str:
    """The text as RFC 8259 and strict parsers have it: what is no finite number is null, a lone surrogate U+FFFD."""
    parts: list[str] = []
    copied, at = 0, 0
    while at < len(text):
        begin = at
        if (sound := _SOUND.match(text, at)) is not None:
            at = sound.end()
        found = _LOOSE.match(text, at)
        if found is not None:
            parts += text[copied:at], _strict_part(found[0])
            copied = at = found.end()
        elif at == begin:
            at += 1  # no JSON, and not ours to mend
    parts.append(text[copied:])
    return _SURROGATE.sub("\ufffd", "".join(parts))


def is_strict(data: bytes) -> bool:
    """Whether a strict parser reads the bytes as they are."""
    try:
        loads(data)
    except NameTwice:  # no strict parser is at hand for that: a lax one reads it, and nothing had to be said anew
        try:
            text = data.decode()
            json.loads(text, object_pairs_hook=len, parse_int=len, parse_float=len)
        except (ValueError, RecursionError):
            return False
        return strict(text) == text
    except orjson.JSONDecodeError:
        return False
    return True


def _strict_part(part: str) -> str:
    if part[0] == '"':
        return _ESCAPE.sub(_strict_escape, part)
    try:
        return part if math.isfinite(float(part)) else "null"
    except ValueError:  # no number either: who reads it says so
        return part


def _strict_escape(found: re.Match[str]) -> str:
    escape = found[0]
    return r"\ufffd" if len(escape) == _LONE_CHARS else escape
