"""What the operations that have a frame made share: the first checks, the wait for it, and the answer with it."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from services.api.http.headers import generated_headers
from services.api.http.schemas import How, invalid
from services.api.service import Api
from shared import images
from shared.bus.envelope import Payload
from shared.errors import GeneratorUnavailable
from shared.frame import Frame

T = TypeVar("T")


async def check_asked(api: Api, asked: How, image: bytes | None) -> None:
    """Check what can be checked before a prompt is drawn. Raises InvalidRequest, UnreadableImage, or, where the process
    stops, GeneratorUnavailable."""
    if asked.change is not None and asked.prompt is not None:
        problem = "say what is to change in one way: with change, or with prompt"
        raise invalid({"change": problem, "prompt": problem})
    if asked.change is not None and asked.engine == "model":
        raise invalid({"engine": "the model paints after a prompt; with change it is natural"})
    if image is not None:
        images.probe(image)
    if asked.prompt is None and asked.change is None:
        await api.prompts.refresh()
    api.check_open()


def deadline(api: Api) -> float:
    """When a request that comes now is given up, by the event loop's clock."""
    return asyncio.get_running_loop().time() + api.settings.generation_timeout_s


async def answered(
    api: Api, request: Request, frame: Frame, png: Payload | None, until: float, *, durable: bool
) -> Response:
    """The answer with a frame that was made; without its PNG, its headers alone."""
    # Who has no use for the picture is in a hurry: a display that lays a sector over what it shows.
    recorded = await _recorded(api, request, frame, until, durable=durable, in_a_hurry=png is None)
    headers = generated_headers(frame, recorded)
    return Response(None, 204, headers) if png is None else Response(png, 200, headers, "image/png")


async def while_wanted(api: Api, request: Request, work: Coroutine[Any, Any, T]) -> T:
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


async def _recorded(api: Api, request: Request, frame: Frame, until: float, *, durable: bool, in_a_hurry: bool) -> str:
    """The value of ``X-Recorded``."""
    if frame.key is None:
        return "no"
    remaining_s = max(0.0, until - asyncio.get_running_loop().time())
    acknowledgement = api.delivery.acknowledgement(
        frame.key, durable=durable, timeout_s=remaining_s, in_a_hurry=in_a_hurry
    )
    return await (while_wanted(api, request, acknowledgement) if durable else acknowledgement)


async def _gone(request: Request) -> None:
    """Return when the client has gone away."""
    while (await request.receive())["type"] != "http.disconnect":
        continue
