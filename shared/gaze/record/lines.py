"""Lines of ``trials.jsonl``, ``eyes.jsonl`` and ``clocks.jsonl``: one JSON object for each input that is no sample, and
for each outcome."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from math import isnan, nan
from typing import Any

import orjson
from pydantic import TypeAdapter

from shared.gaze.events import EyeEvent
from shared.gaze.trial.inputs import INPUTS, AnyInput, ClockMeasured, Input
from shared.gaze.trial.outcomes import Outcome, number_of
from shared.gaze.trial.steps import STEPS, AnyStep
from shared.json_loads import loads

LINE_VERSION = 1
TRIALS, EYES, CLOCKS = "trials.jsonl", "eyes.jsonl", "clocks.jsonl"
FILES = (TRIALS, EYES, CLOCKS)
EYE = "eye"
BY = "by"
"""In an ``end`` that nobody decided: who wrote it."""
EYE_DIGITS = 6

_EYE_EVENT = TypeAdapter(EyeEvent)
_BASE = frozenset({"v", "n", "id", "trial_id", "step", "caused_by", "t_ns", "time"})


class UnreadableLine(ValueError):
    """A line of a record is none; the message says why."""


@dataclass(frozen=True, slots=True)
class Origin:
    """Which trial lines are of, and what Unix time its clock stood for: of its ``begin``."""

    trial_id: str
    t_ns: int
    unix_s: float

    def time(self, t_ns: int) -> float:
        """Unix seconds at a time of the gaze process's clock."""
        return self.unix_s + (t_ns - self.t_ns) / 1e9


@dataclass(frozen=True, slots=True)
class Line:
    """One line. ``what``: an input where ``id`` is its number alone, else what came of it."""

    trial_id: str
    id: str
    caused_by: str | None
    what: AnyInput | AnyStep | EyeEvent

    @property
    def n(self) -> int:
        return number_of(self.id)


def of_input(origin: Origin, n: int, taken: AnyInput) -> dict[str, Any]:
    """The line of an input that is no sample."""
    said = taken.flat()
    cause = said[taken.CAUSE] if taken.CAUSE is not None else None
    return _line(origin, n, str(n), taken.step, cause, said.pop("t_ns"), said)


def of_outcome(origin: Origin, outcome: Outcome) -> dict[str, Any]:
    """The line of what came of an input."""
    n, what = number_of(outcome.id), outcome.what
    if isinstance(what, EyeEvent):
        said = {name: _json(value) for name, value in asdict(what).items() if name != "noticed_ns"}
        return _line(origin, n, outcome.id, EYE, str(n), what.noticed_ns, said)
    said = what.flat()
    return _line(origin, n, outcome.id, what.step, said.pop("caused_by"), said.pop("t_ns"), said)


def file_of(line: dict[str, Any]) -> str:
    """Which of :data:`FILES` a line belongs into."""
    step = line["step"]
    return EYES if step == EYE else CLOCKS if step == ClockMeasured.step else TRIALS


def encode(line: dict[str, Any]) -> bytes:
    """With its newline."""
    return orjson.dumps(line) + b"\n"


def parse(text: bytes) -> Line:
    """Read a line. Raises UnreadableLine: it is not JSON, or not a step of this version's."""
    try:
        said = loads(text)
        base = {name: said.pop(name, None) for name in _BASE}
        return Line(str(base["trial_id"]), str(base["id"]), base["caused_by"], _what(base, said))
    except (orjson.JSONDecodeError, AttributeError, TypeError, ValueError, KeyError) as error:
        raise UnreadableLine(f"it is no step of a trial: {type(error).__name__}: {error}") from None


def parse_input(text: bytes) -> AnyInput:
    """Read the line of an input. Raises UnreadableLine: it is none, or one of a newer version."""
    what = parse(text).what
    if not isinstance(what, Input):
        raise UnreadableLine("it is no input")
    return what


def _what(base: dict[str, Any], said: dict[str, Any]) -> AnyInput | AnyStep | EyeEvent:
    step, is_outcome = base["step"], "/" in str(base["id"])
    if step == EYE:
        values = {name: nan if value is None and name != "offset_ns" else value for name, value in said.items()}
        return _EYE_EVENT.validate_python({**values, "noticed_ns": base["t_ns"]})
    if is_outcome:
        return STEPS[step].model_validate({**said, "t_ns": base["t_ns"], "caused_by": base["caused_by"]})
    return INPUTS[step].model_validate({**said, "t_ns": base["t_ns"]})


def _json(value: Any) -> Any:
    """JSON has no NaN. More digits are noise, and differ between mathematical libraries."""
    if not isinstance(value, float):
        return value
    return None if isnan(value) else round(value, EYE_DIGITS)


def _line(
    origin: Origin, n: int, step_id: str, step: str, caused_by: str | None, t_ns: int, said: dict[str, Any]
) -> dict[str, Any]:
    return {
        "v": LINE_VERSION,
        "n": n,
        "id": step_id,
        "trial_id": origin.trial_id,
        "step": step,
        "caused_by": caused_by,
        "t_ns": t_ns,
        "time": origin.time(t_ns),
        **said,
    }
