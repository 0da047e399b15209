"""Changes that are made ahead: committed, each is the frame that ``generate`` would have made."""

from __future__ import annotations

import asyncio
import io
import random
import threading
from collections.abc import Awaitable, Callable, Iterable
from typing import Any

import numpy as np
import pytest
from PIL import Image

from services.generator import decode
from services.generator.preparing import kept
from shared import sectors
from shared.bus.envelope import Reply
from shared.errors import (
    Cancelled,
    GenerationFailed,
    GenerationTimeout,
    InvalidRequest,
    NotFound,
    ParafoveaError,
    QueueFull,
    Stale,
    UnknownImage,
)
from shared.ids import new_id
from shared.png_chunks import chunks
from tests.bus.generator.conftest import Rig
from tests.support.dependent import DependentEngine
from tests.support.waiting import eventually_async

SESSION = {"session_id": "s", "created_at": 12.5}
OF_THEIR_OWN = frozenset(
    {"frame_id", "epoch", "seq", "session_id", "session_created_at", "record_seq", "request_id", "client_id", "sha256"}
    | {"timestamp", "queued_ms", "generation_ms", "v", "id", "time", "monotonic_ns", "type"}
)
"""Fields in which a committed frame may differ from the one that ``generate`` makes."""

MakeRig = Callable[..., Awaitable[Rig]]


@pytest.fixture(params=["edit", "layer"])
async def each_rig(request: pytest.FixtureRequest, make_rig: MakeRig) -> Rig:
    return await make_rig(engine=DependentEngine(request.param))


@pytest.fixture
async def repainting(make_rig: MakeRig) -> Rig:
    return await make_rig(engine=DependentEngine("edit"))


@pytest.fixture
async def drawing(make_rig: MakeRig) -> Rig:
    return await make_rig(engine=DependentEngine("layer"))


def picture(seed: int = 0, width: int = 96, height: int = 96, **options: Any) -> bytes:
    file = io.BytesIO()
    pixels = np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(file, "png", **options)
    return file.getvalue()


async def prepare(rig: Rig, targets: Iterable[str], image: bytes = b"", **fields: Any) -> list[str]:
    """Ids of the changes that are prepared."""
    recipe = {"grid_size": 3, "prompt": "a bee", "seed": 7}
    recipe |= {name: fields.pop(name) for name in ("prompt", "seed", "focus_x", "focus_y") if name in fields}
    wanted = [{**recipe, "prepared_id": new_id(), "target_sector": target} for target in targets]
    await rig.ask("prepare", {"timeout_ms": 30_000, "wanted": wanted, **fields}, (image,))
    return [each["prepared_id"] for each in wanted]


async def told(rig: Rig, prepared_id: str) -> Reply:
    return await rig.ask("prepared", {"prepared_id": prepared_id})


async def state_of(rig: Rig, prepared_id: str, *states: str) -> dict[str, Any]:
    """Wait until it is in one of these states."""

    async def reached() -> bool:
        return (await told(rig, prepared_id)).body["state"] in states

    await eventually_async(reached)
    return (await told(rig, prepared_id)).body


async def commit(rig: Rig, prepared_id: str, **fields: Any) -> Reply:
    return await rig.ask("commit", {"prepared_id": prepared_id, "request_id": new_id(), "timeout_ms": 30_000, **fields})


def idat_and_colours(png: bytes) -> list[tuple[bytes, bytes]]:
    return [(name, bytes(png[start:stop])) for name, start, stop in chunks(png) if name != b"iTXt"]


def assert_as_generated(committed: Reply, generated: Reply) -> None:
    """Equal in all that the promise names."""
    one, other = ({**reply.body} for reply in (committed, generated))
    for name in OF_THEIR_OWN:
        one.pop(name, None), other.pop(name, None)
    assert one == other
    assert idat_and_colours(committed.payloads[0]) == idat_and_colours(generated.payloads[0])


async def generated(rig: Rig, like: Reply, image: bytes) -> Reply:
    """The frame that ``generate`` makes of a picture with the recipe of another frame."""
    names = ("grid_size", "target_sector", "focus_sector", "focus_x", "focus_y", "prompt", "seed")
    return await rig.generate(image, **{name: like.body[name] for name in names})


# -- the promise -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("session", [None, SESSION])
async def test_a_committed_frame_is_the_one_that_generate_makes(each_rig: Rig, session: Any) -> None:
    image = picture()
    (prepared,) = await prepare(each_rig, ["TL"], image, focus_x=0.5, focus_y=0.25)
    await state_of(each_rig, prepared, "ready")
    made = await commit(each_rig, prepared, session=session)
    assert_as_generated(made, await generated(each_rig, made, image))
    assert (made.body["session_id"], made.body["record_seq"]) == (("s", 0) if session else (None, None))
    published = await asyncio.wait_for(each_rig.subscriber.receive(), 10)
    assert published.payload == made.payloads[0]
    with pytest.raises(NotFound):
        await told(each_rig, prepared)


async def test_the_sector_laid_over_the_picture_is_the_frame(each_rig: Rig) -> None:

    image = picture(5, 240, 216, dpi=(300, 300))
    (prepared,) = await prepare(each_rig, ["MR"], image)
    await state_of(each_rig, prepared, "ready")
    reply = await told(each_rig, prepared)
    left, top, right, bottom = reply.body["region"]
    sector = decode.decode(reply.payloads[0])
    pixels = np.asarray(Image.open(io.BytesIO(image)).convert("RGB")).copy()
    pixels[top:bottom, left:right] = sector.pixels
    made = decode.decode((await commit(each_rig, prepared)).payloads[0])
    assert np.array_equal(pixels, made.pixels)
    assert sector.colour == made.colour


async def test_what_a_change_leaves_exact_goes_onto_the_new_picture(repainting: Rig) -> None:
    image = picture()
    ids = dict(zip(sectors.names(3), await prepare(repainting, sectors.names(3), image, view="wall"), strict=True))
    for each in ids.values():
        await state_of(repainting, each, "ready")
    first = await commit(repainting, ids.pop("TL"))
    states = {name: (await state_of(repainting, each, "ready", "stale")) for name, each in ids.items()}
    # A corner's change leaves exact whatever does not see it: all that is a sector away.
    assert {name for name, each in states.items() if each["state"] == "ready"} == {"TR", "MR", "BL", "BC", "BR"}
    assert {each["picture_sha256"] for each in states.values()} == {first.body["sha256"]}
    second = await commit(repainting, ids["BR"], on=first.body["sha256"])
    assert second.body["input_sha256"] == first.body["sha256"]
    assert_as_generated(second, await generated(repainting, second, first.payloads[0]))
    with pytest.raises(Stale):
        await commit(repainting, ids["TC"])
    assert (await told(repainting, ids["TC"])).body["state"] == "stale"


async def test_at_1024_a_corner_leaves_five_of_eight_exact(repainting: Rig) -> None:
    ids = dict(
        zip(
            sectors.names(3), await prepare(repainting, sectors.names(3), picture(1, 1024, 1024), view="v"), strict=True
        )
    )
    for each in ids.values():
        await state_of(repainting, each, "ready")
    await commit(repainting, ids.pop("BR"), with_picture=False)
    states = [(await state_of(repainting, each, "ready", "stale"))["state"] for each in ids.values()]
    assert states.count("ready") == 5


async def test_a_drawing_is_put_into_each_new_picture(drawing: Rig) -> None:
    image = picture()
    one, two, three = await prepare(drawing, ["TL", "TC", "MC"], image, view="wall")
    await state_of(drawing, one, "ready")
    first = await commit(drawing, one)
    second = await commit(drawing, two, on=first.body["sha256"])
    third = await commit(drawing, three)
    assert_as_generated(second, await generated(drawing, second, first.payloads[0]))
    assert_as_generated(third, await generated(drawing, third, second.payloads[0]))
    assert len(drawing.engine.started) == 3 + 2  # it drew each once, and generate two


async def test_a_drawing_that_is_wanted_again_is_not_drawn_again(drawing: Rig) -> None:
    (first,) = await prepare(drawing, ["TL"], picture(1))
    await state_of(drawing, first, "ready")
    (again,) = await prepare(drawing, ["TL"], picture(2))
    await state_of(drawing, again, "ready")
    assert len(drawing.engine.started) == 1
    made = await commit(drawing, again)
    assert_as_generated(made, await generated(drawing, made, picture(2)))


async def test_a_chain_by_hash_is_the_chain_of_pictures(each_rig: Rig) -> None:
    image, by_hash, by_bytes = picture(), "", picture()
    for number, target in enumerate(["TL", "MC", "BR", "TL"]):
        fields = {"grid_size": 3, "target_sector": target, "seed": number}
        sent = await each_rig.generate(by_bytes, **fields)
        named = await each_rig.generate(b"" if by_hash else image, image_sha256=by_hash or None, **fields)
        assert idat_and_colours(sent.payloads[0]) == idat_and_colours(named.payloads[0])
        by_hash, by_bytes = named.body["sha256"], sent.payloads[0]
        # What is kept of a frame is what would be read of it.
        known = each_rig.generator.pictures.get(by_hash)
        assert known is not None
        read = decode.decode(named.payloads[0])
        assert np.array_equal(known.decoded.pixels, read.pixels)
        assert (known.decoded.icc_profile, known.decoded.colour) == (read.icc_profile, read.colour)
        given = await each_rig.ask("picture", {"sha256": by_hash})
        assert given.payloads[0] == named.payloads[0]


@pytest.mark.parametrize("kind", ["edit", "layer"])
async def test_random_chains(make_rig: MakeRig, kind: str) -> None:
    rig = await make_rig(engine=DependentEngine(kind))
    chance = random.Random(11)
    shown, sha256 = picture(3, 130, 101), None
    waiting: dict[str, str] = {}
    compared = 0
    for _ in range(60):
        names = [name for name in sectors.names(3) if name not in waiting.values()]
        targets = chance.sample(names, min(len(names), chance.randint(0, 3)))
        if targets:
            named = {"image_sha256": sha256} if sha256 and chance.random() < 0.8 else {}
            seed = chance.randrange(1000)
            ids = await prepare(rig, targets, b"" if named else shown, view="v", seed=seed, **named)
            waiting.update(zip(ids, targets, strict=True))
        if not waiting:
            continue
        chosen = chance.choice(list(waiting))
        del waiting[chosen]
        try:
            made = await commit(rig, chosen, **({"on": sha256} if sha256 and chance.random() < 0.5 else {}))
        except Stale:
            continue
        assert_as_generated(made, await generated(rig, made, shown))
        shown, sha256 = made.payloads[0], made.body["sha256"]
        compared += 1
    assert compared > 20


# -- views -------------------------------------------------------------------------------------------------------------


async def test_a_commit_names_the_picture_that_it_goes_onto(each_rig: Rig) -> None:
    one, two = await prepare(each_rig, ["TL", "BR"], picture(), view="wall")
    first = await commit(each_rig, one)
    with pytest.raises(Stale, match="another picture"):
        await commit(each_rig, two, on=first.body["input_sha256"])
    second = await commit(each_rig, two, on=first.body["sha256"])
    assert second.body["input_sha256"] == first.body["sha256"]


async def test_of_two_commits_of_one_view_at_once_the_second_is_refused(each_rig: Rig) -> None:
    image = picture()
    one, two = await prepare(each_rig, ["TL", "BR"], image, view="wall")
    for each in (one, two):
        shown = (await state_of(each_rig, each, "ready"))["picture_sha256"]
    both = await asyncio.gather(
        commit(each_rig, one, on=shown), commit(each_rig, two, on=shown), return_exceptions=True
    )
    assert sorted(type(each).__name__ for each in both) == ["Reply", "Stale"]


async def test_one_change_is_committed_once(each_rig: Rig) -> None:
    (one,) = await prepare(each_rig, ["TL"], picture())
    await state_of(each_rig, one, "ready")
    both = await asyncio.gather(commit(each_rig, one), commit(each_rig, one), return_exceptions=True)
    assert sorted(type(each).__name__ for each in both) == ["NotFound", "Reply"]


async def test_without_a_view_each_goes_onto_the_picture_that_it_was_prepared_for(each_rig: Rig) -> None:
    image = picture()
    one, two = await prepare(each_rig, ["TL", "TC"], image)
    first, second = await commit(each_rig, one), await commit(each_rig, two)
    assert first.body["input_sha256"] == second.body["input_sha256"]
    assert_as_generated(second, await generated(each_rig, second, image))


async def test_without_a_view_a_change_may_go_onto_another_known_picture(each_rig: Rig) -> None:
    one, two = await prepare(each_rig, ["TL", "BR"], picture())
    first = await commit(each_rig, one)
    second = await commit(each_rig, two, on=first.body["sha256"])
    assert_as_generated(second, await generated(each_rig, second, first.payloads[0]))
    (three,) = await prepare(each_rig, ["BL"], picture())
    with pytest.raises(UnknownImage):
        await commit(each_rig, three, on="0" * 64)


async def test_a_view_that_shows_an_older_picture_again_is_believed(each_rig: Rig) -> None:
    image = picture()
    one, two = await prepare(each_rig, ["TL", "BR"], image, view="wall")
    first = await commit(each_rig, one)
    await state_of(each_rig, two, "ready")
    (three,) = await prepare(each_rig, ["BL"], view="wall", image_sha256=first.body["input_sha256"])
    assert (await state_of(each_rig, two, "ready"))["picture_sha256"] == first.body["input_sha256"]
    made = await commit(each_rig, two)
    assert_as_generated(made, await generated(each_rig, made, image))
    assert (await state_of(each_rig, three, "ready"))["picture_sha256"] == made.body["sha256"]


async def test_a_picture_of_another_size_makes_all_stale(each_rig: Rig) -> None:
    one, two = await prepare(each_rig, ["TL", "BR"], picture(), view="wall")
    await state_of(each_rig, one, "ready")
    await prepare(each_rig, ["BL"], picture(1, 128, 96), view="wall")
    assert (await state_of(each_rig, one, "stale"))["detail"]
    with pytest.raises(Stale):
        await commit(each_rig, two)


async def test_what_waits_for_its_turn_is_made_of_the_new_picture(repainting: Rig) -> None:
    one, two = await prepare(repainting, ["TL", "BR"], picture(), view="wall")
    await state_of(repainting, one, "ready")
    await state_of(repainting, two, "ready")
    repainting.engine.gate.clear()
    (waits,) = await prepare(repainting, ["MC"], picture(), view="other")
    await state_of(repainting, waits, "running")
    (three,) = await prepare(
        repainting, ["TL"], image_sha256=(await told(repainting, one)).body["picture_sha256"], view="wall"
    )
    assert (await told(repainting, three)).body["state"] == "queued"
    first = await commit(repainting, one)
    repainting.engine.gate.set()
    made = await commit(repainting, three)
    assert made.body["input_sha256"] == first.body["sha256"]
    assert_as_generated(made, await generated(repainting, made, first.payloads[0]))


async def test_a_lease_ends_and_each_call_renews_it(each_rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept, "LEASE_S", 3600.0)
    one, two = await prepare(each_rig, ["TL", "BR"], picture(), view="wall")
    (alone,) = await prepare(each_rig, ["TL"], picture())
    (asked,) = await prepare(each_rig, ["TL"], picture())
    for each in (one, two, alone, asked):
        await state_of(each_rig, each, "ready")
    preparations = each_rig.generator.preparations
    # As if each had last been asked about a long time ago, but for one of them.
    preparations.kept.views["wall"].expires = 0.0
    for each in preparations.kept.all():
        each.expires = 0.0
    await told(each_rig, asked)

    async def are_gone() -> bool:
        return [each.prepared_id for each in preparations.kept.all()] == [asked]

    await eventually_async(are_gone)
    assert not preparations.kept.views
    with pytest.raises(NotFound):
        await commit(each_rig, one)


# -- what goes wrong ---------------------------------------------------------------------------------------------------


async def test_one_that_fails_says_why_and_the_others_go_on(each_rig: Rig) -> None:
    each_rig.engine.error = ValueError("no")
    one, two = await prepare(each_rig, ["TL", "BR"], picture())
    failed = await state_of(each_rig, one, "failed")
    assert (failed["code"], "ValueError" in failed["detail"]) == ("generation_failed", True)
    with pytest.raises(GenerationFailed, match="ValueError"):
        await commit(each_rig, one)
    await commit(each_rig, two)


async def test_a_commit_waits_for_what_is_being_made(each_rig: Rig) -> None:
    each_rig.engine.gate.clear()
    (one,) = await prepare(each_rig, ["TL"], picture())
    with pytest.raises(GenerationTimeout):
        await commit(each_rig, one, timeout_ms=50)
    waiting = asyncio.create_task(commit(each_rig, one))
    each_rig.engine.error = GenerationFailed("it fell over")
    each_rig.engine.gate.set()
    with pytest.raises(GenerationFailed, match="fell over"):
        await waiting


async def test_one_that_is_given_up_is_gone_and_its_run_stops(each_rig: Rig) -> None:
    each_rig.engine.gate.clear()
    one, two = await prepare(each_rig, ["TL", "BR"], picture())
    await state_of(each_rig, one, "running")
    for each in (two, one):
        await each_rig.ask("prepared.drop", {"prepared_id": each})
        with pytest.raises(NotFound):
            await told(each_rig, each)
    each_rig.engine.gate.set()
    assert (await each_rig.generate(picture())).body["seq"] == 0
    assert len(each_rig.engine.started) == 2


async def test_live_requests_go_first_and_background_ones_last(each_rig: Rig) -> None:
    each_rig.engine.gate.clear()
    (first,) = await prepare(each_rig, ["TL"], picture(), prompt="first")
    await state_of(each_rig, first, "running")
    background = asyncio.create_task(each_rig.generate(picture(), prompt="background", priority="background"))
    await eventually_async(lambda: _waits(each_rig, 1))
    (second,) = await prepare(each_rig, ["BR"], picture(), prompt="second")
    live = asyncio.create_task(each_rig.generate(picture(), prompt="live"))
    await eventually_async(lambda: _waits(each_rig, 3))
    each_rig.engine.gate.set()
    await asyncio.gather(live, background)
    await state_of(each_rig, second, "ready")
    assert each_rig.engine.started == ["first", "live", "second", "background"]


async def _waits(rig: Rig, count: int) -> bool:
    return len((await rig.ask("status")).body["waiting"]) == count


async def test_newer_ones_take_the_place_of_older_ones_of_the_view(each_rig: Rig) -> None:
    (one,) = await prepare(each_rig, ["TL"], picture(), view="wall")
    (other,) = await prepare(each_rig, ["TL"], picture(), view="other")
    (new,) = await prepare(each_rig, ["BR"], picture(), view="wall", supersede=True)
    with pytest.raises(NotFound):
        await told(each_rig, one)
    await state_of(each_rig, other, "ready")
    await state_of(each_rig, new, "ready")


async def test_more_than_can_be_kept_are_refused_whole(each_rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept, "MOST", 4)
    await prepare(each_rig, ["TL", "TC", "TR"], picture())
    with pytest.raises(QueueFull):
        await prepare(each_rig, ["TL", "TC"], picture())
    assert len(each_rig.generator.preparations.kept.all()) == 3


@pytest.mark.parametrize(
    ("changed", "error"),
    [
        ({"image_sha256": "0" * 64}, UnknownImage),
        ({"wanted": []}, InvalidRequest),
        (
            {"wanted": [{"prepared_id": "a", "grid_size": 2, "target_sector": "MC", "prompt": "", "seed": 1}]},
            InvalidRequest,
        ),
        (
            {"wanted": [{"prepared_id": "a", "grid_size": 3, "target_sector": "MC", "prompt": "", "seed": 1}] * 2},
            InvalidRequest,
        ),
    ],
)
async def test_what_cannot_be_prepared(each_rig: Rig, changed: dict[str, Any], error: type[ParafoveaError]) -> None:
    wanted = [{"prepared_id": "a", "grid_size": 3, "target_sector": "MC", "prompt": "", "seed": 1}]
    with pytest.raises(error):
        await each_rig.ask("prepare", {"timeout_ms": 1000.0, "wanted": wanted, **changed}, (picture(),))
    assert not each_rig.generator.preparations.kept.all()


async def test_each_state_is_told_on_the_bus(each_rig: Rig) -> None:
    one, two = await prepare(each_rig, ["TL", "TC"], picture(), view="wall", client_id="lab")
    await state_of(each_rig, one, "ready")
    await state_of(each_rig, two, "ready")
    made = await commit(each_rig, one)
    heard: list[tuple[str, str]] = []
    while not any(state == "committed" for _, state in heard):
        message = await asyncio.wait_for(each_rig.watcher.receive(), 10)
        if message.type == "prepared":
            heard.append((message.header["prepared_id"], message.header["state"]))
            last = message.header
    assert [state for each, state in heard if each == one] == ["queued", "running", "composing", "ready", "committed"]
    assert (last["view"], last["client_id"], last["frame_sha256"]) == ("wall", "lab", made.body["sha256"])


async def test_a_picture_that_something_is_prepared_for_stays_known(each_rig: Rig) -> None:
    image = picture(21)
    (one,) = await prepare(each_rig, ["TL"], image)
    each_rig.generator.pictures._kept.clear()  # as if a thousand others had come
    sha256 = (await told(each_rig, one)).body["picture_sha256"]
    made = await each_rig.generate(b"", image_sha256=sha256)
    assert made.body["input_sha256"] == sha256
    await each_rig.ask("prepared.drop", {"prepared_id": one})
    each_rig.generator.pictures._kept.clear()
    with pytest.raises(UnknownImage):
        await each_rig.generate(b"", image_sha256=sha256)


async def test_an_input_named_by_its_hash_is_there_for_the_recorder(each_rig: Rig) -> None:
    first = await each_rig.generate(picture(), session=SESSION)
    second = await each_rig.generate(
        b"", image_sha256=first.body["sha256"], session={"session_id": "other", "created_at": 13.5}
    )
    given = await each_rig.ask("input", {"sha256": second.body["input_sha256"]})
    assert (given.payloads[0], given.body["format"]) == (first.payloads[0], "png")


async def test_a_commit_is_not_undone_by_what_was_asked_before_it(
    each_rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    (one,) = await prepare(each_rig, ["TL"], picture(), view="wall")
    await state_of(each_rig, one, "ready")
    began, held, read = threading.Event(), threading.Event(), decode.decode

    def slow(data: bytes) -> decode.DecodedImage:
        began.set()
        assert held.wait(30)
        return read(data)

    monkeypatch.setattr(decode, "decode", slow)
    late = asyncio.create_task(prepare(each_rig, ["BR"], picture(22), view="wall"))
    await asyncio.to_thread(began.wait, 30)
    made = await commit(each_rig, one)
    held.set()
    (two,) = await late
    assert (await state_of(each_rig, two, "ready"))["picture_sha256"] == made.body["sha256"]


async def test_a_commit_that_waits_can_be_cancelled(each_rig: Rig) -> None:
    each_rig.engine.gate.clear()
    (one,) = await prepare(each_rig, ["TL"], picture())
    waiting = asyncio.create_task(commit(each_rig, one, request_id="gone"))

    async def is_cancelled() -> bool:
        return (await each_rig.ask("cancel", {"request_id": "gone"})).body["found"] == "queued"

    await eventually_async(is_cancelled)
    with pytest.raises(Cancelled):
        await waiting
    each_rig.engine.gate.set()
    await state_of(each_rig, one, "ready")
    assert (await commit(each_rig, one)).body["seq"] == 0
