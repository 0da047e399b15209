"""Which sources there are, by the names that they are chosen by."""

from __future__ import annotations

from services.gaze.sources import recorded, simulated
from services.gaze.sources.pushed import PUSHED, PushedSource
from services.gaze.sources.recorded import RecordedSource
from services.gaze.sources.simulated import SimulatedSource
from services.gaze.sources.source import Source, Surroundings
from shared.errors import InvalidRequest
from shared.fields import MAX_WORD_CHARS, fits
from shared.gaze.trial.config import Name

_KEPT_CHARS = MAX_WORD_CHARS - 10


def source_of(name: str, around: Surroundings) -> Source:
    """The source of a name, which nothing has been opened of yet. Raises InvalidRequest: there is none."""
    if name in PUSHED:
        return PushedSource(name)
    if name.startswith("simulated"):
        return SimulatedSource(name, around)
    if name.startswith("file:"):
        return RecordedSource(name)
    raise InvalidRequest(
        f"there is no source {name[:100]!r}; there are {', '.join(PUSHED)}, {simulated.FORM}, {recorded.FORM}"
    )


def word_of(name: str) -> str:
    """The name as a record has it: of a long path its end."""
    return name if fits(Name, name) else f"{name.partition(':')[0]}:…{name[-_KEPT_CHARS:]}"
