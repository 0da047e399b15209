"""Two sessions compared: the figures of each pair of frames."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import Field, WithJsonSchema
from starlette.responses import Response

from services.api.http.errors import JsonResponse
from services.api.http.headers import NO_STORE
from services.api.http.operation import Asked, get, json
from services.api.http.query import GivenSession, Index, between
from services.api.service import Api

MAX_PAIRS = 1000


class PairsQuery(Asked):
    a: GivenSession = Field(description="a session")
    b: GivenSession = Field(description="another")
    first: Index = Field(0, description="begin at this pair")
    count: Annotated[
        Index, between(1, MAX_PAIRS), WithJsonSchema({"type": "integer", "minimum": 1, "maximum": MAX_PAIRS})
    ] = Field(MAX_PAIRS, description="how many pairs")


@dataclass
class PairAnswer:
    index: int
    identical: bool | None
    problem: str | None
    differing_pixels: int | None
    psnr_db: float | None
    ssim: float | None
    sector_differing_pixels: int | None
    sector_psnr_db: float | None
    sector_ssim: float | None


@dataclass
class Comparison:
    a: str
    b: str
    status: Literal["complete", "running"]
    first: int
    total: int | None
    summary: dict[str, Any] | None
    frames: list[PairAnswer]


# It may start minutes of work beside a running experiment.
@get(
    "/session/compare",
    json(Comparison, "All figures."),
    json(Comparison, "Those that are worked out so far; ask again.", 202),
    "session_not_found session_damaged invalid_request",
    changes=True,
)
async def compare(api: Api, asked: PairsQuery) -> Response:
    """Two sessions frame by frame: PSNR and SSIM, over the picture and inside the target sector."""
    found = await api.comparisons.get(asked.a, asked.b, asked.first, asked.count)
    return JsonResponse(found, 200 if found["status"] == "complete" else 202, headers=NO_STORE)
