"""JSON of others: read as orjson reads it, and nothing of it is kept."""

from __future__ import annotations

import json
import sys
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.json_loads import LONG_BYTES, NameTwice, loads

LONG = "n" * (LONG_BYTES + 1)
QUOTED = '"' * (LONG_BYTES + 1)
SLASHED = "\\" * (LONG_BYTES + 1)
WIDE = "é" * (LONG_BYTES // 2 + 1)
ESCAPED = "".join(f"\\u{ord(char):04x}" for char in LONG)


def object_of(*names: str, space: str = "") -> str:
    return "{" + ",".join(f"{json.dumps(name, ensure_ascii=False)}{space}:1" for name in names) + "}"


@pytest.mark.parametrize("name", [LONG, QUOTED, SLASHED, WIDE, "n" * LONG_BYTES + '"', "\\" + '"' * LONG_BYTES])
@pytest.mark.parametrize("space", ["", " ", "\n\t\r "])
def test_a_long_name_twice_in_an_object_is_refused(name: str, space: str) -> None:
    text = object_of("a", name, "b", name, space=space)
    for where in (text, f"[1,{text}]", f'{{"a":{{"b":[{text}]}}}}'):
        for data in (where, where.encode()):
            with pytest.raises(NameTwice) as caught:
                loads(data)
            assert caught.value.name == name


def test_a_long_name_that_is_written_in_two_ways_is_one() -> None:
    with pytest.raises(NameTwice):
        loads(f'{{"{LONG}":1,"{ESCAPED}":2}}')


@pytest.mark.parametrize(
    "text",
    [
        object_of("a", "b"),
        object_of("a", "a"),
        object_of(LONG, LONG + "n", QUOTED, SLASHED, WIDE),
        f"[{object_of(LONG)},{object_of(LONG)}]",
        f'{{"{LONG}":{object_of(LONG)}}}',
        f'{{"a":"{LONG}","b":"{LONG}"}}',
        '{"' + "\\u0061" * LONG_BYTES + '":1,"' + "a" * LONG_BYTES + '":2}',
        f'{{"{LONG}":123456789012345678901234567890,"b":-0.0,"c":1e5,"d":[]}}',
        '{"a":": : : \\":' + "x" * 100 + '\\":"}',
        json.dumps({'x\\"' + "y" * 63: 1, '"' * 40: 2, "z" * 64: 3}),
    ],
)
def test_other_json_is_what_it_is_to_orjson(text: str) -> None:
    assert loads(text) == orjson.loads(text)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{",
        b'{"%b":NaN}' % LONG.encode(),
        b'{"%b":1e999}' % LONG.encode(),
        b'{"%b":1,}' % LONG.encode(),
        b'{"%b":"\xff"}' % LONG.encode(),
        b'{"%b":"\\ud800"}' % LONG.encode(),
        b'{"%b":' % LONG.encode() + b"[" * 5000 + b"]" * 5000 + b"}",
        b'{"%b":' % LONG.encode() + b"1" * 5000 + b"}",
        (b'{"%b":1}' % LONG.encode()).decode().encode("utf-16"),
        '{"a":"\ud800"}',
        f'{{"\\ud800{LONG}":1,"\\ud800{LONG}":2}}',
    ],
)
def test_what_is_no_json_is_none(data: Any) -> None:
    with pytest.raises(orjson.JSONDecodeError):
        loads(data)


@given(
    st.lists(st.text(st.sampled_from('"\\\\n:, é\N{LADY BEETLE}'), max_size=80), max_size=4),
    st.booleans(),
    st.sampled_from(["", " ", "\n \t"]),
)
def test_no_long_name_is_overlooked(names: list[str], ascii_only: bool, space: str) -> None:
    for often in (1, 2):
        members = [json.dumps(name, ensure_ascii=ascii_only) + f"{space}:{space}1" for name in names] * often
        text = "{" + ",".join(members) + "}"
        long = [name for name in names if len(name.encode()) > LONG_BYTES] * often
        if len(set(long)) < len(long):
            with pytest.raises(NameTwice):
                loads(text)
        else:
            assert loads(text) == orjson.loads(text)


def test_whoever_sends_names_twice_takes_no_memory() -> None:
    data = object_of(*[LONG] * 50).encode()

    def read_often() -> int:
        for _ in range(200):
            with pytest.raises(NameTwice):
                loads(data)
        return sys.getallocatedblocks()

    before = read_often()
    assert read_often() - before < 1000, "orjson would keep 49 of each"
