"""The routes of re-runs: a session made again with something changed. The replayer does it."""

from __future__ import annotations

import asyncio
from typing import Any

from pydantic import BaseModel, ConfigDict, Field
from starlette.requests import Request
from starlette.responses import Response

from services.api.http.body import Whole as WholeBody
from services.api.http.body import received
from services.api.http.errors import JsonResponse
from services.api.http.headers import NO_STORE
from services.api.http.json_body import load_object
from services.api.http.numbers import Whole
from services.api.http.schemas import checked
from services.api.service import Api
from shared.bus.requests.generator import MAX_SEED
from shared.bus.requests.replayer import RerunState, StartRerun
from shared.errors import InvalidRequest, InvalidSessionId, SessionNotFound
from shared.fields import MAX_NAME_CHARS
from shared.prompts import MAX_FILE_BYTES
from shared.refusals import request_of
from shared.session.format import ids

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
        None, max_length=MAX_NAME_CHARS, description="the model that the generator must be running"
    )
    chain: bool = Field(False, description="where a frame's input was an earlier frame, feed its new version instead")
    resume: bool = Field(False, description="go on with a re-run that was broken off, with what it was begun with")


class RerunRoutes:
    """Handles the routes."""

    def __init__(self, api: Api) -> None:
        self._api = api

    async def start(self, request: Request) -> Response:
        """Begin, or go on with, a re-run."""
        parent = _session_id(request)
        body = WholeBody(MAX_BODY_BYTES)
        async with received(request, body, MAX_BODY_BYTES):
            wanted = await asyncio.get_running_loop().run_in_executor(self._api.threads, _wanted, body.finish())
        self._api.check_open()
        asked = request_of(StartRerun, session_id=parent, **wanted.model_dump())
        return _told(await self._api.replayer.rerun(asked), 202)

    async def status(self, request: Request) -> Response:
        """How the re-run into this session stands."""
        return _told(await self._api.replayer.rerun_status(_session_id(request)))

    async def cancel(self, request: Request) -> Response:
        """Give it up. What is made stays, and it can be resumed."""
        return _told(await self._api.replayer.rerun_cancel(_session_id(request)))


def _wanted(body: bytes) -> RerunBody:
    """What a body asks for. A few counts keep the parser from working for long: it holds up every other thread.

    Raises:
        InvalidJson, InvalidRequest: it is not as it should be.
    """
    if body.count(b",") > MAX_ITEMS or body.count(b"[") + body.count(b"{") > MAX_CONTAINERS:
        raise InvalidRequest(f"The body has more than {MAX_ITEMS} items; send the documented fields only.")
    return checked(RerunBody, load_object(body))


def _session_id(request: Request) -> str:
    session_id: str = request.path_params["session_id"]
    try:
        return ids.validate(session_id)
    except InvalidSessionId:
        raise SessionNotFound(f"there is no session {session_id[:200]!r}") from None


def _told(state: RerunState, status: int = 200) -> Response:
    """The state, in the words of the API."""
    told = state.model_dump()
    return JsonResponse(
        {"session_id": told["session_id"], "status": told.pop("state"), **told}, status, headers=NO_STORE
    )
