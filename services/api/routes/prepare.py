"""Changes that are made ahead: have them made, look at one, make a frame of one, give one up."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from functools import partial
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from services.api.http.body import picture_body, received
from services.api.http.errors import JsonResponse
from services.api.http.files import hash_of
from services.api.http.headers import (
    ALWAYS_GENERATED,
    ALWAYS_READY,
    GENERATED,
    NO_STORE,
    READY,
    ready_headers,
)
from services.api.http.operation import Answer, delete, get, json, post
from services.api.http.preparing import (
    CommitQuery,
    FormPrepare,
    JsonPrepare,
    PreparedPath,
    PrepareRequest,
    aim_all,
    focus_now,
    grid_of,
)
from services.api.routes.making import answered, check_asked, deadline, while_wanted
from services.api.service import Api
from shared.bus.requests.generator import DRAWN_SEEDS
from shared.bus.requests.preparing import Commit, Prepare, PreparedAnswer, PreparedState, Wanted
from shared.errors import NotFound, ParafoveaError, Stale, from_code
from shared.ids import new_id

_UNDONE = "generation_failed generation_timeout unreadable_image cancelled change_refused"
"""Why the making of one may have failed."""


@dataclass
class Asked:
    id: str
    target_sector: str
    state: PreparedState
    seed: int
    prompt: str


@dataclass
class PrepareAnswer:
    prepared: list[Asked]
    picture_sha256: str


@dataclass
class Preparation(Asked):
    view: str | None
    picture_sha256: str | None
    region: tuple[int, int, int, int] | None


@dataclass
class GivenUp:
    id: str
    state: PreparedState


@post(
    "/prepare",
    json(PrepareAnswer, "They are asked for, in this order; `picture_sha256` names the picture.", 202),
    "invalid_json payload_too_large unsupported_media_type invalid_request unreadable_image unknown_image",
    "session_not_active queue_full generator_loading generator_unavailable recorder_unavailable",
    "insufficient_storage request_timeout server_busy",
    bodies={"application/json": JsonPrepare, "multipart/form-data": FormPrepare},
)
async def prepare(api: Api, request: Request) -> dict[str, Any]:
    """Have changes of an image made ahead, so that one of them can be committed in no time."""
    async with received(request, partial(picture_body, PrepareRequest)) as body:
        asked, image = await api.uploads.in_turn(body.finish)
        return await _prepare(api, request, asked, image)


@get(
    "/prepared/{id}",
    Answer("The changed sector.", {"image/png": None}, headers=READY, always=ALWAYS_READY),
    json(Preparation, "It is not made yet; ask again, or wait for its event on `/ws`.", 202),
    "not_found stale generator_unavailable",
    _UNDONE,
)
async def prepared(api: Api, asked: PreparedPath) -> Response:
    """A change that is made ahead: its sector, once it is there."""
    answer, sector = await api.generator.sector(asked.id)
    if sector:
        return Response(sector, 200, ready_headers(answer, await hash_of(sector)), "image/png")
    if answer.state == "stale":
        raise Stale(answer.detail or "The picture has changed where the model had looked; prepare it again.")
    if answer.state == "failed":
        raise from_code(answer.code or "", answer.detail or "It failed; the server's log may say why.")
    if answer.state in ("committed", "dropped"):
        raise NotFound(answer.detail or f"Nothing is prepared as {asked.id[:100]!r} any more: it is {answer.state}.")
    return JsonResponse(_stands(answer), 202, NO_STORE)


@delete("/prepared/{id}", json(GivenUp, "It is given up."), "not_found generator_unavailable")
async def give_up(api: Api, asked: PreparedPath) -> dict[str, Any]:
    """Give up a change that is made ahead."""
    await api.generator.give_up(asked.id)
    api.ahead.end(asked.id)
    return {"id": asked.id, "state": "dropped"}


@post(
    "/commit/{id}",
    Answer(
        "The whole image, as `/generate` would have made it.",
        {"image/png": None},
        headers=GENERATED,
        always=ALWAYS_GENERATED,
    ),
    Answer("The same, without the image (`picture=false`).", status=204, headers=GENERATED, always=ALWAYS_GENERATED),
    "invalid_request not_found stale unknown_image session_not_active generator_unavailable recorder_unavailable",
    "recording_backlog_full insufficient_storage",
    _UNDONE,
)
async def commit(api: Api, asked: CommitQuery, request: Request) -> Response:
    """Make a frame of a change that was made ahead: from now on its view shows it."""
    until = deadline(api)
    focus_sector = await _focus(api, asked)
    api.check_open()
    wanted = Commit(
        prepared_id=asked.id,
        request_id=new_id(),
        on=asked.on,
        session=api.recorder.stamp(asked.session_id),
        focus_sector=focus_sector,
        focus_x=asked.focus_x,
        focus_y=asked.focus_y,
        with_picture=asked.picture,
        timeout_ms=api.settings.generation_timeout_s * 1000,
    )
    frame, png = await while_wanted(api, request, api.generator.commit(wanted))
    return await answered(api, request, frame, png, until, durable=asked.durable)


async def _prepare(api: Api, request: Request, asked: PrepareRequest, image: bytes | None) -> dict[str, Any]:
    focus_sector = aim_all(asked)
    await check_asked(api, asked, image)
    if asked.session_id is not None:
        api.recorder.stamp(asked.session_id)
    wanted: list[Wanted] = []
    try:
        for sector in asked.target_sectors:
            wanted.append(_wanted(api, asked, sector, focus_sector))
        whole = Prepare(
            view=asked.view or asked.client_id or None,
            client_id=asked.client_id,
            image_sha256=asked.image_sha256,
            supersede=bool(asked.supersede),
            strict=bool(asked.strict),
            timeout_ms=api.settings.generation_timeout_s * 1000,
            wanted=tuple(wanted),
        )
        made = (await while_wanted(api, request, api.generator.prepare(whole, image or b""))).answer
    except BaseException as error:
        for each in wanted:
            api.ahead.end(each.prepared_id)
            if not isinstance(error, ParafoveaError):  # its client went away, and never learns their names
                api.generator.drop_prepared(each.prepared_id)
        raise
    return {"prepared": [_asked(each) for each in made.prepared], "picture_sha256": made.picture_sha256}


def _wanted(api: Api, asked: PrepareRequest, target_sector: str, focus_sector: str | None) -> Wanted:
    """One of the changes, with a prompt and a seed of its own. Raises InvalidRequest: there is no prompt for it."""
    draw = api.prompts.draw(target_sector) if asked.prompt is None and asked.change is None else None
    prepared_id, grid_size = new_id(), asked.grid_size or 3
    api.ahead.add(prepared_id, grid_size, draw)
    return Wanted(
        prepared_id=prepared_id,
        grid_size=grid_size,
        target_sector=target_sector,
        focus_sector=focus_sector,
        focus_x=asked.focus_x,
        focus_y=asked.focus_y,
        prompt=draw.prompt if draw else asked.prompt or "",
        negative_prompt=asked.negative_prompt,
        seed=secrets.randbelow(DRAWN_SEEDS) if asked.seed is None else asked.seed,
        steps=asked.steps,
        guidance_scale=asked.guidance_scale,
        strength=asked.strength,
        change=asked.asked_change,
        magnitude=asked.asked_magnitude,
        engine=asked.engine,
    )


async def _focus(api: Api, asked: CommitQuery) -> str | None:
    """The sector that the viewer looks at, by the preparation's grid; None where the request does not say where."""
    if not asked.has_focus:
        return None
    grid_size = api.ahead.grid_of(asked.id)
    if grid_size is None:  # it was asked for before this process began, or not over HTTP
        grid_size = grid_of((await api.generator.prepared(asked.id)).answer)
    return focus_now(asked, grid_size)


def _asked(answer: PreparedAnswer) -> dict[str, Any]:
    said = answer.model_dump(include={"target_sector", "state", "seed", "prompt"})
    return {"id": answer.prepared_id, **said}


def _stands(answer: PreparedAnswer) -> dict[str, Any]:
    return {**_asked(answer), **answer.model_dump(include={"view", "picture_sha256", "region"})}
