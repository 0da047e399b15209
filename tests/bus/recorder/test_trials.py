"""Trials that a gaze process holds come to the disk once, whatever becomes of it, of the recorder and of the disk."""

from __future__ import annotations

import asyncio
import errno
import itertools
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from services.recorder import gaze_link, trials
from services.recorder.ledger import held_trials
from shared.bus.acknowledging import Acknowledgements, prove_trial
from shared.bus.call import Nothing, WithImage
from shared.bus.clients import GazeClient
from shared.bus.gaze_messages import GazeStatus, HeldTrial
from shared.bus.message import Message
from shared.bus.publisher import Publisher
from shared.bus.requests import gaze
from shared.bus.server import Server
from shared.errors import Forbidden, InternalError, NotFound
from shared.json_loads import loads
from shared.session.check import check
from shared.session.format.layout import SPILL
from shared.session.writing.gaze_part import HeldPart
from shared.session.writing.gaze_spill import write_gaze_spill
from shared.system.disk import Disk
from tests.bus.recorder.conftest import Rig
from tests.support.buses import Buses
from tests.support.scripted_disk import Died, Fault
from tests.support.synthetic_trial import SyntheticTrial
from tests.support.waiting import eventually_async

LINES = ("trials.jsonl", "eyes.jsonl", "clocks.jsonl")


@pytest.fixture(autouse=True)
def _in_a_hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gaze_link, "POLL_S", 0.02)
    monkeypatch.setattr(held_trials, "GRACE_S", 0.3)
    monkeypatch.setattr(trials, "GRACE_S", 2.0)


class SteeredGaze:
    """Holds trials that a test makes, until they are acknowledged.

    Attributes:
        spoils: alters the parts that it gives.
        at_once: how many inputs it gives at most.
        fetched: what was asked for: trial, number and how many inputs it got.
    """

    def __init__(self, buses: Buses, epoch: str) -> None:
        self.epoch = epoch
        self.bus = buses.new()
        self.trials: dict[str, SyntheticTrial] = {}
        self.running: str | None = None
        self.at_once = 12
        self.spoils: Callable[[gaze.TrialPart], gaze.TrialPart] = lambda part: part
        self.fetched: list[tuple[str, int, int]] = []
        self.loses_acknowledgements = 0
        self.acknowledgements = Acknowledgements(self.bus, Path())  # on ipc the secret is beside the sockets
        self._publisher = Publisher(self.bus, "gaze", self._told)
        server = Server(self.bus, "gaze-control")
        server.on(gaze.FETCH, self._fetch)
        server.on(gaze.ACKNOWLEDGE, self._acknowledge)
        self._tasks = [
            asyncio.create_task(work) for work in (server.serve(), self._publisher.serve_joins(), self._beat())
        ]

    def hold(self, trial: SyntheticTrial) -> SyntheticTrial:
        self.trials[trial.trial_id] = trial
        self.running = None if trial.ended else trial.trial_id
        return trial

    def rest(self) -> list[HeldPart]:
        """What it would spill."""
        return [trial.part(trial.acknowledged) for trial in self.trials.values()]

    async def die(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self.bus.close()

    def _told(self, message_type: str) -> list[Message]:
        return [self._status()] if message_type == GazeStatus.type else []

    async def _beat(self) -> None:
        while True:
            await self._publisher.publish(self._status())
            await asyncio.sleep(0.05)

    def _status(self) -> GazeStatus:
        held = tuple(
            HeldTrial(
                trial_id=trial.trial_id,
                session=trial.stamp,
                next_n=trial.next_n,
                acknowledged=trial.acknowledged,
                ended=trial.ended,
            )
            for trial in self.trials.values()
        )
        return GazeStatus(epoch=self.epoch, source="page", state="running", trial_id=self.running, held=held)

    async def _fetch(self, asked: gaze.FetchTrial) -> WithImage[gaze.TrialPart]:
        trial = self.trials.get(asked.trial_id)
        if trial is None or asked.from_n < trial.acknowledged:
            raise NotFound("not held")
        part = trial.part(asked.from_n, asked.from_n + self.at_once)
        self.fetched.append((trial.trial_id, asked.from_n, part.next_n - part.from_n))
        said = gaze.TrialPart(
            trial_id=part.trial_id,
            from_n=part.from_n,
            next_n=part.next_n,
            lines_bytes=len(part.lines),
            ended=part.ended,
            about=part.about,
        )
        return WithImage(self.spoils(said), part.lines + part.records)

    async def _acknowledge(self, asked: gaze.AcknowledgeTrial) -> Nothing:
        await self.acknowledgements.check_trial(asked)
        if self.loses_acknowledgements:
            self.loses_acknowledgements -= 1
            raise InternalError("it went astray")
        trial = self.trials.get(asked.trial_id)
        if trial is not None:
            trial.acknowledged = max(trial.acknowledged, asked.next_n)
            if trial.ended and trial.acknowledged >= trial.next_n:
                del self.trials[trial.trial_id]
        return Nothing()


@pytest.fixture
def gazes(buses: Buses) -> Any:
    return lambda epoch="gaze-a": SteeredGaze(buses, epoch)


def trial_of(created_at: float, trial_id: str = "trial-a", session_id: str = "s") -> SyntheticTrial:
    # Of no frame that the generator makes: a check would hold that against what the trial had asked for.
    return SyntheticTrial(trial_id, session_id=session_id, created_at=created_at, frame_id="frame-of-nobody-0")


async def begin_session(rig: Rig, session_id: str = "s") -> float:
    return float((await rig.ask("start", session_id=session_id))["created_at"])


def holds(folder: Path, *trials: SyntheticTrial) -> bool:
    """Whether a session holds these trials and nothing else."""
    found = b"".join(path.read_bytes() for path in sorted(folder.glob("gaze/*.bin")))
    texts = {name: (folder / name).read_bytes() if (folder / name).exists() else b"" for name in LINES}
    return found == b"".join(trial.all_records for trial in trials) and all(
        text == b"".join(trial.file(name) for trial in trials) for name, text in texts.items()
    )


def severities(folder: Path) -> set[str]:
    return {finding.severity for finding in check(folder)} - {"note"}


async def all_are_safe(rig: Rig, source: SteeredGaze, *trials: SyntheticTrial, session_id: str = "s") -> None:
    await eventually_async(lambda: holds(rig.root / session_id, *trials), what=f"{len(trials)} trials are on disk")
    await eventually_async(
        lambda: all(trial.acknowledged >= trial.next_n for trial in trials), what="all is acknowledged"
    )
    assert severities(rig.root / session_id) == set()


def last_line(folder: Path) -> dict[str, Any]:
    lines = (folder / "trials.jsonl").read_bytes().splitlines()
    return dict(loads(lines[-1])) if lines else {}


async def test_a_trial_that_grows(rig: Rig, gazes: Any) -> None:
    await rig.start()
    created_at = await begin_session(rig)
    source = gazes()
    trial = source.hold(trial_of(created_at).begin())
    for _ in range(3):
        trial.change()
        await all_are_safe(rig, source, trial)
    trial.end()
    await all_are_safe(rig, source, trial)
    await eventually_async(lambda: not source.trials, what="it holds nothing")
    starts = [n for _, n, count in source.fetched if count]
    assert starts == sorted(set(starts)), "nothing was fetched twice"
    await source.die()


async def test_frames_and_trials_beside_each_other(rig: Rig, gazes: Any) -> None:
    generator = await rig.new_generator()
    await rig.start()
    created_at = await begin_session(rig)
    source = gazes()
    trial = source.hold(trial_of(created_at).whole(4))
    hashes = await generator.make(count=5)
    await rig.wait_recorded(hashes)
    await all_are_safe(rig, source, trial)
    await rig.ask("stop")
    await eventually_async(lambda: not rig.metadata().get("open"), what="it is closed")
    await source.die()


async def test_a_session_is_not_closed_while_its_trial_goes_on(rig: Rig, gazes: Any) -> None:
    await rig.start()
    created_at = await begin_session(rig)
    source = gazes()
    trial = source.hold(trial_of(created_at).begin().change())
    await all_are_safe(rig, source, trial)
    await rig.ask("stop")
    assert rig.metadata()["open"]
    trial.change().end()
    await all_are_safe(rig, source, trial)
    await eventually_async(lambda: not rig.metadata().get("open"), what="it is closed")
    await source.die()


async def test_who_stops_a_session_waits_for_the_end_of_its_trial(rig: Rig, gazes: Any) -> None:
    await rig.start()
    created_at = await begin_session(rig)
    source = gazes()
    trial = source.hold(trial_of(created_at).begin().change())
    await all_are_safe(rig, source, trial)
    stopping = asyncio.create_task(rig.ask("stop"))
    await eventually_async(lambda: "session.stopped" in rig.types(), what="it is told")
    trial.end()
    await stopping
    assert holds(rig.root / "s", trial)
    assert not rig.metadata().get("open")
    await source.die()


@pytest.mark.parametrize("at", range(0, 60, 7))
@pytest.mark.parametrize("kind", ["die", "torn"])
async def test_a_recorder_that_is_killed_mid_batch_and_started_again(rig: Rig, gazes: Any, at: int, kind: Any) -> None:
    await rig.start()
    created_at = await begin_session(rig)
    source = gazes()
    trial = source.hold(trial_of(created_at).begin().change())
    rig.disk.arm(Fault(at, kind))
    await eventually_async(lambda: rig.disk.dead or holds(rig.root / "s", trial), what="it died")
    with_died = asyncio.gather(rig.kill(), return_exceptions=True)
    assert not [error for error in await with_died if error is not None and not isinstance(error, Died)]
    trial.change().end()
    await rig.start()
    await all_are_safe(rig, source, trial)
    await eventually_async(lambda: not source.trials, what="it holds nothing")
    await source.die()


async def test_a_disk_that_is_full_for_a_while(rig: Rig, gazes: Any) -> None:
    await rig.start()
    created_at = await begin_session(rig)
    source = gazes()
    trial = source.hold(trial_of(created_at).begin().change())
    await all_are_safe(rig, source, trial)
    rig.disk.arm(Fault(0, "error", errno.ENOSPC, lasting=True))
    trial.change().end()
    await eventually_async(lambda: rig.disk.refused > 3, what="it is tried again")
    assert trial.acknowledged < trial.next_n
    assert (await rig.status())["epoch"], "it answers meanwhile"
    rig.disk.arm(None)
    await all_are_safe(rig, source, trial)
    await source.die()


async def test_acknowledgements_that_go_astray(rig: Rig, gazes: Any) -> None:
    await rig.start()
    source = gazes()
    source.loses_acknowledgements = 3
    trial = source.hold(trial_of(await begin_session(rig)).whole())
    await all_are_safe(rig, source, trial)
    await eventually_async(lambda: not source.trials, what="it holds nothing")
    await source.die()


async def test_a_gaze_process_that_was_killed_and_has_a_successor(rig: Rig, gazes: Any) -> None:
    await rig.start()
    created_at = await begin_session(rig)
    killed = gazes("gaze-a")
    trial = killed.hold(trial_of(created_at).begin().change())
    await all_are_safe(rig, killed, trial)
    await killed.die()
    source = gazes("gaze-b")
    following = source.hold(trial_of(created_at, "trial-b").whole())
    await eventually_async(lambda: not source.trials, what="the next one is on disk")
    ends = [
        line for line in map(loads, (rig.root / "s/trials.jsonl").read_bytes().splitlines()) if line["step"] == "end"
    ]
    assert [(end["trial_id"], end["outcome"], end.get("by")) for end in ends] == [
        ("trial-a", "interrupted", "recorder"),
        ("trial-b", "complete", None),
    ]
    assert ends[0]["n"] == trial.next_n
    assert following.next_n
    assert severities(rig.root / "s") == set()
    await source.die()


async def test_a_gaze_process_that_is_gone_without_a_successor(rig: Rig, gazes: Any) -> None:
    await rig.start()
    created_at = await begin_session(rig)
    killed = gazes("gaze-a")
    trial = killed.hold(trial_of(created_at).begin().change())
    await all_are_safe(rig, killed, trial)
    await killed.die()
    await eventually_async(lambda: last_line(rig.root / "s").get("by") == "recorder", what="it is closed")
    assert severities(rig.root / "s") == set()
    # The connection was lost, and the process was not: it goes on.
    back = gazes("gaze-a")
    back.hold(trial).change().end()
    await all_are_safe(rig, back, trial)
    await back.die()


async def test_both_were_killed(rig: Rig, gazes: Any) -> None:
    await rig.start()
    created_at = await begin_session(rig)
    killed = gazes("gaze-a")
    trial = killed.hold(trial_of(created_at).begin().change())
    await all_are_safe(rig, killed, trial)
    await rig.kill()
    await killed.die()
    await rig.start()
    source = gazes("gaze-b")
    await eventually_async(lambda: last_line(rig.root / "s").get("by") == "recorder", what="it is closed")
    assert severities(rig.root / "s") == set()
    await source.die()


async def test_a_gaze_process_that_says_nothing_is_not_dead(rig: Rig, gazes: Any) -> None:
    await rig.start()
    created_at = await begin_session(rig)
    source = gazes()
    trial = source.hold(trial_of(created_at).begin().change())
    await all_are_safe(rig, source, trial)
    del source.trials["trial-a"]
    source.running = None
    asked = itertools.count()
    await eventually_async(lambda: next(asked) > 80, what="more than the grace is over")
    assert "by" not in last_line(rig.root / "s")
    source.hold(trial).change().end()
    await all_are_safe(rig, source, trial)
    await source.die()


async def test_the_spill_of_a_gaze_process_that_stopped_while_the_recorder_was_away(rig: Rig, gazes: Any) -> None:
    await rig.start()
    created_at = await begin_session(rig)
    source = gazes()
    trial = source.hold(trial_of(created_at).begin().change())
    await all_are_safe(rig, source, trial)
    await rig.stop()
    trial.change().end()
    other = source.hold(trial_of(created_at, "trial-b").whole())
    write_gaze_spill(Disk(), rig.root, source.rest())
    await source.die()
    await rig.start()
    await eventually_async(lambda: holds(rig.root / "s", trial, other), what="the spill is taken in")
    await eventually_async(lambda: not (rig.root / SPILL).exists(), what="it is removed")
    await eventually_async(lambda: not rig.metadata().get("open"), what="the session is closed")
    assert severities(rig.root / "s") == set()


async def test_a_spill_that_comes_before_the_grace_is_over_wins(
    rig: Rig, gazes: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(held_trials, "GRACE_S", 60.0)
    await rig.start()
    created_at = await begin_session(rig)
    source = gazes()
    trial = source.hold(trial_of(created_at).begin().change())
    await all_are_safe(rig, source, trial)
    await source.die()
    trial.change().end()
    write_gaze_spill(Disk(), rig.root, source.rest())
    await eventually_async(lambda: holds(rig.root / "s", trial), what="the spill is taken in")
    successor = gazes("gaze-b")
    following = successor.hold(trial_of(created_at, "trial-b").whole())
    await eventually_async(lambda: holds(rig.root / "s", trial, following), what="the next one follows")
    await successor.die()


async def test_nobody_else_may_acknowledge(rig: Rig, gazes: Any) -> None:
    await rig.start()
    created_at = await begin_session(rig)
    source = gazes()
    trial = source.hold(trial_of(created_at).begin().change())
    stranger = GazeClient(rig.buses.new())
    right = prove_trial(bytes(32), "trial-a", 3)
    for proof in ("", right, prove_trial(b"", "trial-a", 3)):
        asked = gaze.AcknowledgeTrial(trial_id="trial-a", next_n=3, proof=proof)
        with pytest.raises(Forbidden):
            await stranger.ask(gaze.ACKNOWLEDGE, asked)
    await all_are_safe(rig, source, trial)
    await stranger.close()
    await source.die()


async def test_a_session_that_was_deleted_is_let_go(rig: Rig, gazes: Any) -> None:
    await rig.start()
    created_at = await begin_session(rig)
    source = gazes()
    trial = source.hold(trial_of(created_at).begin().change())
    await all_are_safe(rig, source, trial)
    await rig.ask("stop")
    await rig.ask("delete", session_id="s")
    source.loses_acknowledgements = 2
    trial.change().end()
    await eventually_async(lambda: not source.trials, what="it holds nothing")
    assert not (rig.root / "s").exists()
    await source.die()


async def test_another_session_of_that_name_gets_nothing_of_it(rig: Rig, gazes: Any) -> None:
    await rig.start()
    created_at = await begin_session(rig)
    source = gazes()
    source.hold(trial_of(created_at - 1000.0).whole())
    await eventually_async(lambda: not source.trials, what="it holds nothing")
    assert not (rig.root / "s/trials.jsonl").exists()
    await source.die()


async def test_a_session_that_is_not_active_any_more(rig: Rig, gazes: Any) -> None:
    await rig.start()
    created_at = await begin_session(rig)
    await begin_session(rig, "t")
    source = gazes()
    trial = source.hold(trial_of(created_at).whole())
    await all_are_safe(rig, source, trial)
    await eventually_async(lambda: not rig.metadata("s").get("open"), what="it is closed")
    await source.die()


async def test_a_folder_that_was_removed_is_made_anew_while_it_is_recorded(rig: Rig, gazes: Any) -> None:
    await rig.start()
    created_at = await begin_session(rig)
    shutil.rmtree(rig.root / "s")
    source = gazes()
    trial = source.hold(trial_of(created_at).whole())
    await all_are_safe(rig, source, trial)
    assert rig.metadata("s")["created_at"] == created_at
    await source.die()


async def test_a_folder_that_was_removed_is_not_made_anew_where_nobody_goes_on_with_it(rig: Rig, gazes: Any) -> None:
    await rig.start()
    source = gazes()
    source.hold(trial_of(1_700_000_000.0, session_id="gone").whole())
    await eventually_async(lambda: not source.trials, what="it holds nothing")
    assert not (rig.root / "gone").exists()
    await source.die()


async def test_a_session_whose_folder_is_gone_is_waited_for_at_a_restart(rig: Rig, gazes: Any) -> None:
    """The API says after a moment that it is active."""
    await rig.start()
    source = gazes()
    trial = source.hold(trial_of(1_700_000_000.0, session_id="gone").whole())
    await rig.ask("resume", session_id="gone", created_at=1_700_000_000.0)
    await all_are_safe(rig, source, trial, session_id="gone")
    await source.die()


async def test_strange_answers_cost_themselves_alone(rig: Rig, gazes: Any) -> None:
    generator = await rig.new_generator()
    await rig.start()
    created_at = await begin_session(rig)
    source = gazes()
    answers = itertools.cycle(
        [{"next_n": 3}, {"trial_id": "another"}, {"lines_bytes": 10**9}, {"lines_bytes": 3}, {"from_n": 9}]
    )
    source.spoils = lambda part: part.model_copy(update=next(answers))
    trial = source.hold(trial_of(created_at).whole())
    await eventually_async(lambda: len(source.fetched) > 3, what="it is asked again")
    await rig.wait_recorded(await generator.make(count=2))
    source.spoils = lambda part: part
    await all_are_safe(rig, source, trial)
    await source.die()


async def test_what_comes_as_everything_stops(rig: Rig, gazes: Any) -> None:
    await rig.start()
    created_at = await begin_session(rig)
    source = gazes()
    trial = source.hold(trial_of(created_at).begin().change())
    await all_are_safe(rig, source, trial)
    stopping = asyncio.create_task(rig.stop())
    trial.change().end()
    await stopping
    assert holds(rig.root / "s", trial)
    assert not source.trials
    assert severities(rig.root / "s") == set()
    await source.die()


async def test_repair_leaves_a_trial_that_goes_on_alone(rig: Rig, gazes: Any) -> None:
    await rig.start()
    created_at = await begin_session(rig)
    source = gazes()
    trial = source.hold(trial_of(created_at).begin().change())
    await all_are_safe(rig, source, trial)
    await rig.ask("repair", session_id="s")
    trial.change().end()
    await all_are_safe(rig, source, trial)
    await source.die()
