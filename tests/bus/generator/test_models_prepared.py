"""Changes made ahead while another model begins to make frames: none becomes a frame that it would not make."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace

import pytest

from services.generator.engine import OnLoading
from shared.errors import Stale
from tests.bus.generator.conftest import Rig
from tests.bus.generator.test_models import Shelf, change, made_by, state
from tests.bus.generator.test_preparing import commit, picture, prepare, state_of
from tests.support.dependent import DependentEngine
from tests.support.waiting import eventually_async

MakeRig = Callable[..., Awaitable[Rig]]


class DependentShelf(Shelf):
    """Models of one kind: ``edit`` or ``layer``."""

    def __init__(self, kind: str) -> None:
        super().__init__(2)
        self.kind = kind
        self.made: dict[str, DependentEngine] = {}

    def load(self, name: str, on_loading: OnLoading) -> DependentEngine:  # type: ignore[override]
        self.loaded.append(name)
        engine = self.made[name] = DependentEngine(self.kind)
        engine.info = replace(engine.info, model=engine.info.model.model_copy(update={"id": name, "revision": name}))
        return engine


@pytest.fixture(params=["edit", "layer"])
def shelf(request: pytest.FixtureRequest) -> DependentShelf:
    return DependentShelf(request.param)


async def ready(rig: Rig, target: str, image: bytes, **fields: object) -> str:
    (prepared,) = await prepare(rig, [target], image, **fields)
    await state_of(rig, prepared, "ready")
    return prepared


async def test_what_one_model_has_drawn_is_no_other_ones_drawing(make_rig: MakeRig) -> None:
    shelf, image = DependentShelf("layer"), picture()
    rig = await make_rig(models=shelf)
    first = await commit(rig, await ready(rig, "TL", image))
    await change(rig, "b")
    second = await commit(rig, await ready(rig, "TL", image))
    assert [made.body["model"]["id"] for made in (first, second)] == ["a", "b"]
    await change(rig, "a")
    third = await commit(rig, await ready(rig, "TL", image))
    assert third.body["model"]["id"] == "a"
    assert shelf.made["a"].started == [], "it was drawn before"


@pytest.mark.parametrize("fields", [{}, {"view": "wall"}])
async def test_what_was_ready_is_stale_once_another_model_makes_frames(
    make_rig: MakeRig, shelf: DependentShelf, fields: dict[str, str]
) -> None:
    rig, image = await make_rig(models=shelf), picture()
    before = await ready(rig, "TL", image, **fields)
    await change(rig, "b")
    told = await state_of(rig, before, "stale")
    assert told["detail"] == "another model makes pictures now"
    with pytest.raises(Stale, match="another model makes pictures now"):
        await commit(rig, before)
    after = await commit(rig, await ready(rig, "TL", image, **fields))
    assert after.body["model"]["id"] == "b"


async def test_what_waits_is_made_by_the_new_model(make_rig: MakeRig, shelf: DependentShelf) -> None:
    rig, image = await make_rig(models=shelf), picture()
    shelf.made["a"].gate.clear()
    runs, waits = await prepare(rig, ["TL", "BR"], image)
    await state_of(rig, runs, "running")
    await rig.ask("model.change", {"model": "b"})

    async def is_next() -> bool:
        return ((await state(rig))["loading"] or {}).get("detail") == "Waiting to load b."

    await eventually_async(is_next)
    shelf.made["a"].gate.set()
    await state_of(rig, runs, "stale")
    await state_of(rig, waits, "ready")
    assert (await commit(rig, waits)).body["model"]["id"] == "b"
    assert (len(shelf.made["a"].started), len(shelf.made["b"].started)) == (1, 1)


async def test_a_run_that_ends_after_another_model_took_over_is_stale(make_rig: MakeRig, shelf: DependentShelf) -> None:
    rig = await make_rig(models=shelf)
    shelf.made["a"].gate.clear()
    (runs,) = await prepare(rig, ["TL"], picture())
    await state_of(rig, runs, "running")
    info = shelf.made["a"].info
    other = replace(info, model=info.model.model_copy(update={"revision": "b"}))
    rig.generator.preparations._model = lambda: other
    shelf.made["a"].gate.set()
    await state_of(rig, runs, "stale")


async def test_the_same_model_loaded_anew_keeps_what_is_ready(make_rig: MakeRig, shelf: DependentShelf) -> None:
    rig = await make_rig(models=shelf)
    prepared = await ready(rig, "TL", picture())
    await change(rig, "a")
    assert await made_by(rig) == "a"
    assert (await commit(rig, prepared)).body["model"]["id"] == "a"
