"""What can be asked for: the vocabulary of the running model, and the sector prompts for a request without one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from services.api.http.operation import get, json, post
from services.api.service import Api
from shared.bus.requests.generator import VOCABULARY
from shared.errors import GeneratorUnavailable, UnknownType

ANY_TEXT = "This model takes any text; what it makes of it shows in the picture."
CLOSED = "A prompt may ask for one of these objects, or for several of one kind; 'strict' refuses what is beyond that."


@dataclass
class ListedObject:
    name: str
    plural: str
    synonyms: list[str]
    nearest: list[str]
    colours: list[str]
    place: Literal["sky", "ground", "any"]
    styles: list[str]


@dataclass
class KnownAnswer:
    detail: str
    model: dict[str, Any]
    objects: list[ListedObject] | None
    colours: dict[str, list[str]]
    sizes: dict[str, list[str]]
    numbers: dict[str, int]
    most: int | None
    styles: list[str]
    fallback: str | None


@get(
    "/vocabulary",
    json(KnownAnswer, "Its objects; `null` for a model that takes any text."),
    "generator_loading generator_unavailable",
)
async def vocabulary(api: Api) -> dict[str, Any]:
    """What the model can be asked for."""
    api.check_open()
    try:
        known = await api.generator.ask(VOCABULARY)
    except UnknownType:
        raise GeneratorUnavailable("This generator is of a version that does not say what it knows.") from None
    return {"detail": ANY_TEXT if known.objects is None else CLOSED, **known.model_dump()}


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
