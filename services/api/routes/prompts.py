"""The sector prompts: what to put where, when a request has no prompt."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from services.api.http.operation import get, json, post
from services.api.service import Api


@dataclass
class Prompts:
    default: list[str]
    sectors: dict[str, list[str]]
    next: dict[str, int]
    error: str | None


@dataclass
class Reset:
    status: Literal["reset"]


@get("/prompts", json(Prompts, "The lists in use."))
async def prompts(api: Api) -> dict[str, Any]:
    """The sector prompts."""
    return await api.prompts.to_json()


@post("/reset", "Done.")
async def reset(api: Api) -> Reset:
    """Read the sector prompts anew, and begin each list at its first."""
    await api.prompts.reset()
    return Reset("reset")
