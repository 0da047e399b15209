"""The types of what crosses the bus: ids, numbers, sizes and texts, each with its limits, in one place.

Every field of a message, a request or a reply is of one of these, so a value is judged where it enters a process, and
not where it would do harm. ``docs/bus.md`` has the table.

A number is a JSON number: ``true`` and ``"3"`` are none, ``3.0`` is the whole number 3. What names something is refused
where it does not fit; a sentence for people is cut.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, FailFast, Field, TypeAdapter, ValidationError, ValidationInfo
from pydantic_core import PydanticCustomError

from shared import sectors
from shared.bounds import problem_of
from shared.errors import InvalidSessionId
from shared.images import MAX_SIDE_PX
from shared.session.format import ids
from shared.session.format.layout import FRAME_PATTERN, MAX_INDEX, MAX_TIME_S, RESERVED_KEYS, STAGING_TOKEN

MAX_SEED = 2**63 - 1
MAX_COUNT = 2**63 - 1
MAX_RECORD_SEQ = 2**31 - 1
"""More frames than a generator makes in a life: a number beyond it is a mistake, and is not waited for."""
MAX_STEPS = 1000
MAX_GUIDANCE = 1000.0
MAX_WAIT_S = 30 * 24 * 3600.0
"""Nobody waits longer for a picture, and no timer is asked to."""
MIN_SPEED, MAX_SPEED = 0.01, 100.0

MAX_EPOCH_CHARS = 64
MAX_ID_CHARS = 300
MAX_CLIENT_ID_CHARS = 200
MAX_CURSOR_CHARS = 128
MAX_TEXT_CHARS = 16_384
"""Of a prompt on the bus. HTTP takes fewer; a session that came from elsewhere may hold longer ones."""
MAX_NAME_CHARS = 4096
"""Of what a model, a device or a library calls itself: a model may be a folder."""
MAX_WORD_CHARS = 100
MAX_SAID_CHARS = 2000
"""Of a sentence for people; a longer one is cut."""

MAX_DETAILS_CHARS = 64 * 1024
"""Of a value without a form of its own; see :mod:`shared.bounds`."""
MAX_PROMPTS_CHARS = 16 * 1024 * 1024
"""Of the prompts of a re-run, counted so; a file of prompts has at most 4 MiB."""
MAX_AT_ONCE = 10_000
"""Frames that one request names."""

EXACT_LIMIT = 2**53
"""Beyond it a float no longer holds every whole number."""

NO_CONTROLS = r"^[^\x00-\x1f\x7f-\x9f\u2028\u2029]+$"


# -- whole numbers ----------------------------------------------------------------------------------------------------


def whole_of_json(value: object) -> object:
    """A float without a fraction as the whole number that it is; anything else as it came. Raises PydanticCustomError:
    so large that digits have been lost, so that another number would be obeyed."""
    if not isinstance(value, float) or not value.is_integer():
        return value
    if abs(value) > EXACT_LIMIT:
        raise PydanticCustomError("inexact", "input is a whole number of 2^53 or more; write it in digits alone")
    return int(value)


WHOLE = BeforeValidator(whole_of_json)

RecordSeq = Annotated[int, Field(strict=True, ge=0, le=MAX_RECORD_SEQ), WHOLE]
Seq = Annotated[int, Field(strict=True, ge=-1, le=MAX_INDEX), WHOLE]
"""-1 before the first frame, and of a frame that is not published."""
Index = Annotated[int, Field(strict=True, ge=0, le=MAX_INDEX), WHOLE]
Count = Annotated[int, Field(strict=True, ge=0, le=MAX_COUNT), WHOLE]
"""How many, or how many bytes."""
Whole = Annotated[int, Field(strict=True, ge=-MAX_COUNT, le=MAX_COUNT), WHOLE]
Seed = Annotated[int, Field(strict=True, ge=0, le=MAX_SEED), WHOLE]
SeedOffset = Annotated[int, Field(strict=True, ge=-MAX_SEED, le=MAX_SEED), WHOLE]
Steps = Annotated[int, Field(strict=True, ge=1, le=MAX_STEPS), WHOLE]
Pixels = Annotated[int, Field(strict=True, ge=1, le=MAX_SIDE_PX), WHOLE]
Edge = Annotated[int, Field(strict=True, ge=0, le=MAX_SIDE_PX), WHOLE]
Region = tuple[Edge, Edge, Edge, Edge]
"""Left, top, right, bottom; that it lies in its picture is for whoever knows its size."""
GridSize = Annotated[Literal[2, 3], WHOLE]
Version = Annotated[int, Field(strict=True, ge=1, le=MAX_INDEX), WHOLE]
Flag = Annotated[bool, Field(strict=True)]

# -- numbers ----------------------------------------------------------------------------------------------------------

Finite = Annotated[float, Field(strict=True, allow_inf_nan=False)]
Fraction = Annotated[float, Field(strict=True, allow_inf_nan=False, ge=0, le=1)]
Strength = Annotated[float, Field(strict=True, allow_inf_nan=False, gt=0, le=1)]
Guidance = Annotated[float, Field(strict=True, allow_inf_nan=False, ge=0, le=MAX_GUIDANCE)]
Speed = Annotated[float, Field(strict=True, allow_inf_nan=False, ge=MIN_SPEED, le=MAX_SPEED)]
UnixSeconds = Annotated[float, Field(strict=True, allow_inf_nan=False, ge=0, le=MAX_TIME_S)]
Milliseconds = Annotated[float, Field(strict=True, allow_inf_nan=False, ge=0, le=MAX_WAIT_S * 1000)]
WaitMs = Annotated[float, Field(strict=True, allow_inf_nan=False, gt=0, le=MAX_WAIT_S * 1000)]

# -- ids and names ----------------------------------------------------------------------------------------------------


def _session_id(value: str) -> str:
    try:
        return ids.validate(value)
    except InvalidSessionId as error:
        raise PydanticCustomError("invalid_session_id", "{problem}", {"problem": error.detail}) from None


def _session_looked_for(value: str) -> str:
    try:
        return ids.validate(value)
    except InvalidSessionId:
        problem = f"there is no session {value[:MAX_CURSOR_CHARS]!r}"
        raise PydanticCustomError("session_not_found", "{problem}", {"problem": problem}) from None


SessionLookedFor = Annotated[str, AfterValidator(_session_looked_for)]
"""A :data:`SessionId` that is there or not: one that can be nobody's is not."""
SessionId = Annotated[str, AfterValidator(_session_id)]
"""One that a session may have, and so nothing but the name of a folder: see :mod:`shared.session.format.ids`."""
Epoch = Annotated[str, Field(max_length=MAX_EPOCH_CHARS, pattern=NO_CONTROLS)]
FrameId = Annotated[str, Field(max_length=MAX_ID_CHARS, pattern=NO_CONTROLS)]
RequestId = Annotated[str, Field(max_length=MAX_ID_CHARS, pattern=NO_CONTROLS)]
MessageId = Annotated[str, Field(max_length=MAX_ID_CHARS, pattern=NO_CONTROLS)]
ClientId = Annotated[str, Field(max_length=MAX_CLIENT_ID_CHARS)]
CursorName = Annotated[str, Field(max_length=MAX_CURSOR_CHARS, pattern=NO_CONTROLS)]


def _staging_token(value: str) -> str:
    if not STAGING_TOKEN.match(value):
        raise PydanticCustomError("not_found", "nothing of that name is staged")
    return value


Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Proof = Annotated[str, Field(max_length=MAX_WORD_CHARS)]
"""Of :mod:`shared.bus.acknowledging`; one that is none is refused there."""
StagingToken = Annotated[str, AfterValidator(_staging_token)]
"""The name of a folder that an importer made."""
FrameFile = Annotated[str, Field(pattern=FRAME_PATTERN)]
ImageFormat = Literal["png", "jpeg", "webp"]
Name = Annotated[str, Field(max_length=MAX_NAME_CHARS)]
Word = Annotated[str, Field(max_length=MAX_WORD_CHARS)]
Prompt = Annotated[str, Field(max_length=MAX_TEXT_CHARS)]


def cut(text: str) -> str:
    """A sentence for people, without its end where it is too long."""
    return text if len(text) <= MAX_SAID_CHARS else f"{text[: MAX_SAID_CHARS - 1]}…"


Said = Annotated[str, AfterValidator(cut)]

Sector = Literal["TL", "TC", "TR", "ML", "MC", "MR", "BL", "BC", "BR"]


def _in_grid(sector: str, info: ValidationInfo) -> str:
    grid_size = info.data.get("grid_size")
    if grid_size is not None:
        sectors.position(sector, grid_size)
    return sector


SectorOfGrid = Annotated[Sector, AfterValidator(_in_grid)]
"""In a model whose ``grid_size`` stands before it."""

# -- values without a form of their own -------------------------------------------------------------------------------


def bounded(limit_chars: int) -> AfterValidator:
    """A check that a JSON value is small and plain: see :func:`shared.bounds.problem_of`."""

    def check(value: Any) -> Any:
        if problem := problem_of(value, limit_chars):
            raise PydanticCustomError("not_bounded", "{problem}", {"problem": problem})
        return value

    return AfterValidator(check)


Details = Annotated[dict[str, Any], bounded(MAX_DETAILS_CHARS)]
"""What a model, a machine or a request says more of itself."""
Versions = Annotated[dict[str, str], bounded(MAX_DETAILS_CHARS)]
Prompts = Annotated[dict[str, Any], bounded(MAX_PROMPTS_CHARS)]


def _beside_the_head(extra: dict[str, Any]) -> dict[str, Any]:
    for key in extra:
        if key in RESERVED_KEYS or not 0 < len(key) <= MAX_WORD_CHARS:
            raise ValueError(f"{key[:40]!r} is not for the caller to say")
    return extra


HeadExtra = Annotated[dict[str, Any], AfterValidator(_beside_the_head), bounded(MAX_PROMPTS_CHARS)]
"""What whoever begins a session says more in its head; never what a session says of itself."""

AT_ONCE = Field(max_length=MAX_AT_ONCE)
FIRST_ERROR = FailFast()
"""Of a long list the first item that does not fit is told, and the rest is not looked at."""


def those_that_fit(item: Any) -> BeforeValidator:
    """For a list that is heard, not asked: without the items that do not fit, each of which costs itself alone."""

    def sift(value: object) -> object:
        if isinstance(value, dict):
            return {key: what for key, what in value.items() if fits(item, (key, what))}
        return [each for each in value if fits(item, each)] if isinstance(value, (list, tuple)) else value

    return BeforeValidator(sift)


def fits(kind: Any, value: object) -> bool:
    """Whether a value is of a type of this module."""
    try:
        _adapter(kind).validate_python(value)
    except ValidationError:
        return False
    return True


@lru_cache
def _adapter(kind: Any) -> TypeAdapter[Any]:
    return TypeAdapter(kind)
