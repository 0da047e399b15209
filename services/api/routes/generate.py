"""``POST /generate``: check, stamp with the active session, have it made, and say what became of its recording."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Coroutine
from typing import Any, TypeVar

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from services.api.http.body import generate_body, received
from services.api.http.headers import ALWAYS_GENERATED, GENERATED, generated_headers
from services.api.http.operation import Answer, post
from services.api.http.schemas import FormRequest, GenerateRequest, JsonRequest, resolve
from services.api.service import Api
from shared import images
from shared.bus.call import WithImage
from shared.bus.requests.generator import DRAWN_SEEDS, Generate
from shared.errors import GeneratorLoading, GeneratorUnavailable, InvalidRequest, QueueFull, RecordingBacklogFull
from shared.frame import Frame
from shared.ids import new_id
from shared.prompts import Draw

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
    return await Generation(api).answer(request)


class Generation:
    """The way of one request to its picture."""

    def __init__(self, api: Api) -> None:
        self._api = api

    async def answer(self, request: Request) -> Response:
        """Answer with the PNG."""
        body = generate_body(request.headers.get("content-type", ""))
        async with received(request, body):
            asked, image = await self._api.uploads.in_turn(body.finish)
            return await self._answer(request, asked, image)

    async def _answer(self, request: Request, asked: GenerateRequest, image: bytes) -> Response:
        deadline = asyncio.get_running_loop().time() + self._api.settings.generation_timeout_s
        seed = secrets.randbelow(DRAWN_SEEDS) if asked.seed is None else asked.seed
        aim = resolve(asked, seed)
        images.probe(image)
        if asked.prompt is None:
            await self._api.prompts.refresh()
        self._api.check_open()
        session = self._api.recorder.stamp(asked.session_id)
        draw = self._api.prompts.draw(aim.target_sector) if asked.prompt is None else None
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
            timeout_ms=self._api.settings.generation_timeout_s * 1000,
        )
        made = await self._have_made(request, wanted, image, draw)
        recorded = await self._recorded(request, made.answer, deadline, durable=bool(asked.durable))
        return Response(made.image, 200, generated_headers(made.answer, recorded), "image/png")

    async def _have_made(self, request: Request, wanted: Generate, image: bytes, draw: Draw | None) -> WithImage[Frame]:
        """Have it made, and give it up when the client goes away or the process stops."""
        try:
            return await self._while_wanted(request, self._api.generator.generate(wanted, image))
        except NOTHING_CAME_OF_IT:
            if draw is not None:
                self._api.prompts.give_back(draw)
            raise

    async def _while_wanted(self, request: Request, work: Coroutine[Any, Any, T]) -> T:
        """The result of ``work``, unless its client goes away or the process stops before.

        Raises:
            ClientDisconnect, Stopping: what came before; the work is cancelled.
        """
        task = asyncio.create_task(work)
        gone, closing = asyncio.create_task(_gone(request)), asyncio.create_task(self._api.closing.wait())
        try:
            await asyncio.wait([task, gone, closing], return_when=asyncio.FIRST_COMPLETED)
            if task.done():
                return task.result()
            if gone.done():
                raise ClientDisconnect
            raise Stopping("The server is stopping; try again when it is back.")
        finally:
            for each in (task, gone, closing):
                each.cancel()
            await asyncio.gather(task, gone, closing, return_exceptions=True)

    async def _recorded(self, request: Request, frame: Frame, deadline: float, *, durable: bool) -> str:
        """What ``X-Recorded`` says."""
        if frame.key is None:
            return "no"
        remaining_s = max(0.0, deadline - asyncio.get_running_loop().time())
        waiting = self._api.delivery.acknowledgement(frame.key, durable=durable, timeout_s=remaining_s)
        return await (self._while_wanted(request, waiting) if durable else waiting)


class Stopping(GeneratorUnavailable):
    """This process stops while the request is under way."""


async def _gone(request: Request) -> None:
    """Return when the client has gone away."""
    while (await request.receive())["type"] != "http.disconnect":
        continue
