"""Another model while the generator runs: what is in memory, what waits, and what fails. Models are stand-ins."""

from __future__ import annotations

import asyncio
import gc
import threading
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from services.generator.engine import OnLoading
from services.generator.models.files import ModelError
from shared.errors import GeneratorLoading, GeneratorUnavailable, InvalidRequest
from tests.bus.generator.conftest import Rig, SteeredEngine
from tests.support.waiting import eventually_async


class Shelf:
    """Models that can be used, ``bad``, and ``unfetched``. ``fits``: how many fit into memory together."""

    first = "a"

    def __init__(self, fits: int = 2) -> None:
        self.fits = fits
        self.fetched: list[str] = []
        self.loaded: list[str] = []
        self.closed: list[str] = []
        self.fetching = threading.Event()
        self.fetching.set()
        self.engines: dict[str, SteeredEngine] = {}

    def names(self) -> tuple[str, ...]:
        return "a", "b", "c", "bad", "unfetched"

    def check(self, name: str) -> None:
        if name not in self.names():
            raise InvalidRequest(f"no {name}")

    def fetch(self, name: str, on_loading: OnLoading) -> None:
        on_loading("Fetching.", 1, 4)
        self.fetched.append(name)
        assert self.fetching.wait(10)
        if name == "unfetched":
            raise ModelError("it is not there")

    def fits_beside(self, name: str) -> bool:
        return len(self.loaded) - len(self.closed) < self.fits

    def load(self, name: str, on_loading: OnLoading) -> SteeredEngine:
        if name == "bad":
            raise ModelError("it is broken")
        on_loading("Loading.", 0, 0)
        self.loaded.append(name)
        engine = SteeredEngine()
        engine.info = replace(engine.info, model=engine.info.model.model_copy(update={"id": name, "revision": name}))
        engine.gate.set()
        close = engine.close

        def closed() -> None:
            self.closed.append(name)
            close()

        engine.close = closed  # type: ignore[method-assign]
        self.engines[name] = engine
        return engine


async def state(rig: Rig) -> dict[str, Any]:
    return dict((await rig.ask("model")).body)


async def until(rig: Rig, name: str) -> None:
    async def is_there() -> bool:
        now = await state(rig)
        return bool(now["name"] == name and now["loading"] is None)

    await eventually_async(is_there)


async def change(rig: Rig, name: str) -> None:
    await rig.ask("model.change", {"model": name})
    await until(rig, name)


async def made_by(rig: Rig, **fields: Any) -> str:
    return str((await rig.generate(**fields)).body["model"]["id"])


@pytest.mark.parametrize("fits", [1, 2])
async def test_the_new_model_makes_frames_and_the_old_one_goes(make_rig: Callable[..., Any], fits: int) -> None:
    shelf = Shelf(fits)
    rig = await make_rig(models=shelf)
    assert await made_by(rig) == "a"
    await change(rig, "b")
    assert await made_by(rig) == "b"
    assert shelf.closed == ["a"]
    assert (await state(rig))["resident"] == ["b"]


async def test_while_a_model_is_fetched_the_old_one_goes_on_and_bytes_are_told(make_rig: Callable[..., Any]) -> None:
    shelf = Shelf()
    rig = await make_rig(models=shelf)
    shelf.fetching.clear()
    await rig.ask("model.change", {"model": "b"})

    async def is_told() -> bool:
        status = (await rig.ask("status")).body
        return status["loading"] == {"model": "b", "detail": "Fetching.", "done_bytes": 1, "bytes": 4}

    await eventually_async(is_told)
    assert (await rig.ask("status")).body["state"] == "ready"
    assert await made_by(rig) == "a"
    shelf.fetching.set()
    await until(rig, "b")


@pytest.mark.parametrize("fits", [1, 2])
async def test_a_model_that_cannot_be_loaded_leaves_the_old_one(make_rig: Callable[..., Any], fits: int) -> None:
    shelf = Shelf(fits)
    rig = await make_rig(models=shelf)
    await rig.ask("model.change", {"model": "bad"})

    async def is_said() -> bool:
        return "it is broken" in ((await state(rig))["failure"] or "")

    await eventually_async(is_said)
    assert await made_by(rig) == "a"
    assert shelf.loaded == (["a", "a"] if fits == 1 else ["a"]), "it had made room, and came back"
    await change(rig, "b")
    assert (await state(rig))["failure"] is None


async def test_a_generator_whose_first_model_fails_takes_another(make_rig: Callable[..., Any]) -> None:
    shelf = Shelf()
    shelf.first = "bad"
    rig = await make_rig(models=shelf)
    assert (await rig.ask("status")).body["state"] == "failed"
    with pytest.raises(GeneratorUnavailable, match="it is broken"):
        await rig.generate()
    await change(rig, "b")
    assert (await rig.ask("status")).body["state"] == "ready"
    assert await made_by(rig) == "b"


async def test_what_waits_is_kept(make_rig: Callable[..., Any]) -> None:
    shelf = Shelf(1)
    rig = await make_rig(models=shelf)
    shelf.engines["a"].gate.clear()
    waiting = [asyncio.create_task(made_by(rig)) for _ in range(4)]

    async def all_wait() -> bool:
        status = (await rig.ask("status")).body
        return bool(status["running"] and status["queue"] == 3)

    await eventually_async(all_wait)
    await rig.ask("model.change", {"model": "b"})

    async def is_next() -> bool:
        return ((await state(rig))["loading"] or {}).get("detail") == "Waiting to load b."

    await eventually_async(is_next)
    shelf.engines["a"].gate.set()
    assert sorted(await asyncio.gather(*waiting)) == ["a", "b", "b", "b"]


async def test_of_several_changes_the_last_one_holds(make_rig: Callable[..., Any]) -> None:
    shelf = Shelf()
    rig = await make_rig(models=shelf)
    shelf.fetching.clear()
    for name in ("b", "c", "b", "c"):
        await rig.ask("model.change", {"model": name})
    shelf.fetching.set()
    await until(rig, "c")
    assert await made_by(rig) == "c"


async def test_one_that_may_not_be_asked_for_is_refused(make_rig: Callable[..., Any]) -> None:
    rig = await make_rig(models=Shelf())
    for kind in ("model.change", "model.have"):
        with pytest.raises(InvalidRequest):
            await rig.ask(kind, {"model": "/etc"})
    assert (await state(rig))["name"] == "a"


async def had(rig: Rig, name: str) -> dict[str, Any]:
    async def is_had() -> dict[str, Any] | None:
        try:
            return dict((await rig.ask("model.have", {"model": name})).body)
        except GeneratorLoading:
            return None

    return dict(await eventually_async(is_had))


async def test_background_jobs_have_a_model_of_their_own(make_rig: Callable[..., Any]) -> None:
    shelf = Shelf(2)
    rig = await make_rig(models=shelf)
    assert (await had(rig, "b"))["model"]["id"] == "b"
    jobs = [made_by(rig, priority="background", model="b"), made_by(rig), made_by(rig, priority="background")]
    assert await asyncio.gather(*jobs) == ["b", "a", "a"]
    assert shelf.loaded == ["a", "b"]
    assert (await state(rig))["name"] == "a"


CALM = "services.generator.inference.CALM_S"


async def test_where_one_fits_live_frames_get_their_model_back_at_once(
    make_rig: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    shelf = Shelf(1)
    rig = await make_rig(models=shelf)
    assert await made_by(rig) == "a"
    monkeypatch.setattr(CALM, 0.0)
    assert (await had(rig, "b"))["model"]["id"] == "b"
    monkeypatch.setattr(CALM, 1000.0)
    assert await made_by(rig) == "a", "a live request does not wait for the background"
    background = asyncio.create_task(made_by(rig, priority="background", model="b"))
    assert [await made_by(rig) for _ in range(3)] == ["a"] * 3
    assert shelf.loaded == ["a", "b", "a"]
    monkeypatch.setattr(CALM, 0.0)
    assert await background == "b"
    assert shelf.loaded == ["a", "b", "a", "b"], "it was put in once nobody had asked for a while"


async def test_one_that_cannot_be_had_is_said_once_and_may_be_tried_again(make_rig: Callable[..., Any]) -> None:
    rig = await make_rig(models=Shelf())

    async def is_said() -> bool:
        with pytest.raises(GeneratorUnavailable, match="it is broken"):
            await rig.ask("model.have", {"model": "bad"})
        return True

    with pytest.raises(GeneratorLoading):
        await rig.ask("model.have", {"model": "bad"})
    await eventually_async(lambda: _no_error(is_said))
    with pytest.raises(GeneratorLoading):
        await rig.ask("model.have", {"model": "bad"})
    assert await made_by(rig) == "a"


async def test_one_that_cannot_be_fetched_is_not_on_its_way_any_more(make_rig: Callable[..., Any]) -> None:
    rig = await make_rig(models=Shelf())

    async def is_said() -> bool:
        with pytest.raises(GeneratorUnavailable, match="it is not there"):
            await rig.ask("model.have", {"model": "unfetched"})
        return True

    await eventually_async(lambda: _no_error(is_said))
    status = (await rig.ask("status")).body
    assert (status["state"], status["loading"]) == ("ready", None)


async def test_one_whose_size_cannot_be_told_is_in_the_log(
    make_rig: Callable[..., Any], caplog: pytest.LogCaptureFixture
) -> None:
    shelf = Shelf()
    rig = await make_rig(models=shelf)

    def fail(name: str) -> bool:
        raise ModelError(f"{name} is damaged")

    shelf.fits_beside = fail  # type: ignore[method-assign]

    async def is_said() -> bool:
        with pytest.raises(GeneratorUnavailable, match="b is damaged"):
            await rig.ask("model.have", {"model": "b"})
        return True

    await eventually_async(lambda: _no_error(is_said))
    assert "b could not be loaded: b is damaged" in caplog.text


async def test_a_model_for_the_background_is_fetched_once(make_rig: Callable[..., Any]) -> None:
    shelf = Shelf(2)
    rig = await make_rig(models=shelf)
    await had(rig, "b")
    assert shelf.fetched == ["a", "b"]


async def test_what_is_on_its_way_is_told_while_another_waits_for_calm(
    make_rig: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(CALM, 1000.0)
    monkeypatch.setattr("services.generator.residents.LOOK_S", 0.001)
    shelf = Shelf(1)
    rig = await make_rig(models=shelf)
    assert await made_by(rig) == "a"
    with pytest.raises(GeneratorLoading):
        await rig.ask("model.have", {"model": "b"})

    async def waits() -> bool:
        return "b" in shelf.fetched and (await state(rig))["loading"] is None

    await eventually_async(waits)
    shelf.fetching.clear()
    await rig.ask("model.change", {"model": "c"})
    told = [(await state(rig))["loading"] for _ in range(30)]
    shelf.fetching.set()
    assert all(each is not None and each["model"] == "c" for each in told), told
    await until(rig, "c")


async def test_what_is_in_memory_is_set_aside_again_after_a_change(make_rig: Callable[..., Any]) -> None:
    """Else each full collection of garbage looks through the whole model, on the time of live frames."""
    rig = await make_rig(models=Shelf(1))
    try:
        await change(rig, "b")
        assert gc.get_freeze_count() > 0
    finally:
        gc.unfreeze()


async def _no_error(said: Callable[[], Any]) -> bool:
    try:
        return bool(await said())
    except GeneratorLoading:
        return False


async def test_a_model_for_the_background_takes_no_turn_from_live_frames(
    make_rig: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(CALM, 1000.0)
    shelf = Shelf(1)
    rig = await make_rig(models=shelf)
    for _ in range(5):
        assert await made_by(rig) == "a"
        with pytest.raises(GeneratorLoading):
            await rig.ask("model.have", {"model": "b"})
    assert shelf.loaded == ["a"], "somebody asks for frames all the time"
    monkeypatch.setattr(CALM, 0.0)
    assert (await had(rig, "b"))["model"]["id"] == "b"
    assert await made_by(rig) == "a"
    assert (await had(rig, "b"))["model"]["id"] == "b", "what it is, is known, whether it is in memory or not"
    assert shelf.loaded == ["a", "b", "a"]


async def test_a_model_that_cannot_come_back_is_not_said_to_be_ready(make_rig: Callable[..., Any]) -> None:
    shelf = Shelf(1)
    rig = await make_rig(models=shelf)
    assert await made_by(rig) == "a"
    load = shelf.load

    def fail(name: str, on_loading: OnLoading) -> SteeredEngine:
        raise ModelError(f"{name} is gone")

    shelf.load = fail  # type: ignore[method-assign]
    await rig.ask("model.change", {"model": "b"})

    async def is_said() -> bool:
        return bool((await rig.ask("status")).body["state"] == "failed")

    await eventually_async(is_said)
    now = await state(rig)
    assert (now["resident"], now["failure"]) == ([], "b is gone")
    assert (await rig.ask("status")).body["detail"] == "a is gone"
    shelf.load = load  # type: ignore[method-assign]
    await change(rig, "b")
    assert await made_by(rig) == "b"
