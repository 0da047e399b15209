"""Carrying out what a trial decides: what it asks of the generator, at once or ahead, what it commits and gives up."""

from __future__ import annotations

from collections.abc import Callable, Collection

from services.gaze.ahead import Ahead
from services.gaze.committing import Committing
from services.gaze.fetching import Fetching, Supervise
from services.gaze.intake import Intake
from services.gaze.pictures import Pictures
from services.gaze.requesting import Requesting
from shared.bus.clients import GeneratorClient
from shared.bus.messages import Heartbeat, Prepared
from shared.bus.sockets import Bus
from shared.bus.subscriber import Subscriber
from shared.gaze.trial.outcomes import Outcome
from shared.gaze.trial.steps import Abandoned, Committed, GivenUp, Preparing, Requested
from shared.images import ImageFormat


class Asking:
    """All that goes to the generator, and comes from it.

    Args:
        supervise: runs a task.
        pictures: where the pictures to change are, and those that were made go.
        in_use: hashes of the pictures that the trial which is under way, or was last, may show.
    """

    def __init__(
        self, bus: Bus, pictures: Pictures, supervise: Supervise, in_use: Callable[[], Collection[str]]
    ) -> None:
        self._subscriber = Subscriber(bus, "frames", [Prepared.type, Heartbeat.type])
        self._generator = GeneratorClient(bus)
        self._pictures = pictures
        self._in_use = in_use
        self._fetching = Fetching(self._generator, pictures, supervise, in_use)
        self._requesting = Requesting(self._generator, pictures, self._fetching, supervise)
        self._ahead = Ahead(self._generator, self._fetching, supervise)
        self._committing = Committing(self._generator, self._ahead, self._fetching, supervise)

    def act(self, intake: Intake, outcome: Outcome) -> None:
        """Do what an outcome asks for, if it asks for anything."""
        match outcome.what:
            case Committed() as wanted:
                self._committing.commit(intake, outcome.id, wanted)
            case Preparing() as wanted:
                self._ahead.prepare(intake, outcome.id, wanted)
            case GivenUp() as given_up:
                self._ahead.give_up(given_up.prepare)
            case Requested() as wanted:
                self._requesting.request(intake, outcome.id, wanted)
            case Abandoned() as abandoned:
                self._requesting.give_up(abandoned.caused_by)

    def end(self) -> None:
        """Give up all that is under way: the trial has ended."""
        self._requesting.end()
        self._ahead.end()
        self._fetching.end()

    async def listen(self) -> None:
        """Hear how preparations get on, until cancelled."""
        await self._subscriber.hand_to(self._ahead.take)

    async def follow(self) -> None:
        """Keep preparations alive, until cancelled."""
        await self._ahead.follow()

    async def close(self) -> None:
        """Close the sockets; what is given up reaches the generator first."""
        await self._generator.close()

    async def picture(self, sha256: str) -> tuple[ImageFormat, bytes]:
        """A picture of the trial: its format and its bytes. One that was just committed is waited for. Raises
        ParafoveaError: NotFound where it is none of the trial's, or why it cannot be had now."""
        if sha256 in self._in_use():
            return await self._fetching.get(sha256)
        return self._pictures.get(sha256)

    def is_lost(self, sha256: str) -> bool:
        """Whether nobody has a picture any more: the generator ended before its bytes were fetched."""
        return sha256 in self._fetching.lost and sha256 not in self._pictures
