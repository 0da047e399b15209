"""What is wrong, in one sentence for each session, and when it is tried again."""

from __future__ import annotations

import logging
from dataclasses import dataclass

log = logging.getLogger(__name__)

FIRST_RETRY_S = 0.1
LONGEST_RETRY_S = 2.0


@dataclass(slots=True)
class Trouble:
    """Attributes:
    sentence: why frames wait.
    again_at_s: when the next try is due, in monotonic time.
    """

    sentence: str
    again_at_s: float
    delay_s: float = FIRST_RETRY_S


class Troubles:
    """Sessions that the disk refuses, each with a delay of its own that doubles up to a bound."""

    def __init__(self) -> None:
        self._by_session: dict[str, Trouble] = {}

    def met(self, session_id: str, sentence: str, now_s: float) -> None:
        """It did not work."""
        known = self._by_session.get(session_id)
        delay_s = min(known.delay_s * 2, LONGEST_RETRY_S) if known else FIRST_RETRY_S
        if known is None or known.sentence != sentence:
            log.error("session %s: %s; its frames wait until the cause is gone", session_id, sentence)
        self._by_session[session_id] = Trouble(sentence, now_s + delay_s, delay_s)

    def over(self, session_id: str) -> None:
        """It works (again)."""
        if self._by_session.pop(session_id, None) is not None:
            log.info("session %s is recorded again", session_id)

    def may_try(self, session_id: str, now_s: float) -> bool:
        """Whether the next try is due."""
        trouble = self._by_session.get(session_id)
        return trouble is None or now_s >= trouble.again_at_s

    def next_try_s(self) -> float | None:
        """When the next of all tries is due, in monotonic time."""
        return min((trouble.again_at_s for trouble in self._by_session.values()), default=None)

    def sentence(self, session_id: str) -> str | None:
        """Why a session's frames wait."""
        trouble = self._by_session.get(session_id)
        return trouble.sentence if trouble else None

    def sessions(self) -> list[str]:
        """Sessions in trouble."""
        return list(self._by_session)
