"""What the processes say and write is what it was: see ``ALLOWED.md`` for what may differ."""

from __future__ import annotations

import re
from typing import Any

import pytest

from tests.golden import files
from tests.golden.differences import DOCUMENT, Difference, allowed, differences
from tests.golden.raw_json import Number, compact, parse, pretty
from tests.golden.scenario import record

pytestmark = pytest.mark.system

Recorded = dict[str, dict[str, Any]]
SHOWN = 40


@pytest.fixture(scope="module")
def recorded() -> Recorded:
    """One run of everything."""
    return record()


def all_differences(topic: str, recorded: Recorded) -> list[Difference]:
    return differences(topic, files.load(topic), recorded.get(topic, {}))


@pytest.mark.timeout(300)
@pytest.mark.parametrize("topic", files.topics())
def test_nothing_differs_but_what_may(topic: str, recorded: Recorded) -> None:
    entries = allowed()
    found = [each for each in all_differences(topic, recorded) if not any(entry.covers(each) for entry in entries)]
    shown = "\n".join(map(str, found[:SHOWN]))
    assert not found, f"{len(found)} differences from tests/golden/data/{topic}.json:\n{shown}"


@pytest.mark.timeout(300)
def test_there_is_a_file_of_every_topic(recorded: Recorded) -> None:
    assert sorted(recorded) == files.topics()


@pytest.mark.timeout(300)
def test_each_allowed_difference_is_one(recorded: Recorded) -> None:
    found = [each for topic in files.topics() for each in all_differences(topic, recorded)]
    assert not [entry for entry in allowed() if not any(entry.covers(each) for each in found)]


def test_each_allowed_difference_says_why() -> None:
    headings = set(re.findall(r"^## (.+)$", DOCUMENT.read_text(encoding="utf-8"), re.M))
    assert {entry.id for entry in allowed()} == headings


def test_numbers_keep_their_text_and_keys_their_order() -> None:
    text = '{"b":1.0,"a":[1,1e3,-0.50,true,null,"ü"]}'
    assert compact(parse(text)) == text
    assert parse(pretty(parse(text))) == parse(text)
    assert pretty({"a": Number("1.50")}) == '{"a": 1.50}\n'


@pytest.mark.parametrize(
    ("was", "now", "at"),
    [
        ('{"x":{"a":1,"b":2}}', '{"x":{"b":2,"a":1}}', "/(order of keys)"),
        ('{"x":{"a":1}}', '{"x":{"a":1.0}}', "/a"),
        ('{"x":{"a":1}}', '{"x":{"a":"1"}}', "/a"),
        ('{"x":{"a":null}}', '{"x":{}}', "/a"),
        ('{"x":[1,{"a":1}]}', '{"x":[1,{"a":1,"b":2}]}', "/1/b"),
        ('{"x":[1]}', '{"x":[1,2]}', ""),
        ('{"x":1}', '{"y":1}', ""),
    ],
)
def test_every_kind_of_difference_is_found(was: str, now: str, at: str) -> None:
    found = differences("t", parse(was), parse(now))
    assert found
    assert found[0].at == at
    assert not differences("t", parse(was), parse(was))
