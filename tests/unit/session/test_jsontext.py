"""JSON of other hands: what is understood, what is written back, and what is served."""

from __future__ import annotations

import json
import math
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.session.format.entries import with_index_first
from shared.session.format.jsontext import MAX_DEPTH, NotJson, dumps, is_strict, one_line, parse, parse_exact, strict
from shared.session.text.foreign import read
from tests.support.hands import same
from tests.support.metadata import entries_in

ANY_TEXT = st.text(st.characters())  # half surrogate pairs too
ANY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | ANY_TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(ANY_TEXT, inner, max_size=4),
    max_leaves=20,
)


def as_python_writes(value: Any, indent: int | None, ascii_only: bool) -> str:
    return json.dumps(value, indent=indent, ensure_ascii=ascii_only)


@given(ANY, st.sampled_from([None, 1, 4]), st.booleans())
def test_what_python_writes_is_served_as_json_that_any_parser_reads(value: Any, indent: int | None, asc: bool) -> None:
    text = as_python_writes(value, indent, asc)
    served = strict(text)
    told = orjson.loads(served.encode())
    if not any(
        "\ud800" <= char <= "\udfff" for char in json.dumps(value, ensure_ascii=False)
    ):  # keys may fall together
        assert told == orjson.loads(orjson.dumps(parse(text.encode())))
    assert len(served.splitlines()) == len(text.splitlines())


@given(ANY, st.booleans())
def test_what_is_strict_already_stays_as_it_is(value: Any, asc: bool) -> None:
    text = as_python_writes(value, 2, asc)
    try:
        orjson.loads(text.encode())
    except (orjson.JSONDecodeError, UnicodeEncodeError):
        return
    assert strict(text) == text


@given(ANY, st.sampled_from([None, 1, 4]), st.booleans())
def test_what_is_written_back_is_what_was_read(value: Any, indent: int | None, asc: bool) -> None:
    text = as_python_writes(value, indent, asc)
    assert same(json.loads(one_line(text)), value)
    assert same(parse_exact(dumps(parse_exact(text))), value)
    assert "\n" not in one_line(text)


@given(st.dictionaries(ANY_TEXT, ANY, max_size=5), st.integers(0, 9))
def test_an_entry_on_one_line_says_the_same(values: dict[str, Any], index: int) -> None:
    entry = {**values, "index": index, "last": 1}
    line = with_index_first(json.dumps(entry, indent=3))
    assert line.startswith('{"index":')
    assert same(json.loads(line), entry)


@given(st.lists(st.dictionaries(ANY_TEXT, ANY, max_size=3), max_size=5), ANY, st.sampled_from([None, 2]))
def test_a_file_of_any_layout_is_taken_apart(entries: list[dict[str, Any]], other: Any, indent: int | None) -> None:
    data = json.dumps({"a": other, "sequence": entries, "z": 1}, indent=indent).encode()
    found = read(data)
    assert found.problem is None
    assert same([json.loads(text) for text in entries_in(data, found)], entries)
    assert same(json.loads(found.members["a"]), other)


@pytest.mark.parametrize("mark", [False, True])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be"])
def test_each_entry_is_found_in_any_encoding(encoding: str, mark: bool) -> None:
    entries = [{"index": 0, "prompt": "plain"}, {"index": 1, "prompt": "é \N{LADY BEETLE}\ud800"}, {"index": 2}]
    text = json.dumps({"é\N{LADY BEETLE}": 1, "sequence": entries}, ensure_ascii=False, indent=1)
    data = ("\ufeff" * mark + text).encode(encoding, "surrogatepass")
    found = read(data)
    assert found.problem is None
    assert [json.loads(one.decode("utf-8", "surrogatepass")) for one in entries_in(data, found)] == entries
    assert [found.entries.line(position) for position in range(3)] == [4, 8, 12]


def test_a_sequence_that_is_begun_anew_further_up_is_found_where_it_stands() -> None:
    data = b"""{
  "session_id": "\xc3\xa9",
  "sequence": [
    {"index": 0, "filename": "\xc3\xa9.png",
  "sequence": [{"index": 7, "filename": "\xc3\xa9.png"}, {"index": 8, "filename": "x"}]},
    {"index": 1, "filename": "y"}
"""
    found = read(data)
    assert found.problem is not None
    assert [json.loads(text)["index"] for text in entries_in(data, found)] == [7, 8]
    assert [found.entries.line(position) for position in range(2)] == [5, 5]


@pytest.mark.parametrize(
    ("value", "expected"),
    [("1", True), ('"\\ud83d\\ude00"', True), ("NaN", False), ("1e400", False), ('"\\ud800"', False), ("1,", False)],
)
def test_a_long_name_that_stands_twice_is_no_matter_of_strictness(value: str, expected: bool) -> None:
    name = "n" * 70
    assert is_strict(f'{{"{name}":{value},"{name}":{value}}}'.encode()) == expected


@pytest.mark.parametrize("bad", [b"\xff", b"\xe2\x82", b"\xf0\x9f\x90", b"\xed\xa0\x80\xff"])
def test_bytes_that_are_no_text_move_no_entry_behind_them(bad: bytes) -> None:
    data = b'{"a": "%b", "sequence": [{"index": 0}, {"b": "%b"}, {"index": 1, "filename": "x"}]}' % (bad, bad)
    found = read(data)
    assert found.problem is not None
    assert entries_in(data, found) == [b'{"index": 0}', b'{"index": 1, "filename": "x"}']


@given(st.binary(max_size=60) | st.text(alphabet='{}[]",:1e\\u d8N', max_size=60).map(str.encode))
def test_whatever_the_bytes_are_the_place_is_told(data: bytes) -> None:
    found = read(data)
    if found.problem is not None:
        line, byte = found.place
        assert 0 <= byte <= len(data) + 4
        assert line >= 1


def test_a_place_is_a_line_and_a_byte() -> None:
    found = read('{"é": 1,\n "sequence": [\n  {"index": 0},\n  {"index" 1}\n]}'.encode())
    assert (len(found.entries), found.place[0]) == (1, 4)
    assert found.place[1] == len('{"é": 1,\n "sequence": [\n  {"index": 0},\n  {"index" '.encode())


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("NaN", "null"),
        ("[-Infinity,Infinity]", "[null,null]"),
        ("1e400", "null"),
        ("-1E+999", "null"),
        ("9" * 400, "null"),
        ("123456789012345678901234567890", "123456789012345678901234567890"),
        ('"NaN and Infinity, 1e400"', '"NaN and Infinity, 1e400"'),
        (r'"\ud83d\ude00 \ud83d \ude00 \\ud83d \\\ud83d"', r'"\ud83d\ude00 \ufffd \ufffd \\ud83d \\\ufffd"'),
        ('{"a":NaN,"b":"\\u00e9\\n","c":[1e5,1e400]}', '{"a":null,"b":"\\u00e9\\n","c":[1e5,null]}'),
        ("-0", "-0"),
    ],
)
def test_what_is_served(text: str, value: str) -> None:
    assert strict(text) == value
    orjson.loads(strict(text))


@given(st.text(alphabet='{}[]",:1e.+-\\u d8NaInfity', max_size=60))
def test_what_is_no_json_is_passed_on(text: str) -> None:
    strict(text)


@pytest.mark.parametrize("levels", [1, MAX_DEPTH, MAX_DEPTH + 1, 253, 900, 2000, 200_000])
@pytest.mark.parametrize("nan", ["", "NaN"])
def test_depth(levels: int, nan: str) -> None:
    text = ("[" * levels + nan + "]" * levels).encode()
    if levels <= MAX_DEPTH:
        parse(text)
        return
    with pytest.raises(NotJson, match="nested"):
        parse(text)


def test_what_is_read_can_be_written_by_any_writer() -> None:
    value = parse(b'{"a": 123456789012345678901234567890, "\\ud800": "\\udfff", "c": NaN, "d": -1e400}')
    assert value["a"] == 123456789012345678901234567890.0
    assert (value["\ufffd"], math.isnan(value["c"])) == ("\ufffd", True)
    assert orjson.loads(orjson.dumps(value))["d"] is None
