"""The generator over its own channels: one byte string for all, numbers without gaps, jobs that fail alone."""

from __future__ import annotations

import asyncio
import hashlib
import io
from collections.abc import Awaitable, Callable
from typing import Any

import numpy as np
import orjson
import pytest
from PIL import Image

from shared.bus import acknowledging
from shared.bus.envelope import Reply
from shared.errors import (
    Cancelled,
    GenerationFailed,
    GenerationTimeout,
    GeneratorUnavailable,
    InvalidRequest,
    MalformedMessage,
    NotFound,
    QueueFull,
    RecordingBacklogFull,
    Superseded,
    UnreadableImage,
)
from shared.frame import FrameRef
from shared.png_chunks import read_text
from shared.session.format.metadata import PNG_KEYWORD
from shared.session.writing.spill import read_spill
from shared.system.disk import Disk
from tests.bus.generator.conftest import Rig, photograph
from tests.support.waiting import eventually_async

SESSION = {"session_id": "s", "created_at": 12.5}


async def next_frame(rig: Rig) -> Any:
    return await asyncio.wait_for(rig.subscriber.receive(), 10)


async def test_the_answer_the_published_frame_and_the_held_one_are_one_byte_string(rig: Rig) -> None:
    reply = await rig.generate(session=SESSION)
    published = await next_frame(rig)
    fetched = await rig.ask("fetch", {key: reply.body[key] for key in ("session_id", "epoch", "record_seq")})
    assert reply.payloads[0] == published.payload == fetched.payloads[0]
    digest = hashlib.sha256(published.payload).hexdigest()
    assert reply.body["sha256"] == published.header["sha256"] == fetched.body["sha256"] == digest


async def test_only_the_target_changes_and_the_frame_says_what_was_done(rig: Rig) -> None:
    reply = await rig.generate(seed=9)
    pixels = np.asarray(Image.open(io.BytesIO(reply.payloads[0])))
    assert (pixels[:32] == 100).all()
    assert (pixels[32:, :48] == 100).all()
    assert (pixels[32:, 48:] == 9).all()
    said = {key: reply.body[key] for key in ("region", "steps", "seed", "width", "height", "session_id", "record_seq")}
    assert said == {
        "region": [48, 32, 96, 64],
        "steps": 3,
        "seed": 9,
        "width": 96,
        "height": 64,
        "session_id": None,
        "record_seq": None,
    }


async def test_the_png_carries_the_frames_fields(rig: Rig) -> None:
    reply = await rig.generate(session=SESSION, prompt="a bee\n\N{HONEYBEE}")
    text = read_text(reply.payloads[0])[PNG_KEYWORD]
    fields = orjson.loads(text)
    assert fields == {key: reply.body[key] for key in fields}
    assert fields["session_created_at"] == 12.5


async def test_numbers_have_no_gaps_whatever_fails_in_between(rig: Rig) -> None:
    for number in range(6):
        if number % 2:
            rig.engine.error = RuntimeError("boom")
            with pytest.raises(GenerationFailed, match="boom"):
                await rig.generate(session=SESSION)
        await rig.generate(session=SESSION)
        await rig.generate(session={"session_id": "t", "created_at": 1.0})
    frames = [await next_frame(rig) for _ in range(12)]
    assert [frame.header["seq"] for frame in frames] == list(range(12))
    for name in ("s", "t"):
        numbers = [f.header["record_seq"] for f in frames if f.header["session_id"] == name]
        assert numbers == list(range(6))
    assert len({frame.header["frame_id"] for frame in frames}) == 12


async def test_progress_is_published_a_step(rig: Rig) -> None:
    await asyncio.wait_for(rig.watcher.receive(), 10)  # joined
    await rig.generate(client_id="me")
    seen = []
    while not seen or seen[-1].type != "frame":
        message = await asyncio.wait_for(rig.watcher.receive(), 10)
        if message.type != "status":
            seen.append(message)
    assert [(m.header["step"], m.header["client_id"]) for m in seen[:-1]] == [(1, "me"), (2, "me"), (3, "me")]


async def test_cancel_drops_a_queued_or_running_job_and_no_other(rig: Rig) -> None:
    rig.engine.gate.clear()
    running = asyncio.create_task(rig.generate(request_id="r", prompt="r"))
    await eventually_async(lambda: rig.engine.started == ["r"])
    queued = asyncio.create_task(rig.generate(request_id="q", prompt="q"))
    other = asyncio.create_task(rig.generate(request_id="o", prompt="o"))
    await eventually_async(lambda: len(rig.generator.queue) == 2)
    waiting = (await rig.ask("status")).body["waiting"]
    assert waiting == [{"request_id": "q", "client_id": None}, {"request_id": "o", "client_id": None}]
    assert (await rig.ask("cancel", {"request_id": "q"})).body["found"] == "queued"
    assert (await rig.ask("cancel", {"request_id": "r"})).body["found"] == "running"
    assert (await rig.ask("cancel", {"request_id": "never"})).body["found"] == "unknown"
    rig.engine.gate.set()
    for task in (running, queued):
        with pytest.raises(Cancelled):
            await task
    await other
    assert rig.engine.started == ["r", "o"]
    assert (await next_frame(rig)).header["request_id"] == "o"


async def test_supersede_and_the_limit_of_the_queue(make_rig: Callable[..., Awaitable[Rig]]) -> None:
    rig = await make_rig(queue_limit=1)
    rig.engine.gate.clear()
    first = asyncio.create_task(rig.generate(client_id="eye", prompt="1"))
    await eventually_async(lambda: rig.engine.started == ["1"])
    second = asyncio.create_task(rig.generate(client_id="eye", prompt="2"))
    await eventually_async(lambda: len(rig.generator.queue) == 1)
    with pytest.raises(QueueFull):
        await rig.generate()
    third = asyncio.create_task(rig.generate(client_id="eye", supersede=True, prompt="3"))
    with pytest.raises(Superseded):
        await second
    rig.engine.gate.set()
    with pytest.raises(Superseded):
        await first
    assert (await third).body["prompt"] == "3"


async def test_a_job_whose_caller_has_given_up_is_dropped(rig: Rig) -> None:
    rig.engine.gate.clear()
    running = asyncio.create_task(rig.generate(prompt="r", timeout_ms=50))
    queued = asyncio.create_task(rig.generate(prompt="q", timeout_ms=50))
    with pytest.raises(GenerationTimeout):
        await queued
    rig.engine.gate.set()
    with pytest.raises(GenerationTimeout):
        await running
    await rig.generate(prompt="next")
    assert rig.engine.started == ["r", "next"]


async def test_bad_input_is_refused_and_leaves_the_next_job_working(rig: Rig) -> None:
    for image in (b"", b"no image", photograph()[:60], photograph()[:-40]):
        with pytest.raises(UnreadableImage):
            await rig.generate(image)
    with pytest.raises(InvalidRequest):
        await rig.generate(target_sector="MC")
    with pytest.raises(InvalidRequest):
        await rig.generate(grid_size=4)
    with pytest.raises(MalformedMessage):
        await rig.ask("generate", {})
    assert rig.engine.started == []
    assert len(rig.generator.queue) == 0
    assert (await rig.generate()).body["seq"] == 0


async def acknowledge(rig: Rig, refs: list[dict[str, Any]]) -> Reply:
    """As the recorder does it."""
    secret = bytes(32)
    acknowledging.write(Disk(), acknowledging.secret_path(rig.runtime.bus, rig.folder / "sessions"), secret)
    proof = acknowledging.prove(secret, [FrameRef.model_validate(ref) for ref in refs])
    return await rig.ask("ack", {"frames": refs, "proof": proof})


async def test_the_backlog_is_let_go_by_acknowledgement_only(rig: Rig) -> None:
    frames = [(await rig.generate(session=SESSION, seed=seed)).body for seed in range(3)]
    refs = [{key: frame[key] for key in ("session_id", "epoch", "record_seq")} for frame in frames]
    pending = (await rig.ask("pending")).body
    assert [item["frame_id"] for item in pending["frames"]] == [frame["frame_id"] for frame in frames]
    assert pending["next_record_seq"] == {"s": 3}
    given = await rig.ask("input", {"sha256": frames[0]["input_sha256"]})
    assert given.payloads[0] == photograph()
    assert given.body["format"] == "png"
    assert (await acknowledge(rig, refs[:2])).body["released"] == 2
    assert (await acknowledge(rig, refs[:2])).body["released"] == 0
    assert (await rig.ask("status")).body["sessions"] == [{"session_id": "s", "last_record_seq": 2, "frames": 1}]
    await acknowledge(rig, refs)
    for request in (("fetch", refs[2]), ("input", {"sha256": frames[0]["input_sha256"]})):
        with pytest.raises(NotFound):
            await rig.ask(*request)
    assert (await rig.ask("status")).body["backlog_bytes"] == 0


async def test_a_full_backlog_refuses_recorded_requests_before_a_step(make_rig: Callable[..., Awaitable[Rig]]) -> None:
    rig = await make_rig(backlog_bytes=200_000)
    await rig.generate(session=SESSION)
    rig.engine.gate.clear()
    waiting = asyncio.create_task(rig.generate(session=SESSION, prompt="waiting"))
    await eventually_async(lambda: "waiting" in rig.engine.started)
    with pytest.raises(RecordingBacklogFull):
        await rig.generate(session=SESSION, prompt="refused")
    unrecorded = asyncio.create_task(rig.generate(prompt="unrecorded"))
    assert (await rig.ask("status")).body["making"] == {"s": 1}
    rig.engine.gate.set()
    await waiting
    assert (await rig.ask("status")).body["making"] == {}
    await unrecorded
    assert rig.engine.started == ["a bee", "waiting", "unrecorded"]


async def test_a_job_made_only_to_be_compared_is_answered_and_not_published(rig: Rig) -> None:
    compared = await rig.generate(publish=False, priority="background", session=SESSION)
    assert compared.body["seq"] == -1
    assert compared.body["session_id"] is None
    assert (await rig.generate()).body["seq"] == 0
    assert (await next_frame(rig)).header["seq"] == 0
    assert (await rig.ask("pending")).body["frames"] == []


async def test_stopping_spills_what_nobody_acknowledged(rig: Rig) -> None:
    reply = await rig.generate(session=SESSION)
    rig.engine.gate.clear()
    running = asyncio.create_task(rig.generate())
    await eventually_async(lambda: len(rig.engine.started) == 2)
    rig.runtime.stopping.set()
    with pytest.raises(GeneratorUnavailable):
        await running
    await rig.stop()
    (spilled,) = read_spill(rig.folder / "sessions")
    frame = spilled.load()
    assert bytes(frame.png) == reply.payloads[0]
    assert frame.input == photograph()
    assert frame.frame.frame_id == reply.body["frame_id"]


async def test_an_engine_that_cannot_be_loaded_is_told_and_the_process_stays(
    make_rig: Callable[..., Awaitable[Rig]],
) -> None:
    rig = await make_rig(load_error=OSError("no such model"))
    status = (await rig.ask("status")).body
    assert (status["state"], status["detail"]) == ("failed", "OSError: no such model")
    with pytest.raises(GeneratorUnavailable, match="no such model"):
        await rig.generate()
