"""Trials: begin one, end it, see how it stands; and which source of the gaze they go by. The gaze process decides."""

from __future__ import annotations

import asyncio
import re
from typing import Any

from pydantic import Field
from starlette.requests import Request
from starlette.responses import Response

from services.api.http.body import received
from services.api.http.headers import FOR_EVER, IMAGE_SHA256
from services.api.http.json_body import IMAGE, ImageBody, JsonBody
from services.api.http.operation import Answer, Asked, get, json, post
from services.api.http.query import NotEmpty
from services.api.http.schemas import checked, invalid
from services.api.http.trials import (
    BeginFields,
    BeginRequest,
    ResponseRequest,
    SourceRequest,
    prompts_of,
)
from services.api.routes.page import sample_path
from services.api.service import Api
from shared import images, sectors
from shared.bus.gaze_messages import GazeStatus
from shared.bus.requests.displays import RESPONSE, KeyPressed, Noted
from shared.bus.requests.gaze import (
    END,
    SOURCE,
    STATE,
    STATUS,
    BeginTrial,
    ChooseSource,
    TrialRequest,
    TrialState,
)
from shared.errors import NotFound, SessionNotActive, UnsupportedMediaType
from shared.gaze.trial.config import ModelOptions, TrialPrompts
from shared.refusals import request_of

_SHA256 = re.compile(r"[0-9a-f]{64}\Z")
_STATE = "The trial that is under way, or was last."
_SOURCE = "The source, and what comes of it."


class EndQuery(Asked):
    trial_id: NotEmpty | None = Field(None, description="the trial that is meant; default: the one under way")


class PicturePath(Asked):
    sha256: str = Field(description="as the trial's state and its steps name it")


@post(
    "/trial/begin",
    json(TrialState, "It is begun."),
    "invalid_json payload_too_large unsupported_media_type invalid_request unreadable_image not_found",
    "unknown_image trial_active",
    "session_not_active recorder_unavailable insufficient_storage generator_unavailable gaze_unavailable",
    "gaze_backlog_full request_timeout server_busy",
    bodies={"application/json": BeginRequest},
)
async def begin(api: Api, request: Request) -> dict[str, Any]:
    """Begin a trial: from now on the picture changes where the viewer does not look."""
    async with received(request, _begin_body) as body:
        asked, picture = await api.uploads.in_turn(body.finish)
        if picture is None:
            picture = await _named(api, asked)
        images.probe(picture)
        wanted = await _wanted(api, asked)
        api.check_open()
        if wanted.record and api.recorder.stamp(None) is None:
            raise SessionNotActive("No session is active to record the trial in; start one, or send record: false.")
        return (await api.gaze.begin(wanted, picture)).flat()


@post("/trial/end", json(TrialState, "It is ended."), "invalid_request trial_not_active gaze_unavailable")
async def end(api: Api, asked: EndQuery) -> dict[str, Any]:
    """End the trial."""
    return (await api.gaze.ask(END, request_of(TrialRequest, trial_id=asked.trial_id))).flat()


@post(
    "/trial/response",
    json(Noted, "Its number among what the trial took in; null where none is under way."),
    "invalid_json invalid_request payload_too_large request_timeout gaze_unavailable",
    bodies={"application/json": ResponseRequest},
)
async def response(api: Api, request: Request) -> dict[str, Any]:
    """Say that the viewer has pressed a key."""
    pressed = checked(ResponseRequest, await _fields(api, request))
    return (await api.gaze.ask(RESPONSE, KeyPressed(key=pressed.key, at=pressed.at))).flat()


@get("/trial", json(TrialState, _STATE), "gaze_unavailable")
async def state(api: Api) -> dict[str, Any]:
    """How the trial stands."""
    return (await api.gaze.ask(STATE)).flat()


@get(
    "/trial/picture/{sha256}",
    Answer(
        "The file.",
        dict.fromkeys(("image/png", "image/jpeg", "image/webp")),
        headers=(IMAGE_SHA256, "Cache-Control"),
        always=(IMAGE_SHA256, "Cache-Control"),
    ),
    "not_found gaze_unavailable generator_unavailable",
)
async def picture(api: Api, asked: PicturePath) -> Response:
    """A picture of the trial: on view, or made and not yet shown."""
    if not _SHA256.match(asked.sha256):
        raise NotFound(f"There is no picture {asked.sha256[:100]!r}: a SHA-256 has 64 digits, 0 to 9 and a to f.")
    found = await api.gaze.picture(asked.sha256)
    headers = {IMAGE_SHA256: asked.sha256, **FOR_EVER}
    return Response(found.image, 200, headers, f"image/{found.answer.format}")


@get("/gaze/source", json(GazeStatus, _SOURCE), "gaze_unavailable")
async def source(api: Api) -> dict[str, Any]:
    """Where the gaze comes from, and how."""
    return (await api.gaze.ask(STATUS)).flat()


@post(
    "/gaze/source",
    json(GazeStatus, _SOURCE),
    "invalid_json invalid_request payload_too_large request_timeout gaze_unavailable",
    bodies={"application/json": SourceRequest},
)
async def choose_source(api: Api, request: Request) -> dict[str, Any]:
    """Take the gaze from another source from now on."""
    chosen = checked(SourceRequest, await _fields(api, request))
    return (await api.gaze.ask(SOURCE, ChooseSource(source=chosen.source))).flat()


def _begin_body(content_type: str) -> JsonBody[BeginFields]:
    kind = content_type.split(";", 1)[0].strip().lower()
    if kind != "application/json":
        raise UnsupportedMediaType(
            f"The content type is {content_type[:100]!r}; send application/json (with curl: "
            "-H 'Content-Type: application/json'), with the picture as image_base64, image_sha256, or sample."
        )
    return JsonBody(BeginFields, ("image_sha256", "sample"))


async def _named(api: Api, asked: BeginFields) -> bytes:
    """The picture that a request names. Raises NotFound: no such photograph; UnknownImage; GeneratorUnavailable."""
    if asked.image_sha256 is not None:
        return await api.generator.picture(asked.image_sha256)
    return await asyncio.get_running_loop().run_in_executor(api.threads, _sample, asked.sample or "")


async def _fields(api: Api, request: Request) -> dict[str, Any]:
    """The fields of a body without an image."""
    async with received(request, lambda _: ImageBody()) as body:
        fields, image = await api.uploads.in_turn(body.split)
    return fields if image is None else {**fields, IMAGE: None}


def _sample(name: str) -> bytes:
    return sample_path(name).read_bytes()


async def _wanted(api: Api, asked: BeginFields) -> BeginTrial:
    """What is asked of the gaze process. Raises InvalidRequest: what does not fit."""
    model = request_of(
        ModelOptions,
        negative_prompt=asked.negative_prompt,
        steps=asked.steps,
        guidance_scale=asked.guidance_scale,
        strength=asked.strength,
        timeout_ms=api.settings.generation_timeout_s * 1000,
    )
    given = {
        name: value
        for name in BeginTrial.model_fields
        if name in type(asked).model_fields and name != "prompts" and (value := getattr(asked, name)) is not None
    }
    if asked.fields is not None:
        given["fields"] = asked.fields
    wanted = request_of(BeginTrial, **given, model=model, prompts=await _prompts(api, asked))
    _check_possible(wanted)
    return wanted


async def _prompts(api: Api, asked: BeginFields) -> TrialPrompts:
    if asked.prompts is None:
        await api.prompts.refresh()
    found = prompts_of(asked.prompts, lambda: api.prompts.lists)
    if not any(found.of(name) for name in sectors.names(asked.grid_size or 3)):
        problem = api.prompts.problem if asked.prompts is None else None
        raise invalid({"prompts": problem or "there is none for any sector of the grid"})
    return found


def _check_possible(wanted: BeginTrial) -> None:
    """Raises InvalidRequest for what the gaze process would refuse, naming the field."""
    problems: dict[str, str] = {}
    if wanted.catch_rate + wanted.sham_rate > 1:
        problems["sham_rate"] = "catch_rate and sham_rate are shares of all changes: together at most 1"
    if strange := [name for name in wanted.policy.targets if name not in sectors.names(wanted.grid_size)]:
        problems["policy"] = f"targets: a grid of {wanted.grid_size} has no sector {strange[0]}"
    if wanted.policy.name == "listed" and not wanted.policy.targets:
        problems["policy"] = "'listed' needs targets, a list of sectors"
    if problems:
        raise invalid(problems)
