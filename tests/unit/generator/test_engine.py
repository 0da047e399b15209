"""The engine's contract, for each kind of model, on tiny pipelines loaded as real ones are."""

from __future__ import annotations

import gc
import logging
import weakref
from collections.abc import Callable
from dataclasses import dataclass, fields, replace

import numpy as np
import pytest
import torch

from services.generator.engine import Edit, EditCancelled, Edited, Pixels, edited_picture
from services.generator.models.painters import work_size
from services.generator.models.running import DiffusersEngine
from services.generator.models.tiny import TinyKind
from services.generator.painting.inputs import make_inputs
from shared import sectors
from shared.errors import GenerationFailed
from shared.sectors import Region
from shared.version import VERSION

KINDS: tuple[TinyKind, ...] = ("inpaint", "edit", "layer", "text")
EngineOf = Callable[[TinyKind], DiffusersEngine]


@dataclass(frozen=True, kw_only=True)
class Whole(Edited):
    """What came of an edit, and the whole picture with it."""

    pixels: Pixels


def run(engine: DiffusersEngine, edit: Edit, cancelled: Callable[[], bool] = lambda: False) -> Whole:
    edited = engine.run(edit, lambda done, total: None, cancelled)
    values = {each.name: getattr(edited, each.name) for each in fields(edited)}
    return Whole(**values, pixels=edited_picture(edit, edited))


def edit(pixels: Pixels, seed: int = 1, prompt: str = "a red apple", **values: object) -> Edit:
    region = sectors.region("BR", 3, pixels.shape[1], pixels.shape[0])
    return Edit(pixels, region, prompt, seed, **values)  # type: ignore[arg-type]


def outside(region: Region, pixels: Pixels) -> np.ndarray:
    mask = np.ones(pixels.shape[:2], bool)
    mask[region.slices] = False
    return mask


@pytest.fixture
def pipeline(engine_of: EngineOf) -> object:
    return engine_of("inpaint").denoiser.pipeline


@pytest.mark.parametrize("kind", KINDS)
def test_only_the_target_changes_and_the_same_seed_gives_the_same(
    engine_of: EngineOf, photo: Pixels, kind: TinyKind
) -> None:
    engine, before = engine_of(kind), photo.copy()
    first, again, other = (run(engine, edit(photo, seed)) for seed in (7, 7, 8))
    mask = outside(edit(photo).region, photo)
    assert np.array_equal(photo, before)
    assert np.array_equal(first.pixels[mask], photo[mask])
    assert not np.array_equal(first.pixels, photo)
    assert first.pixels.dtype == np.uint8
    assert np.array_equal(first.pixels, again.pixels)
    assert not np.array_equal(first.pixels, other.pixels)


@pytest.mark.parametrize("kind", ["inpaint", "edit", "text"])
def test_inputs_made_ahead_give_the_same_picture(engine_of: EngineOf, photo: Pixels, kind: TinyKind) -> None:
    engine, plain = engine_of(kind), edit(photo)
    inputs = make_inputs(photo, plain.region, work_size(engine.denoiser))
    assert np.array_equal(run(engine, replace(plain, inputs=inputs)).pixels, run(engine, plain).pixels)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("width", "height"), [(64, 64), (65, 131), (401, 64), (64, 399)])
def test_any_size(engine_of: EngineOf, kind: TinyKind, width: int, height: int) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)
    for name in ("TL", "MC", "BR"):
        region = sectors.region(name, 3, width, height)
        edited = run(engine_of(kind), Edit(pixels, region, "a fox", 3, steps=1))
        mask = outside(region, pixels)
        assert edited.pixels.shape == pixels.shape
        assert np.array_equal(edited.pixels[mask], pixels[mask])


@pytest.mark.parametrize("kind", KINDS)
def test_each_step_is_told(engine_of: EngineOf, photo: Pixels, kind: TinyKind) -> None:
    told: list[tuple[int, int]] = []
    engine_of(kind).run(edit(photo, steps=3), lambda done, total: told.append((done, total)), lambda: False)
    assert told == [(1, 3), (2, 3), (3, 3)]


@pytest.mark.parametrize("kind", KINDS)
def test_a_cancel_stops_after_the_step_and_the_next_run_is_as_ever(
    engine_of: EngineOf, photo: Pixels, kind: TinyKind
) -> None:
    engine = engine_of(kind)
    expected = run(engine, edit(photo))
    told: list[int] = []
    with pytest.raises(EditCancelled):
        engine.run(edit(photo), lambda done, total: told.append(done), lambda: len(told) >= 2)
    assert told == [1, 2]
    assert np.array_equal(run(engine, edit(photo)).pixels, expected.pixels)


def test_a_job_cancelled_before_it_starts_runs_no_step(engine_of: EngineOf, photo: Pixels) -> None:
    told: list[int] = []
    with pytest.raises(EditCancelled):
        engine_of("inpaint").run(edit(photo), lambda done, total: told.append(done), lambda: True)
    assert told == []


def test_values_are_the_requests_or_the_models_own_and_are_reported(engine_of: EngineOf, photo: Pixels) -> None:
    own = run(engine_of("inpaint"), edit(photo))
    assert (own.steps, own.guidance_scale, own.strength) == (4, 3.0, 1.0)
    asked = run(engine_of("inpaint"), edit(photo, steps=6, guidance_scale=1.5, strength=0.5))
    assert (asked.steps, asked.guidance_scale, asked.strength) == (6, 1.5, 0.5)
    without = run(engine_of("edit"), edit(photo, strength=0.5))
    assert without.strength is None


def test_the_smallest_strength_still_runs_a_step(engine_of: EngineOf, photo: Pixels) -> None:
    told: list[tuple[int, int]] = []
    edited = engine_of("inpaint").run(
        edit(photo, strength=0.1, steps=2), lambda done, total: told.append((done, total)), lambda: False
    )
    assert told == [(1, 1)]
    assert edited.steps == 10


def test_what_is_asked_for_makes_a_difference(engine_of: EngineOf, photo: Pixels) -> None:
    engine = engine_of("inpaint")
    pictures = [
        run(engine, edit(photo, **values)).pixels.tobytes()  # type: ignore[arg-type]
        for values in ({}, {"prompt": "x"}, {"negative_prompt": "blurry"}, {"guidance_scale": 9.0}, {"steps": 2})
    ]
    assert len(set(pictures)) == len(pictures)


def test_repeated_prompts_do_not_run_the_text_encoder(
    engine_of: EngineOf, photo: Pixels, pipeline: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = []
    encoder = pipeline.text_encoder.text_model if hasattr(pipeline.text_encoder, "text_model") else None  # type: ignore[attr-defined]
    watched = encoder if encoder is not None else next(pipeline.text_encoder.children())  # type: ignore[attr-defined]
    hook = watched.register_forward_hook(lambda *_: calls.append(1))
    engine = engine_of("inpaint")
    engine.denoiser.texts.clear()
    first = run(engine, edit(photo, prompt="one"))
    assert len(calls) == 2  # the prompt and the empty negative
    again = run(engine, edit(photo, prompt="one"))
    assert len(calls) == 2
    run(engine, edit(photo, prompt="two"))
    assert len(calls) == 4
    run(engine, edit(photo, prompt="one", negative_prompt="bad"))
    assert len(calls) == 6
    hook.remove()
    assert np.array_equal(first.pixels, again.pixels)


@pytest.mark.parametrize(
    ("error", "says"),
    [
        (torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB"), "ran out of memory"),
        (RuntimeError("MPS backend out of memory (MPS allocated: 8 GB)"), "ran out of memory"),
        (RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory"), "ran out of memory"),
        (MemoryError(), "ran out of memory"),
        (ValueError("sizes differ\nsecond line"), "ValueError: sizes differ"),
    ],
)
def test_a_failure_is_one_jobs_own(
    engine_of: EngineOf,
    photo: Pixels,
    pipeline: object,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    error: Exception,
    says: str,
) -> None:
    engine = engine_of("inpaint")
    expected = run(engine, edit(photo))

    def fail(*args: object, **kwargs: object) -> None:
        raise error

    with monkeypatch.context() as patch, caplog.at_level(logging.CRITICAL):
        patch.setattr(pipeline.unet, "forward", fail)  # type: ignore[attr-defined]
        with pytest.raises(GenerationFailed, match=says) as failed:
            run(engine, edit(photo))
    assert "\n" not in failed.value.detail
    assert np.array_equal(run(engine, edit(photo)).pixels, expected.pixels)


def test_a_failed_run_holds_no_tensor(
    engine_of: EngineOf, photo: Pixels, pipeline: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    held: list[weakref.ref[torch.Tensor]] = []

    def fail(*args: object, **kwargs: object) -> None:
        big = torch.zeros(1000)
        held.append(weakref.ref(big))
        raise torch.OutOfMemoryError("out of memory")

    monkeypatch.setattr(logging.getLogger("services.generator.models.running"), "disabled", True)
    monkeypatch.setattr(pipeline.unet, "forward", fail)  # type: ignore[attr-defined]
    with pytest.raises(GenerationFailed) as failed:
        run(engine_of("inpaint"), edit(photo))
    assert failed.value.__cause__ is failed.value.__context__ is None
    gc.collect()
    assert held
    assert held[0]() is None


def test_numbers_that_overflow_are_said(
    engine_of: EngineOf, photo: Pixels, pipeline: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    decode = pipeline.vae.decode  # type: ignore[attr-defined]
    monkeypatch.setattr(
        pipeline.vae,  # type: ignore[attr-defined]
        "decode",
        lambda *args, **kwargs: tuple(part * float("nan") for part in decode(*args, **kwargs)),
    )
    with pytest.raises(GenerationFailed, match="overflowed in float32"):
        run(engine_of("inpaint"), edit(photo))


@pytest.mark.parametrize(
    ("kind", "pipeline_name"),
    [
        ("inpaint", "StableDiffusionInpaintPipeline"),
        ("edit", "StableDiffusionInstructPix2PixPipeline"),
        ("layer", "StableDiffusionPipeline"),
        ("text", "StableDiffusionInpaintPipeline"),
    ],
)
def test_the_engine_says_what_it_is(engine_of: EngineOf, kind: TinyKind, pipeline_name: str) -> None:
    info = engine_of(kind).info
    assert info.model.pipeline == pipeline_name
    assert info.model.kind == ("inpaint" if kind == "text" else kind)
    assert (info.device, info.dtype, info.model.scheduler) == ("cpu", "float32", "DDIMScheduler")
    assert len(info.model.revision) == 64
    assert info.versions.keys() >= {"torch", "diffusers", "transformers"}
    assert info.versions["parafovea"] == VERSION
    assert info.environment["threads"] >= 1
    assert info.environment["attention"]
