"""What is published of a trial: its samples in small batches, each of its steps as a message, all in order."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Any

from shared.bounds import problem_of
from shared.bus.gaze_messages import (
    ClockCompared,
    EyeMovement,
    GazeSamples,
    OfTrial,
    SwapDisplayed,
    SwapOrdered,
    TrialStep,
)
from shared.bus.message import Message
from shared.bus.publisher import Publisher
from shared.fields import MAX_DETAILS_CHARS
from shared.gaze.record import lines
from shared.gaze.trial import steps
from shared.gaze.trial.inputs import ClockMeasured

MOST_WAITING = 10_000
"""Messages; where subscribers keep the channel busy, the oldest are dropped: streams carry numbers."""
MOST_AT_ONCE = 16
"""Messages; what comes of one input is fewer, and is sent together."""

_KINDS: dict[str, type[OfTrial]] = {
    lines.EYE: EyeMovement,
    steps.Swapped.step: SwapOrdered,
    steps.Displayed.step: SwapDisplayed,
    ClockMeasured.step: ClockCompared,
}
_OF_ALL = ("n", "trial_id", "step", "caused_by", "t_ns")
_BASE = frozenset({"v", "id", "time", *_OF_ALL})


class Outbox:
    """Messages on their way to a channel: one task sends them, in the order in which they were put here."""

    def __init__(self, publisher: Publisher) -> None:
        self._publisher = publisher
        self._waiting: deque[tuple[Message, bytes]] = deque(maxlen=MOST_WAITING)
        self._wake = asyncio.Event()
        self._sent = asyncio.Event()
        self._sent.set()

    def put(self, message: Message, payload: bytes = b"") -> None:
        """Send a message soon; waits for nobody."""
        self._waiting.append((message, payload))
        self._sent.clear()
        self._wake.set()

    def is_heard(self, message_type: str) -> bool:
        """Whether anybody has subscribed to a type."""
        return self._publisher.is_heard(message_type)

    async def run(self) -> None:
        """Send until cancelled."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            while self._waiting:
                few = [self._waiting.popleft() for _ in range(min(MOST_AT_ONCE, len(self._waiting)))]
                await self._publisher.publish_all(few)
            self._sent.set()

    async def empty(self) -> None:
        """Wait until all is sent."""
        await self._sent.wait()


def samples_of(epoch: str, trial_id: str, source: str, first_n: int, count: int) -> GazeSamples:
    """The message of a batch of samples."""
    return GazeSamples.model_construct(epoch=epoch, trial_id=trial_id, source=source, first_n=first_n, count=count)


def step_of(epoch: str, view: str, line: dict[str, Any]) -> OfTrial:
    """The message of a line of the record. Not checked: it is made of what is."""
    own = {name: value for name, value in line.items() if name not in _BASE}
    of_all = {"epoch": epoch, "view": view, "step_id": line["id"], "at": line["time"]}
    of_all |= {name: line[name] for name in _OF_ALL}
    kind = _KINDS.get(line["step"])
    if kind is None:
        return TrialStep.model_construct(**of_all, details=_fitting(own))
    return kind.model_construct(**of_all, **own)


def _fitting(own: dict[str, Any]) -> dict[str, Any]:
    """A step's own fields, without what makes them too large for a message: a trial's prompts may fill a book. The
    record has them all."""
    config = own.get("config")
    if not isinstance(config, dict) or problem_of(own, MAX_DETAILS_CHARS) is None:
        return own
    for name in ("prompts", "policy", "fields"):
        config = {key: value for key, value in config.items() if key != name}
        if problem_of(own | {"config": config}, MAX_DETAILS_CHARS) is None:
            break
    return own | {"config": config}
