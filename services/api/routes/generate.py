"""``POST /generate``: check, stamp with the active session, have it made, and say whether it is on disk."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Coroutine
from typing import Any, TypeVar

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from services.api.http.body import RawBody, generate_body, received
from services.api.http.headers import ALWAYS_GENERATED, GENERATED, generated_headers
from services.api.http.operation import Answer, post
from services.api.http.schemas import FormRequest, GenerateRequest, JsonRequest, resolve
from services.api.service import Api
from shared import images
from shared.bus.requests.generator import DRAWN_SEEDS, Generate
from shared.errors import (
    GeneratorLoading,
    GeneratorUnavailable,
    InvalidRequest,
    ParafoveaError,
    QueueFull,
    RecordingBacklogFull,
)
from shared.frame import Frame
from shared.ids import new_id

T = TypeVar("T")

NOTHING_CAME_OF_IT = (QueueFull, GeneratorLoading, GeneratorUnavailable, RecordingBacklogFull, InvalidRequest)


@post(
    "/generate",
    Answer(
        "The whole image; outside the target sector every pixel is the input's.",
        {"image/png": None},
        headers=GENERATED,
        always=ALWAYS_GENERATED,
    ),
    "invalid_json payload_too_large unsupported_media_type invalid_request unreadable_image session_not_active",
    "superseded cancelled queue_full generator_loading generator_unavailable recorder_unavailable",
    "recording_backlog_full generation_failed generation_timeout insufficient_storage request_timeout server_busy",
    bodies={"application/json": JsonRequest, "multipart/form-data": FormRequest},
)
async def generate(api: Api, request: Request) -> Response:
    """Change one sector of an image."""
    try:
        body = generate_body(request.headers.get("content-type", ""))
    except ParafoveaError:
        async with received(request, RawBody(0)):  # a refused body too is read to its end
            raise
    async with received(request, body):
        asked, image = await api.uploads.in_turn(body.finish)
        return await _generate(api, request, asked, image)


async def _generate(api: Api, request: Request, asked: GenerateRequest, image: bytes) -> Response:
    deadline = asyncio.get_running_loop().time() + api.settings.generation_timeout_s
    seed = secrets.randbelow(DRAWN_SEEDS) if asked.seed is None else asked.seed
    aim = resolve(asked, seed)
    images.probe(image)
    if asked.prompt is None:
        await api.prompts.refresh()
    api.check_open()
    session = api.recorder.stamp(asked.session_id)
    draw = api.prompts.draw(aim.target_sector) if asked.prompt is None else None
    wanted = Generate(
        request_id=new_id(),
        client_id=asked.client_id,
        supersede=bool(asked.supersede),
        session=session,
        grid_size=aim.grid_size,
        target_sector=aim.target_sector,
        focus_sector=aim.focus_sector,
        focus_x=asked.focus_x,
        focus_y=asked.focus_y,
        prompt=draw.prompt if draw else asked.prompt or "",
        negative_prompt=asked.negative_prompt,
        seed=seed,
        steps=asked.steps,
        guidance_scale=asked.guidance_scale,
        strength=asked.strength,
        strict=bool(asked.strict),
        timeout_ms=api.settings.generation_timeout_s * 1000,
    )
    try:
        made = await _while_wanted(api, request, api.generator.generate(wanted, image))
    except NOTHING_CAME_OF_IT:
        if draw is not None:
            api.prompts.give_back(draw)
        raise
    recorded = await _recorded(api, request, made.answer, deadline, durable=bool(asked.durable))
    return Response(made.image, 200, generated_headers(made.answer, recorded), "image/png")


async def _recorded(api: Api, request: Request, frame: Frame, deadline: float, *, durable: bool) -> str:
    """The value of ``X-Recorded``."""
    if frame.key is None:
        return "no"
    remaining_s = max(0.0, deadline - asyncio.get_running_loop().time())
    acknowledgement = api.delivery.acknowledgement(frame.key, durable=durable, timeout_s=remaining_s)
    return await (_while_wanted(api, request, acknowledgement) if durable else acknowledgement)


async def _while_wanted(api: Api, request: Request, work: Coroutine[Any, Any, T]) -> T:
    """The result of ``work``, which is cancelled if the client goes away or the process stops before."""
    task = asyncio.create_task(work)
    gone, closing = asyncio.create_task(_gone(request)), asyncio.create_task(api.closing.wait())
    try:
        await asyncio.wait([task, gone, closing], return_when=asyncio.FIRST_COMPLETED)
        if task.done():
            return task.result()
        if gone.done():
            raise ClientDisconnect
        raise GeneratorUnavailable("The server is stopping; try again when it is back.")
    finally:
        for each in (task, gone, closing):
            each.cancel()
        await asyncio.gather(task, gone, closing, return_exceptions=True)


async def _gone(request: Request) -> None:
    """Return when the client has gone away."""
    while (await request.receive())["type"] != "http.disconnect":
        continue
