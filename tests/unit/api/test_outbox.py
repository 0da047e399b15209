"""What waits for a slow viewer."""

from __future__ import annotations

import asyncio

import pytest

from services.api.live.viewers import OUTBOX_LIMIT, Outbox
from shared.bus.envelope import Published


def message(kind: str, **header: object) -> Published:
    return Published(kind, {"type": kind, **header}, b"")


async def drain(outbox: Outbox) -> list[Published]:
    return [await outbox.take() for _ in range(len(outbox))]


async def test_the_newest_of_a_kind_and_every_fact() -> None:
    outbox = Outbox()
    sent = [
        message("frame", seq=0),
        message("frame.recorded", frame_id="a"),
        message("progress", request_id="r", step=1),
        message("progress", request_id="q", step=1),
        message("frame", seq=1),
        message("frame.recorded", frame_id="b"),
        message("progress", request_id="r", step=2),
        message("replay.frame", cursor="left", index=0),
        message("replay.frame", cursor="right", index=0),
        message("replay.frame", cursor="left", index=1),
    ]
    for each in sent:
        outbox.put(each)
    assert await drain(outbox) == [sent[1], sent[3], sent[4], sent[5], sent[6], sent[8], sent[9]]


async def test_of_a_preparation_the_newest_word_behind_what_came_before_it() -> None:
    outbox = Outbox()
    sent = [
        message("prepared", prepared_id="a", state="ready"),
        message("prepared", prepared_id="b", state="ready"),
        message("frame", seq=0),
        message("prepared", prepared_id="a", state="committed"),
        message("prepared", prepared_id="b", state="composing"),
        message("prepared", prepared_id="b", state="ready"),
    ]
    for each in sent:
        outbox.put(each)
    assert await drain(outbox) == [sent[2], sent[3], sent[5]]


async def test_it_is_bounded() -> None:
    outbox = Outbox()
    for number in range(OUTBOX_LIMIT + 5):
        outbox.put(message("frame.recorded", number=number))
    left = await drain(outbox)
    assert [each.header["number"] for each in left] == list(range(5, OUTBOX_LIMIT + 5))


async def test_taking_waits() -> None:
    outbox = Outbox()
    taking = asyncio.create_task(outbox.take())
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.01):
            await asyncio.shield(taking)
    outbox.put(message("status"))
    assert (await taking).type == "status"
