"""docs/schema is what the types say, and what is sent and written fits it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema_rs
import orjson
import pytest

from cli.schemas import schemas, write
from shared.bus.envelope import encode_error, encode_published, encode_request
from shared.bus.messages import PUBLISHED
from shared.errors import SessionNotFound
from tests.support.absurd_fields import REQUESTS
from tests.support.samples import SAMPLES

ROOT = Path(__file__).parents[3]
FOLDER = ROOT / "docs" / "schema"
CONFORMANCE = ROOT / "tests" / "conformance" / "session" / "metadata.json"

MADE = schemas()


def fits(name: str, value: Any, **changes: Any) -> bool:
    schema = {**MADE[f"{name}.json"], **changes}
    return bool(jsonschema_rs.is_valid(schema, value))


def test_the_documents_are_those_that_the_types_make(tmp_path: Path) -> None:
    write(tmp_path)
    assert {path.name for path in tmp_path.rglob("*.json")} == {path.name for path in FOLDER.rglob("*.json")}
    for path in tmp_path.rglob("*.json"):
        there = FOLDER / path.relative_to(tmp_path)
        assert there.read_text() == path.read_text(), f"{there} is of another version: run make schema"


def test_what_is_no_schema_any_more_is_removed(tmp_path: Path) -> None:
    (tmp_path / "bus").mkdir()
    (tmp_path / "bus" / "forgotten.json").write_text("{}")
    write(tmp_path)
    assert not (tmp_path / "bus" / "forgotten.json").exists()


@pytest.mark.parametrize("message_type", sorted(PUBLISHED))
def test_a_message_fits_its_schema_and_no_other_type_does(message_type: str) -> None:
    header = orjson.loads(bytes(encode_published(SAMPLES[message_type])[1]))
    assert fits(f"bus/{message_type}", header)
    assert fits(f"bus/{message_type}", {**header, "invented_in_2031": 1})
    assert not fits(f"bus/{message_type}", {**header, "type": "other"})
    assert not fits(f"bus/{message_type}", {key: value for key, value in header.items() if key != "time"})


@pytest.mark.parametrize(("channel", "message_type"), [(c, t) for c, each in REQUESTS.items() for t in each])
def test_a_request_fits_its_schema(channel: str, message_type: str) -> None:
    body, _ = REQUESTS[channel][message_type]
    header = orjson.loads(bytes(encode_request(message_type, body)[0]))
    assert fits(f"bus/{channel}.{message_type}", header)


def test_an_error_fits_its_schema() -> None:
    for error in (SessionNotFound("there is none"), SessionNotFound("there is none", fields={"session_id": "none"})):
        assert fits("bus/error", orjson.loads(bytes(encode_error("7", error)[0])))


def test_a_session_fits_its_schema_whoever_wrote_it() -> None:
    metadata = json.loads(CONFORMANCE.read_bytes())
    own = {**MADE["metadata.json"]["properties"], "sequence": {"type": "array"}}  # entries are looked at one by one
    assert fits("metadata", metadata, properties=own)
    for entry in metadata["sequence"]:
        assert fits("entry", entry)
        assert not fits("entry", {**entry, "index": "first"})
