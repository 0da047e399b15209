"""``GET /vocabulary``: what the model that is running can be asked for. The generator knows; nothing is kept here."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from services.api.http.errors import JsonResponse
from services.api.http.headers import NO_STORE
from services.api.service import Api
from shared.bus.requests.generator import Vocabulary
from shared.errors import GeneratorUnavailable, UnknownType

ANY_TEXT = "This model takes any text; what it makes of it shows in the picture."
CLOSED = "A prompt may ask for one of these objects, or for several of one kind; 'strict' refuses what is beyond that."


class VocabularyRoute:
    """Handles the route."""

    def __init__(self, api: Api) -> None:
        self._api = api

    async def get(self, request: Request) -> Response:
        """The objects with their names, colours and places, and the words for sizes, colours and numbers."""
        known = await self._ask()
        detail = ANY_TEXT if known.objects is None else CLOSED
        return JsonResponse({"detail": detail, **known.model_dump()}, headers=NO_STORE)

    async def _ask(self) -> Vocabulary:
        self._api.check_open()
        try:
            return await self._api.generator.vocabulary()
        except UnknownType:
            raise GeneratorUnavailable("This generator is of a version that does not say what it knows.") from None
