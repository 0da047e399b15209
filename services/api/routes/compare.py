"""The route that compares two sessions."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from services.api.http import query
from services.api.http.errors import JsonResponse
from services.api.http.headers import NO_STORE
from services.api.http.schemas import invalid
from services.api.service import Api

MAX_PAIRS = 1000


class CompareRoutes:
    """Handles the route."""

    def __init__(self, api: Api) -> None:
        self._comparisons = api.comparisons

    async def compare(self, request: Request) -> Response:
        """The figures of two sessions, frame by frame: 200 when they are complete, 202 while they are worked out."""
        a, b = (query.text(request, name) for name in "ab")
        if not a or not b:
            problems = {name: "it is missing; give a session's id" for name, given in (("a", a), ("b", b)) if not given}
            raise invalid(problems)
        first = query.whole(request, "first") if "first" in request.query_params else 0
        count = query.whole(request, "count") if "count" in request.query_params else MAX_PAIRS
        if not 1 <= count <= MAX_PAIRS:
            raise invalid({"count": f"it is from 1 to {MAX_PAIRS}"})
        found = await self._comparisons.get(a, b, first, count)
        return JsonResponse(found, 200 if found["status"] == "complete" else 202, headers=NO_STORE)
