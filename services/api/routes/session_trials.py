"""What was recorded of trials: a summary of each, and a row for each change."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from itertools import islice
from typing import Any

from pydantic import Field

from services.api.http.operation import get, json
from services.api.http.query import Index, SessionPath
from services.api.service import Api
from shared.errors import SessionDamaged
from shared.session.reading import trials
from shared.session.reading.reader import SessionReader

MAX_CHANGES = 500
"""In one answer: a row has about 1.2 kB."""


class TrialsQuery(SessionPath):
    first: Index = Field(0, alias="from", description="the first change, from 0 (default)")
    limit: Index = Field(MAX_CHANGES, description="how many changes; default and limit: 500")


@dataclass
class Summary:
    trial_id: str
    begun_at: float | None
    duration_s: float
    state: str | None
    inputs: int
    samples: int
    steps: dict[str, int]
    config: dict[str, Any] | None


@dataclass
class Change:
    trial_id: str
    change: int
    kind: str
    outcome: str


@dataclass
class RecordedTrials:
    session_id: str
    trials: list[Summary]
    changes: list[Change]


@get(
    "/session/{session_id}/trials",
    json(
        RecordedTrials,
        "All trials, and at most 500 changes of them. Both are empty where no trial was recorded.",
    ),
    "session_not_found invalid_request session_damaged",
)
async def recorded(api: Api, asked: TrialsQuery) -> dict[str, Any]:
    """The trials of a session, and their changes."""

    def read(reader: SessionReader) -> dict[str, Any]:
        until = asked.first + min(asked.limit, MAX_CHANGES)
        try:
            return {
                "session_id": asked.session_id,
                "trials": trials.summaries(reader.folder),
                "changes": [asdict(row) for row in islice(trials.rows(reader.folder), asked.first, until)],
            }
        except OSError as error:
            raise SessionDamaged(f"The trials of session {asked.session_id} cannot be read: {error}") from None

    return await api.sessions.read(asked.session_id, read)
