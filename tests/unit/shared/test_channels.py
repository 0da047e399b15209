"""The table of channels is free of clashes."""

from __future__ import annotations

import pytest

from cli.schemas import calls
from shared.bus.channels import BY_NAME, CHANNELS, topic_of
from shared.bus.messages import PUBLISHED


@pytest.mark.parametrize("column", ["name", "port_offset"])
def test_no_two_channels_share(column: str) -> None:
    values = [getattr(channel, column) for channel in CHANNELS]
    assert len(set(values)) == len(values)


def test_the_ports_that_third_parties_rely_on_stand() -> None:
    assert {channel.name: channel.port_offset for channel in CHANNELS} == {
        "frames": 0,
        "generator": 1,
        "recordings": 2,
        "recorder": 3,
        "replays": 4,
        "replayer": 5,
        "gaze": 6,
        "gaze-control": 7,
    }


def test_each_published_type_belongs_to_one_channel_and_has_its_fields_declared() -> None:
    carried = [name for channel in CHANNELS if channel.pattern == "publish" for name in channel.types]
    assert len(set(carried)) == len(carried)
    assert set(carried) == set(PUBLISHED)


def test_each_request_is_declared_with_its_types() -> None:
    declared: dict[str, set[str]] = {}
    for call in calls():
        declared.setdefault(call.channel, set()).add(call.name)
    assert declared == {channel.name: set(channel.types) for channel in CHANNELS if channel.pattern == "requests"}


def test_no_topic_is_a_prefix_of_another() -> None:
    topics = [topic_of(name) for channel in CHANNELS for name in channel.types]
    for one in topics:
        assert one.endswith(b"|")
        assert not any(other != one and other.startswith(one) for other in topics)


@pytest.mark.parametrize("channel", CHANNELS, ids=lambda channel: channel.name)
def test_limits_make_sense(channel: object) -> None:
    row = BY_NAME[channel.name]  # type: ignore[attr-defined]
    assert row is channel
    assert 0 < row.typical_bytes < row.max_bytes
    assert len(set(row.types)) == len(row.types)
    assert row.name.replace("-", "_").isidentifier(), "the name is also the name of a socket file"


def test_the_high_water_mark_is_a_byte_budget() -> None:
    frames = BY_NAME["frames"]
    assert frames.high_water_mark(10 * frames.typical_bytes) == 10
    assert frames.high_water_mark(1) == 1, "0 would mean no limit to ZeroMQ"
