"""Changes that are made ahead: prepared, kept alive, committed at a trigger, and given up, with a real bus between."""

from __future__ import annotations

import asyncio
import hashlib
from typing import Any

import pytest

from services.gaze import ahead
from shared.errors import GeneratorUnavailable, InvalidRequest, NotFound, Stale, UnknownImage
from tests.bus.gaze.conftest import PICTURE, PROMPTS, Rig
from tests.bus.gaze.taking_display import TakingDisplay
from tests.support.standins import FakeGenerator
from tests.support.waiting import eventually_async

SHA256 = hashlib.sha256(PICTURE).hexdigest()
AHEAD: dict[str, Any] = {"policy": {"name": "farthest", "ahead": 3}, "trigger": {"name": "key"}}


class Loop:
    """A trial whose display takes sectors, and what is around it."""

    def __init__(self, rig: Rig, generator: FakeGenerator, display: TakingDisplay, trial_id: str) -> None:
        self.rig = rig
        self.generator = generator
        self.display = display
        self.trial_id = trial_id

    @property
    def asked(self) -> Any:
        return self.generator.ahead

    async def state(self) -> dict[str, Any]:
        return await self.rig.ask("trial")

    async def until_ready(self, picture: str | None = None, count: int = 3) -> dict[str, Any]:
        """Until so many sectors are decoded for a picture, by default the one on view; the state."""

        async def reached() -> dict[str, Any] | None:
            state = await self.state()
            ready = [one for one in state["prepared"] if one["ready"]]
            wanted = picture or state["picture_sha256"]
            return state if len([one for one in ready if one["picture_sha256"] == wanted]) >= count else None

        found: dict[str, Any] = await eventually_async(reached, what=f"{count} are ready")
        return found

    async def press(self) -> None:
        """Look at a corner, and press a key."""
        seen = len(self.rig.of("gaze"))
        await self.rig.look(until=lambda: len(self.rig.of("gaze")) > seen)
        await self.rig.ask("key", key=" ", display="d")

    async def change(self) -> dict[str, Any]:
        """Have one change shown; its swap."""
        count = len(self.rig.of("displayed"))
        await self.press()
        displayed = await self.rig.wait_for("displayed", count=count + 1)
        return next(swap for swap in self.display.swaps if swap["step_id"] == displayed.header["caused_by"])


async def loop(rig: Rig, *, is_quiet: bool = False, **body: Any) -> Loop:
    """One in which the trial is under way."""
    generator = await rig.with_generator()
    generator.ahead.is_quiet = is_quiet
    await rig.start()
    trial_id = await rig.begin(**{**AHEAD, **body})
    display = TakingDisplay(rig)
    await display.show()
    return Loop(rig, generator, display, trial_id)


async def test_those_of_one_moment_are_asked_for_together_and_the_picture_is_sent_once(rig: Rig) -> None:
    one = await loop(rig)
    state = await one.until_ready()
    prepares = [(asked, payloads) for kind, asked, payloads in one.asked.asked if kind == "prepare"]
    assert [payloads for _, payloads in prepares] == [(b"",), (PICTURE,)]
    (named, _), (sent, _) = prepares
    assert (named.image_sha256, sent.image_sha256) == (SHA256, None)
    assert named.view == named.client_id == f"trial:{one.trial_id}"
    assert named.wanted == sent.wanted
    assert len({wanted.target_sector for wanted in sent.wanted}) == 3
    assert {wanted.prompt for wanted in sent.wanted} == set(PROMPTS["default"])
    assert [each["prepared_id"] for each in state["prepared"]] == [wanted.prepared_id for wanted in sent.wanted]
    assert {each["made"] for each in state["prepared"]} == set(one.display.said)
    told = (await rig.show(takes_sectors=True))["trial"]["prepared"]
    assert told == state["prepared"]


async def test_a_trigger_commits_one_and_the_swap_lays_its_sector_over_the_picture(rig: Rig) -> None:
    one = await loop(rig)
    await one.until_ready()
    swap = await one.change()
    (commit,) = one.asked.named("commit")
    assert (commit.on, commit.with_picture, commit.session) == (SHA256, False, None)
    assert (commit.focus_sector, commit.focus_x, commit.focus_y) == ("TL", pytest.approx(0.1), pytest.approx(0.1))
    step = (await rig.wait_for("trial", "commit")).header
    frame = (await rig.wait_for("trial", "frame")).header
    assert (step["details"]["prepared_id"], frame["caused_by"]) == (commit.prepared_id, step["step_id"])
    assert (swap["prepared_id"], swap["on"], swap["sha256"]) == (
        commit.prepared_id,
        SHA256,
        frame["details"]["sha256"],
    )
    state = await one.until_ready(swap["sha256"])
    assert state["picture_sha256"] == swap["sha256"]
    picture = await rig.call("picture", sha256=swap["sha256"])
    assert hashlib.sha256(picture.payloads[0]).hexdigest() == swap["sha256"]
    last, payload = [(asked, payloads) for kind, asked, payloads in one.asked.asked if kind == "prepare"][-1]
    assert (last.image_sha256, payload, len(last.wanted)) == (swap["sha256"], (b"",), 1)
    second = await one.change()
    assert second["on"] == swap["sha256"]


async def test_a_commit_that_fails_is_told_and_the_trial_goes_on(rig: Rig) -> None:
    one = await loop(rig)
    await one.until_ready()
    one.asked.errors["commit"] = Stale("the view shows another picture")
    await one.press()
    failed = (await rig.wait_for("trial", "failed")).header
    assert failed["caused_by"] == (await rig.wait_for("trial", "commit")).header["step_id"]
    assert failed["details"]["code"] == "stale"
    await rig.wait_for("trial", "abandoned")
    assert not one.display.swaps
    del one.asked.errors["commit"]
    await one.change()  # by this press, or by the one before, which may still find another
    await one.until_ready()


async def test_what_becomes_stale_is_prepared_anew(rig: Rig) -> None:
    one = await loop(rig)
    one.asked.reads_all = True
    await one.until_ready()
    swap = await one.change()
    await one.until_ready(swap["sha256"])
    states = [each.header["details"]["state"] for each in rig.of("trial", "prepared")]
    assert states == ["ready"] * 3 + ["stale"] * 2 + ["ready"] * 3
    ready = {name for name, kept in one.asked.kept.items() if kept.state == "ready"}
    assert ready == {each["prepared_id"] for each in (await one.state())["prepared"]}


async def test_the_end_of_a_trial_gives_up_all_that_is_prepared(rig: Rig) -> None:
    one = await loop(rig)
    await one.until_ready()
    prepared = {each["prepared_id"] for each in (await one.state())["prepared"]}
    await rig.ask("trial.end")
    await eventually_async(lambda: set(one.asked.dropped) == prepared)


async def test_what_is_given_up_while_it_is_being_asked_for_is_dropped_afterwards(rig: Rig) -> None:
    generator = await rig.with_generator()
    answer = generator.ahead.hold("prepare")
    await rig.start()
    await rig.begin(**AHEAD)
    await TakingDisplay(rig).show()
    await eventually_async(lambda: generator.ahead.named("prepare"))
    await rig.ask("trial.end")
    generator.ahead.pictures[SHA256] = PICTURE
    answer.set()
    wanted = {each.prepared_id for each in generator.ahead.named("prepare")[0].wanted}
    await eventually_async(lambda: set(generator.ahead.dropped) == wanted)
    assert not rig.of("trial", "prepared")


async def test_a_message_that_was_lost_is_made_up_for(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ahead, "RENEW_S", 0.1)
    one = await loop(rig, is_quiet=True)
    await one.until_ready()
    asked = one.asked.named("prepared")
    assert {each.prepared_id for each in asked} == {each["prepared_id"] for each in (await one.state())["prepared"]}
    assert not any(each.with_sector for each in asked)
    lost = asked[0].prepared_id
    del one.asked.kept[lost]
    dropped = await rig.wait_for("trial", "prepared", 4)
    assert (dropped.header["details"]["state"], dropped.header["details"]["code"]) == ("dropped", "not_found")
    await one.until_ready()


async def test_leases_are_renewed(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ahead, "RENEW_S", 0.05)
    one = await loop(rig)
    ids = {each["prepared_id"] for each in (await one.until_ready())["prepared"]}

    def renewed(times: int) -> bool:
        asked = [each.prepared_id for each in one.asked.named("prepared")]
        return all(asked.count(name) >= times for name in ids)

    await eventually_async(lambda: renewed(3))
    assert len(rig.of("trial", "prepared")) == 3


async def test_a_generator_that_was_started_anew_prepares_everything_anew(rig: Rig) -> None:
    one = await loop(rig)
    before = {each["prepared_id"] for each in (await one.until_ready())["prepared"]}
    await one.generator.die()
    one.generator = await rig.with_generator()
    await eventually_async(lambda: len(one.asked.kept) == 3, what="all are prepared anew")
    await one.until_ready()
    assert before.isdisjoint(one.asked.kept)
    assert (PICTURE,) in [payloads for kind, _, payloads in one.asked.asked if kind == "prepare"]
    dropped = [each.header for each in rig.of("trial", "prepared") if each.header["details"]["state"] == "dropped"]
    assert {each["details"]["code"] for each in dropped} == {"not_found"}
    assert (await one.change())["on"] == SHA256


async def test_without_a_generator_it_is_tried_again_after_a_rest(rig: Rig) -> None:
    await rig.start()
    await rig.begin(**AHEAD)
    await TakingDisplay(rig).show()
    await rig.wait_for("trial", "prepared", 3)
    told = [each.header["details"] for each in rig.of("trial", "prepared")]
    assert {(each["state"], each["code"]) for each in told} == {("failed", "generator_unavailable")}
    one = await rig.with_generator()
    await eventually_async(lambda: one.ahead.kept, what="it is asked again")


async def test_a_generator_that_goes_in_the_midst_of_a_commit_is_told(rig: Rig) -> None:
    one = await loop(rig)
    await one.until_ready()
    one.asked.hold("commit")
    await one.press()
    await eventually_async(lambda: one.asked.named("commit"))
    await one.generator.die()
    failed = await rig.wait_for("trial", "failed")
    assert failed.header["details"]["code"] == "generator_unavailable"


async def test_a_picture_that_was_just_committed_is_waited_for(rig: Rig) -> None:
    one = await loop(rig)
    await one.until_ready()
    one.asked.errors["picture"] = GeneratorUnavailable("it is busy")
    swap = await one.change()
    asking = asyncio.create_task(rig.call("picture", sha256=swap["sha256"]))
    await eventually_async(lambda: len(one.asked.named("picture")) >= 2)
    assert not asking.done()
    del one.asked.errors["picture"]
    reply = await asking
    assert hashlib.sha256(reply.payloads[0]).hexdigest() == swap["sha256"]
    with pytest.raises(NotFound):
        await rig.ask("picture", sha256="0" * 64)


async def test_a_picture_on_view_that_nobody_has_ends_the_trial(rig: Rig) -> None:
    one = await loop(rig)
    await one.until_ready()
    one.asked.errors["picture"] = UnknownImage("it is not known")
    swap = await one.change()
    ended = (await rig.wait_for("trial", "end")).header["details"]
    assert ended["outcome"] == "interrupted"
    assert "the picture on view is lost" in ended["reason"]
    with pytest.raises(NotFound, match="gone with the generator"):
        await rig.ask("picture", sha256=swap["sha256"])


async def test_a_display_that_is_given_whole_pictures_goes_the_other_way(rig: Rig) -> None:
    one = await loop(rig, trigger={"name": "at_once"}, policy={"ahead": 3, "dwell_ms": 50.0}, catch_rate=1.0)
    await one.until_ready()
    await rig.show(takes_sectors=False)
    await rig.wait_for("trial", "view", 2)
    assert [each.header["details"]["takes_sectors"] for each in rig.of("trial", "view")] == [True, False]
    await eventually_async(lambda: len(one.asked.dropped) == 3)
    await rig.look(until=lambda: one.generator.asked)
    assert one.generator.asked[0][1] == PICTURE


async def test_a_display_that_had_them_ready_before_it_counted_need_not_say_so_again(rig: Rig) -> None:
    one = await loop(rig)
    state = await one.until_ready()
    await rig.show("second", takes_sectors=True)
    for each in state["prepared"]:
        asked = {"trial_id": one.trial_id, "frame": each["made"]}
        assert (await rig.ask("ready", display="second", **asked))["n"] is None
    await rig.ask("gone", display="d")
    await rig.wait_for("trial", "ready", 6)
    assert {each.header["details"]["display"] for each in rig.of("trial", "ready")[3:]} == {"second"}
    await one.until_ready()
    with pytest.raises(InvalidRequest, match="nothing of the id 99999"):
        await rig.ask("ready", display="second", trial_id=one.trial_id, frame="99999")
