"""The replayer is asked what no honest peer asks: it refuses, and the cursors of others stay where they are."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from shared.errors import InvalidRequest, ParafoveaError
from tests.bus.replayer.conftest import Rig
from tests.support.absurd_fields import LONG, REQUESTS, absurd_bodies, assert_quiet, refuses, tree


@pytest.fixture(autouse=True)
def _quiet(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    caplog.set_level(logging.INFO)
    yield
    assert_quiet(caplog)


@pytest.mark.parametrize("message_type", sorted(REQUESTS["replayer"]))
async def test_an_absurd_request_is_refused_and_moves_nothing(rig: Rig, folder: Path, message_type: str) -> None:
    rig.record(frames=3).close()
    await rig.ask("start", cursor="c", session_id="s")
    assert await rig.shown(cursor="c") == 0
    before = tree(folder)
    for what, body in absurd_bodies("replayer", message_type):
        await refuses(rig.client, message_type, body, what)
    assert tree(folder) == before
    assert await rig.shown(cursor="c") == 1
    assert len(rig.replayer.cursors) == 1


async def test_a_whole_number_may_be_written_with_a_point(rig: Rig) -> None:
    rig.record(frames=3).close()
    await rig.ask("start", session_id="s")
    assert (await rig.ask("seek", index=2.0)).body["position"] == 2
    with pytest.raises(InvalidRequest):
        await rig.ask("seek", index="2")


async def test_a_session_of_another_name_is_read_as_before(rig: Rig) -> None:
    rig.record("Older.Session-1", frames=2).close()
    await rig.ask("start", session_id="Older.Session-1")
    assert await rig.shown() == 0


async def test_a_number_of_400_digits_is_an_error_of_its_request(rig: Rig) -> None:
    socket = rig.buses.new().connect("replayer")
    await socket.send(b'{"v":1,"type":"seek","id":"1","index":1' + b"0" * 400 + b"}")
    (answer,) = await socket.recv_multipart()
    assert b'"malformed_message"' in answer
    with pytest.raises(ParafoveaError) as refused:
        await rig.ask("rerun", session_id="s", into="b", prompts={LONG: 1})
    assert len(refused.value.detail) < 1000
