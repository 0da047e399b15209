"""docs/bus.md and the code say the same: what third parties rely on is written down, and what is written is so."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from shared import sectors
from shared.bus.channels import BY_NAME, CHANNELS
from shared.bus.envelope import encode_error
from shared.bus.message import PROTOCOL_VERSION, Envelope
from shared.bus.messages import PUBLISHED, ReplayStatus
from shared.bus.requests.generator import DRAWN_SEEDS
from shared.bus.requests.replayer import CursorRequest, ReplayedFrame, StartReplay
from shared.errors import BY_CODE, NotReplaying
from tests.support.samples import SAMPLES

DOCUMENT = (Path(__file__).parents[2] / "docs" / "bus.md").read_text(encoding="utf-8")
EMBEDDED = Path(__file__).parents[2] / "generation" / "models" / "embedded"
ENVELOPE = {"v", "type", "id", "time", "monotonic_ns"}
NAMES = re.compile(r"`([^`]+)`")


def section(heading: str) -> str:
    """The text below a heading, down to the next one of the same or a higher level."""
    level = heading.split(" ")[0]
    found = re.search(rf"^{re.escape(heading)}\n(.*?)(?=^#{{1,{len(level)}}} |\Z)", DOCUMENT, re.M | re.S)
    assert found, f"docs/bus.md has no section {heading!r}"
    return found[1]


def rows(text: str) -> list[list[str]]:
    """The cells of the first table in a text, without its head."""
    lines = [line for line in text.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in lines[2:]]


def first_column(text: str) -> set[str]:
    return {name for row in rows(text) for name in NAMES.findall(row[0])}


def test_the_table_of_channels_is_the_table_in_the_code() -> None:
    documented = [
        (NAMES.findall(row[0])[0], row[1], row[2], int(row[3]), tuple(NAMES.findall(row[4])))
        for row in rows(section("## Channels"))
    ]
    assert documented == [
        (channel.name, channel.bound_by, channel.pattern, channel.port_offset, channel.types) for channel in CHANNELS
    ]


def test_the_envelope_is_documented() -> None:
    text = section("## A published message").split("###")[0]
    assert first_column(text) == ENVELOPE == {"type", *Envelope.model_fields}
    assert f"version of this protocol: {PROTOCOL_VERSION} " in text


@pytest.mark.parametrize("message_type", sorted(PUBLISHED))
def test_every_field_of_a_message_is_documented_and_no_other(message_type: str) -> None:
    fields = set(PUBLISHED[message_type].model_fields) - ENVELOPE
    assert first_column(section(f"### `{message_type}`")) == fields


def test_the_documented_types_of_values_are_those_that_are_sent() -> None:
    kinds: dict[str, tuple[type, ...]] = {
        "string": (str,),
        "integer": (int,),
        "number": (int, float),
        "boolean": (bool,),
        "object": (dict,),
        "array": (list,),
        "null": (type(None),),
    }
    for message_type, sample in SAMPLES.items():
        header = json.loads(sample.model_dump_json())
        for names, words, meaning, *_ in rows(section(f"### `{message_type}`")):
            allowed = tuple(kind for word, known in kinds.items() if re.search(rf"\b{word}\b", words) for kind in known)
            for name in NAMES.findall(names):
                if name not in header:
                    assert "absent" in meaning
                    continue
                assert isinstance(header[name], allowed), f"{message_type}.{name}: {header[name]!r} is no {words}"


def test_the_example_of_a_frame_has_every_field() -> None:
    example = re.search(r"```json\n(.*?)```", section("### `frame`"), re.S)
    assert example
    header = json.loads(example[1])
    assert PUBLISHED["frame"].model_validate(header)
    assert set(header) == {*ENVELOPE, *PUBLISHED["frame"].model_fields}


def test_the_example_of_a_frame_is_one_that_the_embedded_model_makes() -> None:
    example = re.search(r"```json\n(.*?)```", section("### `frame`"), re.S)
    assert example
    frame = json.loads(example[1])
    model = EMBEDDED / "model_index.json"
    index, defaults = json.loads(model.read_text()), json.loads((EMBEDDED / "parafovea.json").read_text())
    scheduler = json.loads((EMBEDDED / "scheduler" / "scheduler_config.json").read_text())["_class_name"]
    assert frame["model"]["id"] == f"parafovea/{EMBEDDED.name}"
    assert (frame["model"]["pipeline"], frame["model"]["scheduler"]) == (index["_class_name"], scheduler)
    assert (frame["steps"], frame["guidance_scale"]) == (defaults["steps"], defaults["guidance_scale"])
    assert frame["frame_id"] == f"{frame['epoch']}-{frame['seq']}"
    assert set(frame["requested"]) <= {"steps", "guidance_scale", "strength"}
    assert {name: frame[name] for name in frame["requested"]} == frame["requested"]
    region = sectors.region(frame["target_sector"], frame["grid_size"], frame["width"], frame["height"])
    assert tuple(frame["region"]) == region.as_tuple()
    assert frame["seed"] < DRAWN_SEEDS
    assert frame["notes"]["object"] in frame["prompt"]


def test_the_examples_of_requests_and_replies_are_those_that_are_sent() -> None:
    found = re.findall(r"^(→|←) (\{.*?\})$", section("## Asking").split("###")[0], re.M | re.S)
    told = [(arrow, json.loads(text.replace(", ...", ""))) for arrow, text in found]
    assert [(arrow, message["type"]) for arrow, message in told] == [
        ("→", "start"), ("←", "start.ok"), ("→", "next"), ("←", "next.ok"), ("→", "next"), ("←", "error"),
    ]  # fmt: skip
    replies = {message["type"]: message for arrow, message in told if arrow == "←"}
    for name, model in {"start.ok": ReplayStatus, "next.ok": ReplayedFrame}.items():
        assert model.model_validate(replies[name])
        assert set(replies[name]) == {*ENVELOPE, *model.model_fields}
    error = json.loads(bytes(encode_error("3", NotReplaying("said"))[0]))
    assert set(replies["error"]) == set(error)
    assert replies["error"]["code"] == "not_replaying"
    source = (Path(__file__).parents[2] / "services" / "replayer" / "service.py").read_text(encoding="utf-8")
    assert replies["error"]["detail"].partition("'hall' ")[2] in source
    for arrow, message in told:
        assert message["v"] == PROTOCOL_VERSION
        if arrow == "→":
            model = {"start": StartReplay, "next": CursorRequest}[message["type"]]
            assert set(message) <= {"v", "type", "id", *model.model_fields}


def test_every_request_is_in_the_table_of_requests() -> None:
    documented: dict[str, set[str]] = {}
    for channel, types, *_ in rows(section("### What may be asked")):
        documented.setdefault(channel.strip("`"), set()).update(NAMES.findall(types))
    assert documented == {channel.name: set(channel.types) for channel in CHANNELS if channel.pattern == "requests"}


def test_the_errors_of_the_bus_exist() -> None:
    assert first_column(section("## Asking").split("###")[0]) <= set(BY_CODE)


def test_the_number_of_messages_that_wait_is_the_one_of_the_defaults() -> None:
    from shared.process.settings import Settings

    budget_bytes = Settings.model_fields["bus_budget_bytes"].default
    assert {BY_NAME[name].high_water_mark(budget_bytes) for name in ("frames", "replays")} == {64}
    assert "64 on `frames` and `replays`" in DOCUMENT
