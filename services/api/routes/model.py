"""Which model makes frames, and having another one make them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ConfigDict, Field
from starlette.requests import Request

from services.api.http.body import RawBody, received
from services.api.http.json_body import load_object
from services.api.http.operation import get, json, post
from services.api.http.schemas import checked
from services.api.service import Api
from shared.bus.requests.generator import CHANGE_MODEL, MODEL, AskedModel, ModelState
from shared.errors import GeneratorUnavailable, UnknownType
from shared.fields import MAX_NAME_CHARS
from shared.refusals import request_of

MAX_BODY_BYTES = 16 * 1024


class ModelBody(BaseModel):
    """What ``POST /model`` may say."""

    model_config = ConfigDict(extra="forbid", strict=True)

    model: str = Field(min_length=1, max_length=MAX_NAME_CHARS, description="one of the choices of GET /model")


@dataclass
class LoadingAnswer:
    model: str
    detail: str
    done_bytes: int
    bytes: int


@dataclass
class ModelAnswer:
    name: str | None
    model: dict[str, Any] | None
    loading: LoadingAnswer | None
    failure: str | None
    choices: list[str]
    resident: list[str]


_ERRORS = "generator_unavailable"


@get("/model", json(ModelAnswer, "It, what is on its way, and what may be asked for."), _ERRORS)
async def model(api: Api) -> dict[str, Any]:
    """The model that makes frames."""
    api.check_open()
    return _answer(await _ask(api, None))


@post(
    "/model",
    json(ModelAnswer, "It is on its way; frames are made by the old one until then.", 202),
    "invalid_json invalid_request payload_too_large request_timeout",
    _ERRORS,
    bodies={"application/json": ModelBody},
)
async def change(api: Api, request: Request) -> dict[str, Any]:
    """Have another model make frames. What waits goes on waiting, and sessions go on; each frame names its model."""
    async with received(request, lambda _: RawBody(MAX_BODY_BYTES), MAX_BODY_BYTES) as body:
        wanted = checked(ModelBody, load_object(body.finish()))
    api.check_open()
    return _answer(await _ask(api, wanted.model))


async def _ask(api: Api, name: str | None) -> ModelState:
    try:
        if name is None:
            return await api.generator.ask(MODEL)
        return await api.generator.ask(CHANGE_MODEL, request_of(AskedModel, model=name))
    except UnknownType:
        raise GeneratorUnavailable("This generator is of a version that has one model only.") from None


def _answer(state: ModelState) -> dict[str, Any]:
    return state.model_dump()
