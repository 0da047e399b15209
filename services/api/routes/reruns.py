"""Re-runs: sessions made again with something changed, by the replayer."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field
from starlette.requests import Request

from services.api.http.body import RawBody, received
from services.api.http.fields import Whole
from services.api.http.json_body import load_object
from services.api.http.operation import delete, get, json, post
from services.api.http.schemas import checked
from services.api.routes.sessions import ExistingSession
from services.api.service import Api
from shared.bus.requests.replayer import RERUN, RERUN_CANCEL, RERUN_STATUS, RerunRequest, RerunState, StartRerun
from shared.errors import InvalidRequest
from shared.fields import MAX_NAME_CHARS, MAX_SEED
from shared.prompts import MAX_FILE_BYTES
from shared.refusals import request_of

MAX_BODY_BYTES = MAX_FILE_BYTES + 64 * 1024
MAX_ITEMS = 200_000
"""Of prompts, commas within them counted too."""
MAX_CONTAINERS = 20_000
"""Objects and lists, of which there are about ten, and brackets within prompts."""


class RerunBody(BaseModel):
    """What ``POST /session/{id}/rerun`` may say."""

    model_config = ConfigDict(extra="forbid", strict=True)

    into: str = Field(description="id of the new session")
    prompts: dict[str, Any] | None = Field(
        None, description="other prompts, as in sector_prompts.json; default: each frame's own"
    )
    seed_offset: Whole = Field(0, ge=-MAX_SEED, le=MAX_SEED, description="added to each frame's seed")
    strength: float | None = Field(None, gt=0, le=1, description="another strength")
    model: str | None = Field(
        None,
        max_length=MAX_NAME_CHARS,
        description="the model to make it with: the one that runs, or one of the choices of GET /model",
    )
    chain: bool = Field(False, description="where a frame's input was an earlier frame, feed its new version instead")
    resume: bool = Field(False, description="go on with a re-run that was broken off, with what it was begun with")


@dataclass
class Skipped:
    index: int
    reason: str


@dataclass
class RerunAnswer:
    session_id: str
    parent: str
    status: Literal["queued", "running", "waiting", "complete", "cancelled", "failed", "interrupted"]
    done: int
    total: int
    skipped: list[Skipped]
    reason: str | None
    changed: dict[str, Any]


_UNKNOWN = "session_not_found session_damaged not_found replayer_unavailable"


@post(
    "/session/{session_id}/rerun",
    json(RerunAnswer, "It is begun.", 202),
    "invalid_json invalid_request session_not_found session_exists invalid_session_id session_busy payload_too_large",
    "request_timeout insufficient_storage session_damaged generator_unavailable generator_loading",
    "recorder_unavailable replayer_unavailable",
    bodies={"application/json": RerunBody},
)
async def start(api: Api, asked: ExistingSession, request: Request) -> dict[str, Any]:
    """Make a session again with something changed, into a new session."""
    async with received(request, lambda _: RawBody(MAX_BODY_BYTES), MAX_BODY_BYTES) as body:
        wanted = await asyncio.get_running_loop().run_in_executor(api.threads, _wanted, body.finish())
    api.check_open()
    rerun = request_of(StartRerun, session_id=asked.session_id, **wanted.model_dump())
    return _answer(await api.replayer.ask(RERUN, rerun))


@get("/session/{session_id}/rerun", json(RerunAnswer, "Its state."), _UNKNOWN)
async def status(api: Api, asked: ExistingSession) -> dict[str, Any]:
    """How the re-run into this session stands."""
    return _answer(await api.replayer.ask(RERUN_STATUS, RerunRequest(session_id=asked.session_id)))


@delete("/session/{session_id}/rerun", json(RerunAnswer, "Its state."), _UNKNOWN)
async def cancel(api: Api, asked: ExistingSession) -> dict[str, Any]:
    """Give the re-run into this session up; it can be resumed."""
    return _answer(await api.replayer.ask(RERUN_CANCEL, RerunRequest(session_id=asked.session_id)))


def _wanted(body: bytes) -> RerunBody:
    """The fields of a body. Counting first keeps the parser from running for long: it holds the GIL."""
    if body.count(b",") > MAX_ITEMS or body.count(b"[") + body.count(b"{") > MAX_CONTAINERS:
        raise InvalidRequest(f"The body has more than {MAX_ITEMS} items; send the documented fields only.")
    return checked(RerunBody, load_object(body))


def _answer(state: RerunState) -> dict[str, Any]:
    """The replayer's answer under the names of the HTTP API."""
    answer = state.model_dump()
    return {"session_id": answer["session_id"], "status": answer.pop("state"), **answer}
