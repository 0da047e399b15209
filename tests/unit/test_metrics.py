"""What the metrics subscriber makes of messages."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from prometheus_client import CollectorRegistry

from services.metrics.collect import Collector, Gaps
from shared.bus.envelope import Published, decode_published, encode_published
from shared.bus.message import Message
from tests.support.samples import SAMPLES, frame


def published(message: Message, payload: bytes = b"") -> Published:
    received = decode_published([bytes(part) for part in encode_published(message, payload)])
    return replace(received, message=message)


class Counted:
    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.collector = Collector(self.registry)

    def take(self, message: Message, payload: bytes = b"", **fields: Any) -> None:
        self.collector.take(published(message.model_copy(update=fields), payload))

    def value(self, name: str, **labels: str) -> float | None:
        return self.registry.get_sample_value(f"parafovea_{name}", labels)


@pytest.fixture
def counted() -> Counted:
    return Counted()


def test_every_type_on_the_bus_is_counted(counted: Counted) -> None:
    for message_type, sample in SAMPLES.items():
        counted.take(sample)
        assert counted.value("messages_total", type=message_type) == 1


def test_a_frame_gives_its_sector_its_bytes_and_its_times(counted: Counted) -> None:
    counted.take(frame(0), b"12345")
    counted.take(frame(1, session_id=None), b"123")
    assert counted.value("frames_total", sector="BR", recorded="yes") == 1
    assert counted.value("frames_total", sector="BR", recorded="no") == 1
    assert counted.value("frame_bytes_total") == 8
    assert counted.value("generation_seconds_count") == 2
    assert counted.value("generation_seconds_sum") == pytest.approx(2 * 0.812)
    assert counted.value("queued_seconds_count") == 2


def test_the_state_is_one_of_all_and_the_others_are_zero(counted: Counted) -> None:
    counted.take(SAMPLES["status"], queue=3, backlog_bytes=77)
    states = {state: counted.value("generator_state", state=state) for state in ("loading", "ready", "stopping")}
    assert states == {"loading": 0, "ready": 1, "stopping": 0}
    assert counted.value("queue_jobs") == 3
    assert counted.value("backlog_bytes") == 77


def test_recorded_frames_and_the_session(counted: Counted) -> None:
    counted.take(SAMPLES["session.started"])
    assert counted.value("session_active") == 1
    counted.take(SAMPLES["frame.recorded"], bytes=1000)
    assert counted.value("recorded_frames_total") == 1
    assert counted.value("recorded_bytes_total") == 1000
    counted.take(SAMPLES["session.stopped"])
    assert counted.value("session_active") == 0


def test_gaps_are_what_the_numbers_leave_out() -> None:
    gaps = Gaps()
    assert gaps.frame("a", 7) == 0, "what passed before this subscriber came was not missed"
    assert gaps.frame("a", 8) == 0
    assert gaps.frame("a", 11) == 2
    assert gaps.status("a", 11) == 0
    assert gaps.status("a", 14) == 3, "a lost tail leaves no later gap: the status tells"
    assert gaps.frame("a", 15) == 0
    assert gaps.frame("b", 0) == 0, "another life of the generator counts anew"
    assert gaps.frame("b", 2) == 1


def test_a_status_before_the_first_frame() -> None:
    gaps = Gaps()
    assert gaps.status("a", -1) == 0
    assert gaps.frame("a", 0) == 0
    assert gaps.frame("a", 2) == 1
