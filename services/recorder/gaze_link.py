"""The gaze process as the recorder sees it: which trials it holds, and the fetching of them.

What it holds it keeps until it is told that it is on disk, so nothing here is in a hurry: a trial that goes on is
asked after a few times a second, and one that has ended at once.
"""

from __future__ import annotations

import asyncio
import logging
import time

from services.recorder.folder import FolderUnusable
from services.recorder.ledger.backoff import Retry
from services.recorder.ledger.held_trials import Fetched, HeldTrials
from services.recorder.ledger.ledger import Ledger
from services.recorder.trials import SessionGone, TrialArchive
from shared.bus.acknowledging import Proving
from shared.bus.clients import GazeClient
from shared.bus.envelope import Published, StrangeAnswer
from shared.bus.gaze_messages import GazeStatus
from shared.bus.requests import gaze
from shared.bus.sockets import Bus
from shared.bus.subscriber import Subscriber
from shared.errors import Forbidden, NotFound, ParafoveaError
from shared.gaze.record.samples import RECORD_BYTES
from shared.session.writing.gaze_part import HeldPart, UnusablePart
from shared.session.writing.gaze_record import ClosedTrial
from shared.system.rarely import Rarely
from shared.system.waiting import wait_at_most
from shared.system.worker import Worker

log = logging.getLogger(__name__)

POLL_S = 0.25
"""How often a trial that goes on is asked after."""
IDLE_S = 2.0
ANSWER_S = 2.0
FETCH_BYTES = 1 << 20
_ALL = ""
"""What waits for the sessions folder as a whole."""


class GazeLink:
    """Brings what the gaze process holds to the disk.

    Args:
        may_close: set when a session is in no trial any more.

    Attributes:
        client: asks the gaze process, and knows whether one is there.
    """

    def __init__(
        self,
        bus: Bus,
        trials: TrialArchive,
        ledger: Ledger,
        proving: Proving,
        thread: Worker,
        may_close: asyncio.Event,
    ) -> None:
        self.client = GazeClient(bus)
        self._stream = Subscriber(bus, "gaze", [GazeStatus.type])
        self._trials = trials
        self._ledger = ledger
        self._proving = proving
        self._thread = thread
        self._may_close = may_close
        self._soon = asyncio.Event()
        self._known = HeldTrials()
        self._spills_read = -1
        """How many lives of the gaze process there had been when the spill was read."""
        self._waits: dict[str, Retry] = {}
        self._unusable, self._refused = Rarely(log), Rarely(log)

    @property
    def owes(self) -> bool:
        """Whether something that could be brought to the disk now is not there yet."""
        return self.client.connected and self._known.owes_any(but=self._waits)

    def wake(self) -> None:
        """Look again now."""
        self._soon.set()

    async def follow(self) -> None:
        """Hear what is held, until cancelled."""
        await self._stream.hand_to(self._take)

    def _take(self, published: Published) -> None:
        assert isinstance(published.message, GazeStatus)
        if self._known.take(published.message):
            self._soon.set()
        self._say_living()

    async def work(self) -> None:
        """Fetch, write and acknowledge, until cancelled."""
        while True:
            self._soon.clear()
            await self._round()
            self._say_living()
            await wait_at_most(self._soon, POLL_S if self._known.held or self._known.has_dead else IDLE_S)

    def _say_living(self) -> None:
        going_on = self._known.going_on() if self.client.connected else []
        before, now = self._ledger.in_trial, frozenset(trial.session_id for trial in going_on)
        self._ledger.in_trial = now
        if before - now:
            self._may_close.set()
        self._trials.living = frozenset(trial.trial_id for trial in going_on)

    async def _round(self) -> None:
        if not self._ledger.recovered or not await self._clear_up() or not self.client.connected:
            return
        # A session's files have one trial behind another, so one that lacks its end holds up those that follow.
        unended = {session_id: trial_id for trial_id, session_id in dict(self._trials.unended).items()}
        for trial in list(self._known.held.values()):
            if trial.is_whole:
                if trial.is_to_be_told:
                    await self._acknowledge(trial, trial.held.next_n)
                continue
            is_its_turn = unended.setdefault(trial.session_id, trial.trial_id) == trial.trial_id
            if self._may_try(trial.session_id):
                await self._advance(trial, is_its_turn=is_its_turn)
            if trial.is_whole and is_its_turn:
                del unended[trial.session_id]

    def _may_try(self, session_id: str) -> bool:
        retry = self._waits.get(session_id)
        return retry is None or time.monotonic() >= retry.again_at_s

    # -- what is over -------------------------------------------------------------------------------------------------

    async def _clear_up(self) -> bool:
        """Take in what gaze processes that have gone left, and close their trials; whether that went well."""
        if not self._may_try(_ALL):
            return False
        trials, known = self._trials, self._known
        try:
            await self._thread.run(trials.recover)
            epochs = known.epochs
            is_gone = self.client.met and not self.client.connected
            if self._spills_read < epochs or known.has_dead or (is_gone and known.owes_any()):
                if not await self._thread.run(trials.take_spill):
                    return False  # one is being written
                self._spills_read = epochs
            for trial_id in known.due(dict(trials.unended), time.monotonic(), is_gone=is_gone):
                await self._thread.run(trials.close_trial, trial_id)
            known.forget_all_but(dict(trials.unended))
        except (FolderUnusable, OSError) as error:
            self._failed(_ALL, f"what is left of trials waits: {getattr(error, 'strerror', None) or error}")
            return False
        finally:
            self._have_closed()
        self._waits.pop(_ALL, None)
        return True

    def _have_closed(self) -> None:
        """Have sessions that were opened for their trials closed one day."""
        for session_id, count in self._trials.take_opened().items():
            self._ledger.recorded.setdefault(session_id, count)

    # -- what is held -------------------------------------------------------------------------------------------------

    async def _advance(self, trial: Fetched, *, is_its_turn: bool) -> None:
        session_id, trial_id = trial.session_id, trial.trial_id
        try:
            if trial.next_n is None or not is_its_turn:
                if await self._thread.run(self._trials.has, trial.session, trial_id) and trial.held.ended:
                    trial.next_n, trial.is_whole = trial.held.next_n, True
                    await self._acknowledge(trial, trial.held.next_n)
                    return
                on_disk = await self._thread.run(self._trials.next_n, trial.session, trial_id)
                trial.next_n = max(on_disk, trial.acknowledged)
            if is_its_turn:
                await self._fetch(trial, trial.next_n)
        except SessionGone as error:
            self._refused.warn("what is held of trial %s is let go: %s", trial_id, error)
            trial.is_whole = trial.held.ended
            trial.next_n = trial.held.next_n if trial.is_whole else None
            await self._acknowledge(trial, trial.held.next_n)
        except NotFound:
            self._known.held.pop(trial_id, None)
        except (StrangeAnswer, UnusablePart, ClosedTrial) as error:
            self._unusable.warn("what the gaze process answers of trial %s cannot be used: %s", trial_id, error)
            self._waits[session_id] = Retry.after(self._waits.get(session_id), str(error), time.monotonic())
        except ParafoveaError as error:
            log.debug("the gaze process does not answer: %s", error)
        except (FolderUnusable, OSError) as error:
            self._failed(session_id, f"its trials wait: {getattr(error, 'strerror', None) or error}")
            trial.next_n = None
        except Exception as error:
            log.exception("trial %s of session %s could not be written", trial_id, session_id)
            self._failed(session_id, f"its trials wait: {type(error).__name__}: {error}")
            trial.next_n = None
        finally:
            self._have_closed()

    async def _fetch(self, trial: Fetched, from_n: int) -> None:
        """Fetch and write until nothing more is there now."""
        is_more = True
        while is_more:
            asked = gaze.FetchTrial(trial_id=trial.trial_id, from_n=from_n, limit_bytes=FETCH_BYTES)
            reply = await self.client.ask_for_image(gaze.FETCH, asked)
            part = _part(trial, asked, reply.answer, reply.image)
            is_new = part.next_n > part.from_n
            is_more = is_new and not part.ended and len(reply.image) > FETCH_BYTES // 2
            if is_new:
                await self._thread.run(self._trials.write, part)
            from_n = trial.next_n = max(from_n, part.next_n)
            trial.is_whole = part.ended
            self._waits.pop(trial.session_id, None)
            if trial.is_to_be_told:
                await self._acknowledge(trial, from_n)

    async def _acknowledge(self, trial: Fetched, next_n: int) -> None:
        """One that goes astray is sent again."""
        request = self._proving.acknowledge_trial(trial.trial_id, next_n)
        try:
            try:
                await self.client.ask(gaze.ACKNOWLEDGE, request, timeout_s=ANSWER_S)
            except Forbidden as error:
                self._refused.warn("the gaze process refuses an acknowledgement: %s", error.detail)
                if not await self._proving.share_secret():
                    return
                await self.client.ask(gaze.ACKNOWLEDGE, request, timeout_s=ANSWER_S)
        except ParafoveaError as error:
            log.debug("an acknowledgement went astray: %s", error)
        else:
            trial.acknowledged = max(trial.acknowledged, next_n)

    def _failed(self, session_id: str, reason: str) -> None:
        known = self._waits.get(session_id)
        if known is None or known.reason != reason:
            log.error("%s: %s", f"session {session_id}" if session_id else "trials", reason)
        self._waits[session_id] = Retry.after(known, reason, time.monotonic())


def _part(trial: Fetched, asked: gaze.FetchTrial, said: gaze.TrialPart, payload: bytes) -> HeldPart:
    """Raises UnusablePart: it is not what was asked for."""
    if said.trial_id != asked.trial_id or said.from_n < asked.from_n or said.lines_bytes > len(payload):
        raise UnusablePart("it is not the part that was asked for")
    lines, records = payload[: said.lines_bytes], payload[said.lines_bytes :]
    if len(records) % RECORD_BYTES == 1:  # the newline between the two, where the lines' length leaves it out
        records = records.removeprefix(b"\n")
    return HeldPart(said.trial_id, trial.session, said.from_n, said.next_n, said.ended, said.about, lines, records)
