"""``POST /generate``: check, stamp with the active session, have it made, and say whether it is on disk."""

from __future__ import annotations

import secrets
from functools import partial

from starlette.requests import Request
from starlette.responses import Response

from services.api.http.body import picture_body, received
from services.api.http.headers import ALWAYS_GENERATED, GENERATED
from services.api.http.operation import Answer, post
from services.api.http.schemas import FormRequest, GenerateRequest, JsonRequest, resolve
from services.api.routes.making import answered, check_asked, deadline, while_wanted
from services.api.service import Api
from shared.bus.requests.generator import DRAWN_SEEDS, Generate
from shared.errors import (
    ChangeRefused,
    GeneratorLoading,
    GeneratorUnavailable,
    InvalidRequest,
    QueueFull,
    RecordingBacklogFull,
    UnknownImage,
)
from shared.ids import new_id

NOTHING_CAME_OF_IT = (
    *(QueueFull, GeneratorLoading, GeneratorUnavailable, RecordingBacklogFull, InvalidRequest),
    *(UnknownImage, ChangeRefused),
)


@post(
    "/generate",
    Answer(
        "The whole image; outside the target sector every pixel is the input's.",
        {"image/png": None},
        headers=GENERATED,
        always=ALWAYS_GENERATED,
    ),
    "invalid_json payload_too_large unsupported_media_type invalid_request unreadable_image unknown_image",
    "change_refused",
    "session_not_active superseded cancelled queue_full generator_loading generator_unavailable recorder_unavailable",
    "recording_backlog_full generation_failed generation_timeout insufficient_storage request_timeout server_busy",
    bodies={"application/json": JsonRequest, "multipart/form-data": FormRequest},
)
async def generate(api: Api, request: Request) -> Response:
    """Change one sector of an image."""
    async with received(request, partial(picture_body, GenerateRequest)) as body:
        asked, image = await api.uploads.in_turn(body.finish)
        return await _generate(api, request, asked, image)


async def _generate(api: Api, request: Request, asked: GenerateRequest, image: bytes | None) -> Response:
    until = deadline(api)
    seed = secrets.randbelow(DRAWN_SEEDS) if asked.seed is None else asked.seed
    aim = resolve(asked, seed)
    await check_asked(api, asked, image)
    session = api.recorder.stamp(asked.session_id)
    draw = api.prompts.draw(aim.target_sector) if asked.prompt is None and asked.change is None else None
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
        change=asked.asked_change,
        magnitude=asked.asked_magnitude,
        engine=asked.engine,
        strict=bool(asked.strict),
        timeout_ms=api.settings.generation_timeout_s * 1000,
        image_sha256=asked.image_sha256,
    )
    try:
        frame, png = await while_wanted(api, request, api.generator.frame(wanted, image or b""))
    except NOTHING_CAME_OF_IT:
        if draw is not None:
            api.prompts.give_back(draw)
        raise
    return await answered(api, request, frame, png, until, durable=bool(asked.durable))
