"""Re-runs by the session they make: those under way, and the last of those that are over."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from dataclasses import dataclass

from services.replayer.reruns.rerun import Rerun

REMEMBERED = 100
"""Re-runs that are over and can still be asked after in detail."""
SKIPPED = 10_000
"""Fewer, where all together have skipped more frames."""


@dataclass(frozen=True, slots=True)
class StartedRerun:
    """A re-run and the task that makes it."""

    rerun: Rerun
    task: asyncio.Task[None]

    @property
    def is_over(self) -> bool:
        """Whether nobody makes it any more."""
        return self.task.done()


class StartedReruns:
    """Which there are; the oldest that are over are forgotten as others are added."""

    def __init__(self) -> None:
        self._by_session: OrderedDict[str, StartedRerun] = OrderedDict()

    def get(self, session_id: str) -> StartedRerun | None:
        """The one into this session."""
        return self._by_session.get(session_id)

    def add(self, session_id: str, run: StartedRerun) -> None:
        """A new one, in place of one into the same session that is over."""
        self._by_session[session_id] = run
        self._forget_old()

    def under_way(self) -> list[asyncio.Task[None]]:
        """The tasks of those that are not over."""
        return [run.task for run in self._by_session.values() if not run.is_over]

    def _forget_old(self) -> None:
        over = [(session_id, run.rerun) for session_id, run in self._by_session.items() if run.is_over]
        skipped = sum(len(rerun.skipped) for _, rerun in over)
        for number, (session_id, rerun) in enumerate(over):
            if len(over) - number <= REMEMBERED and skipped <= SKIPPED:
                break
            skipped -= len(rerun.skipped)
            del self._by_session[session_id]
