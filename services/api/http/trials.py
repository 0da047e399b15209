"""The fields of requests that begin a trial, or take part in one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, WithJsonSchema
from pydantic_core import PydanticCustomError

from services.api.http.fields import Whole
from services.api.http.schemas import NamedPicture, SentInJson, invalid
from shared import sectors
from shared.body import Body
from shared.bus.requests.gaze import SourceName
from shared.fields import MAX_SEED, Flag, Fraction, GridSize, UnixSeconds, bounded
from shared.gaze.trial.config import MAX_FIELDS_CHARS, Code, Name, Policy, TrialPrompts, Trigger
from shared.prompts import MAX_PROMPT_CHARS, InvalidPrompts, PromptLists, from_json
from shared.refusals import invalid_request

POLICIES = ("opposite", "farthest", "random", "listed")
TRIGGERS = ("blink", "saccade", "key", "blackout", "at_once")
MAX_FILE_CHARS = 255
"""Of the name of a sample photograph."""

OptionsT = TypeVar("OptionsT", bound=Body)


def _options(kind: type[OptionsT], names: tuple[str, ...]) -> tuple[BeforeValidator, WithJsonSchema]:
    """Checks of a policy or a trigger, given as its name or as an object, and what the document says of it."""

    def read(value: object) -> object:
        given = {"name": value} if isinstance(value, str) else value
        if not isinstance(given, dict):
            return given
        if unknown := [str(key)[:100] for key in given if key not in kind.model_fields]:
            raise _refuse(f"there is no {unknown[0]!r} in it; there are {', '.join(kind.model_fields)}")
        if given.get("name", names[0]) not in names:
            raise _refuse(f"there is no {str(given['name'])[:100]!r}; there are {', '.join(names)}")
        try:
            return kind.model_validate(given)
        except ValidationError as error:
            raise _refuse(invalid_request(error).detail) from None

    schema = kind.model_json_schema()
    schema["properties"]["name"] = {"enum": list(names)}
    described = {"anyOf": [{"enum": list(names)}, {**schema, "additionalProperties": False}]}
    return BeforeValidator(read), WithJsonSchema(described)


def _refuse(problem: str) -> PydanticCustomError:
    return PydanticCustomError("trial", "{problem}", {"problem": problem})


_OF_POLICY, _OF_TRIGGER = _options(Policy, POLICIES), _options(Trigger, TRIGGERS)
_PROMPTS_SCHEMA = WithJsonSchema(
    {"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}, {"type": "object"}]}
)


class BeginFields(BaseModel):
    """The fields of ``POST /trial/begin`` beside the image. ``null`` is the same as leaving a field out."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    sample: str | None = Field(
        None, max_length=MAX_FILE_CHARS, description="file of a photograph, as `/samples` has it, instead"
    )
    image_sha256: NamedPicture = None
    grid_size: GridSize | None = Field(None, description="3 (default) or 2")
    policy: Annotated[Policy, *_OF_POLICY] | None = Field(
        None, description="what is changed, when it is asked for, and how many changes are made ahead (`ahead`)"
    )
    trigger: Annotated[Trigger, *_OF_TRIGGER] | None = Field(None, description="when a picture may be exchanged")
    prompts: Annotated[Any, _PROMPTS_SCHEMA] = Field(
        None, description="a prompt, a list, or lists by sector; default: the server's sector prompts as they are now"
    )
    negative_prompt: str | None = Field(None, max_length=MAX_PROMPT_CHARS, description="what to keep out")
    steps: Whole | None = Field(None, ge=1, le=200, description="denoising steps; default: the model's own")
    guidance_scale: float | None = Field(
        None, ge=0, le=50, allow_inf_nan=False, description="how closely to follow the prompt; default: the model's own"
    )
    strength: float | None = Field(
        None, gt=0, le=1, allow_inf_nan=False, description="how much to change; default: the model's own"
    )
    seed: Whole | None = Field(None, ge=0, le=MAX_SEED, description="of every draw of the trial; default: drawn")
    catch_rate: Fraction | None = Field(None, description="share of triggers at which nothing is changed; default: 0")
    sham_rate: Fraction | None = Field(None, description="share at which the same picture is drawn again; default: 0")
    view: Name | None = Field(None, description="the view that displays show it in; default: `default`")
    participant: Code | None = Field(None, description="a code, never a name")
    fields: Annotated[dict[str, Any], bounded(MAX_FIELDS_CHARS)] | None = Field(
        None, description="what the experimenter says of the trial; it is recorded"
    )
    record: Flag | None = Field(None, description="default: true, which needs an active session")
    replace: Flag | None = Field(None, description="end a trial that is under way; default: false")
    gives_way: Flag | None = Field(
        None, description="whoever begins another trial ends this one, as interrupted; default: false"
    )


class BeginRequest(BeginFields):
    """The whole body, for the OpenAPI document."""

    image_base64: SentInJson = None


class ResponseRequest(BaseModel):
    """The body of ``POST /trial/response``."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    key: Name = Field(description="what was pressed")
    at: UnixSeconds | None = Field(None, description="when, in Unix seconds; default: as it comes")


class SourceRequest(BaseModel):
    """The body of ``POST /gaze/source``."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    source: SourceName = Field(description="`page`, `websocket`, `simulated:SEED` or `file:TRACE.csv`")


def prompts_of(given: object, own: Callable[[], PromptLists]) -> TrialPrompts:
    """The prompts of a trial, in any of their forms; ``own`` gives the server's. Raises InvalidRequest."""
    try:
        lists = own() if given is None else from_json(_whole_form(given))
    except InvalidPrompts as error:
        raise invalid({"prompts": str(error)}) from None
    try:
        return TrialPrompts.model_validate({"default": lists.default, "sectors": lists.by_sector})
    except ValidationError as error:
        raise invalid({"prompts": invalid_request(error).detail}) from None


def _whole_form(given: object) -> object:
    """A prompt, a list of them or lists by sector, as ``sector_prompts.json`` would say it."""
    if isinstance(given, (str, list)):
        return {"default": given}
    if not isinstance(given, dict):
        raise InvalidPrompts("they are neither a prompt, nor a list of them, nor an object by sector")
    own = {name: listed for name, listed in given.items() if name in sectors.ALL_NAMES}
    if not own:
        return given
    if "sectors" in given:
        raise InvalidPrompts("sectors stand both beside 'sectors' and in it; put all of them into one")
    return {**{name: value for name, value in given.items() if name not in own}, "sectors": own}
