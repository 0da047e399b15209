"""The trials that the gaze process holds, as far as it has said: which are owed, which go on, which have died."""

from __future__ import annotations

from collections.abc import Container
from dataclasses import dataclass

from shared.bus.gaze_messages import GazeStatus, HeldTrial
from shared.frame import SessionStamp

GRACE_S = 6.0
"""How long a trial waits for the spill of a gaze process that has gone: honcho kills after five seconds."""


@dataclass(slots=True)
class Fetched:
    """A trial that is held, and how far it has been fetched.

    ``next_n``: all below it are on disk, None where that is to be found out; ``acknowledged``: as the gaze process has
    been told; ``is_whole``: it is on disk to its end.
    """

    held: HeldTrial
    next_n: int | None = None
    acknowledged: int = 0
    is_whole: bool = False

    @property
    def trial_id(self) -> str:
        return self.held.trial_id

    @property
    def session(self) -> SessionStamp:
        return self.held.session

    @property
    def session_id(self) -> str:
        return self.held.session.session_id

    @property
    def is_owed(self) -> bool:
        """Whether something that is known to be held is not acknowledged."""
        return self.acknowledged < self.held.next_n or (self.held.ended and not self.is_whole)

    @property
    def is_to_be_told(self) -> bool:
        """Whether the gaze process has yet to learn what is on disk."""
        return self.next_n is not None and self.acknowledged < self.next_n


class HeldTrials:
    """Fed with the gaze process's heartbeats. Times are monotonic, and given.

    Attributes:
        held: by id, in the order in which they began.
        epochs: how many lives of the gaze process were heard of.
    """

    def __init__(self) -> None:
        self.held: dict[str, Fetched] = {}
        self.epochs = 0
        self._status: GazeStatus | None = None
        self._heard_of: dict[str, str] = {}
        """By trial, the epoch that held it last."""
        self._dead_since_s: dict[str, float] = {}

    @property
    def has_dead(self) -> bool:
        """Whether a trial waits for its rest, or its end."""
        return bool(self._dead_since_s)

    def take(self, status: GazeStatus) -> bool:
        """A heartbeat; whether something is to be fetched at once."""
        if self._status is None or self._status.epoch != status.epoch:
            self.epochs += 1
            self.held.clear()
        self._status = status
        listed = {held.trial_id: held for held in status.held}
        for trial_id in [trial for trial in self.held if trial not in listed and trial != status.trial_id]:
            del self.held[trial_id]
        for trial_id, held in listed.items():
            known = self.held.setdefault(trial_id, Fetched(held))
            known.held = held
            known.acknowledged = max(known.acknowledged, held.acknowledged)
            self._heard_of[trial_id] = status.epoch
        return any(trial.held.ended or trial.next_n is None for trial in self.held.values())

    def owes_any(self, but: Container[str] = ()) -> bool:
        """Whether something that is held is not on disk, or not known to be; ``but``: sessions that do not count."""
        return any(trial.is_owed and trial.session_id not in but for trial in self.held.values())

    def going_on(self) -> list[Fetched]:
        """Trials of which more is to come."""
        return [trial for trial in self.held.values() if not trial.is_whole]

    def due(self, unended: dict[str, str], now_s: float, *, is_gone: bool) -> list[str]:
        """Trials whose process has gone, and whose rest nobody has brought in time: they are to be closed.

        Args:
            unended: the trials on disk that have no end.
            is_gone: no gaze process is connected, and one was.
        """
        dead = {trial_id for trial_id in unended if is_gone or self._is_of_the_past(trial_id)}
        since = {trial_id: self._dead_since_s.get(trial_id, now_s) for trial_id in dead}
        self._dead_since_s = since
        return [trial_id for trial_id, since_s in since.items() if now_s >= since_s + GRACE_S]

    def forget_all_but(self, unended: Container[str]) -> None:
        """Keep in mind only trials that may need it, so that memory does not grow with their number."""
        self._heard_of = {
            trial_id: epoch
            for trial_id, epoch in self._heard_of.items()
            if trial_id in self.held or trial_id in unended
        }

    def _is_of_the_past(self, trial_id: str) -> bool:
        """Whether another process is there than the one that went on with a trial. One that only says nothing of it
        may be slow, so nothing follows from that."""
        status = self._status
        if status is None or trial_id in self.held or trial_id == status.trial_id:
            return False
        return self._heard_of.get(trial_id) != status.epoch
