"""Retry with backoff: what does not work, why, and when the next try is due."""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace

log = logging.getLogger(__name__)

FIRST_RETRY_S = 0.1
LONGEST_RETRY_S = 2.0


@dataclass(frozen=True, slots=True)
class Retry:
    """Why something did not work, and when the next try is due, in monotonic time. The delay doubles up to a bound."""

    reason: str
    again_at_s: float
    delay_s: float

    @classmethod
    def after(cls, before: Retry | None, reason: str, now_s: float) -> Retry:
        """It did not work again, or (``before`` is None) for the first time."""
        delay_s = FIRST_RETRY_S if before is None else min(2 * before.delay_s, LONGEST_RETRY_S)
        return cls(reason, now_s + delay_s, delay_s)


class Backoff:
    """The ``sessions`` that cannot be written to, each with its own delay; and the ``folder`` of them all, None while
    it is well."""

    def __init__(self) -> None:
        self.sessions: dict[str, Retry] = {}
        self.folder: Retry | None = None

    def failed(self, session_id: str, reason: str, now_s: float) -> None:
        """It did not work."""
        known = self.sessions.get(session_id)
        if known is None or known.reason != reason:
            log.error("session %s: %s; its frames wait until the cause is gone", session_id, reason)
        self.sessions[session_id] = Retry.after(known, reason, now_s)

    def succeeded(self, session_id: str) -> None:
        """It works (again)."""
        if self.sessions.pop(session_id, None) is not None:
            log.info("session %s is recorded again", session_id)

    def folder_failed(self, reason: str, now_s: float) -> None:
        """Nothing works."""
        before = self.folder
        if before is None or before.reason != reason:
            log.error("%s; frames wait, and recording goes on when the cause is gone", reason)
        if before is None or now_s >= before.again_at_s:
            self.folder = Retry.after(before, reason, now_s)
        else:  # another session met it in the same try
            self.folder = replace(before, reason=reason)

    def folder_succeeded(self) -> None:
        """The folder can be written to (again)."""
        if self.folder is not None:
            log.info("the sessions folder can be written to again")
        self.folder = None

    def may_try(self, session_id: str, now_s: float) -> bool:
        """Whether the next try is due."""
        retry = self.sessions.get(session_id)
        return retry is None or now_s >= retry.again_at_s

    def wait_s(self, now_s: float) -> float:
        """How long from now nothing is due, whatever happens to one session."""
        due_s = min((retry.again_at_s for retry in self.sessions.values()), default=now_s + LONGEST_RETRY_S)
        return max(0.0, due_s - now_s)

    def reason(self, session_id: str) -> str | None:
        """Why a session's frames wait."""
        retry = self.sessions.get(session_id)
        return retry.reason if retry else None
