"""What a model is given is the same whoever makes it, and made ahead it costs the inference thread nothing."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from benchmarks import inference_thread, sheets
from benchmarks.touched import touched, watched
from services.generator.engine import Edit, Edited, Pixels, WorkSize
from services.generator.models.painters import Repaint
from services.generator.painting.inputs import ModelInputs, inputs_of, make_inputs
from shared.sectors import Region
from tests.unit.generator.test_crop import cell_of

WORK = WorkSize(128, 16, 8)
FULL, NOTHING = 255, 0


class Identity:
    """A denoiser that gives back what it was given. ``gives``: that, at once, where it is known."""

    size, factor, chooses_size, pipeline = 128, 16, None, SimpleNamespace(vae_scale_factor=8)

    def __init__(self) -> None:
        self.gives: Any = None
        self.given: dict[str, Any] = {}

    def run(self, edit: Edit, used: object, monitor: object, **inputs: Any) -> Any:
        self.given = inputs
        return np.asarray(inputs["image"]).astype(np.float32) / 255 if self.gives is None else self.gives

    def unheeded(self, edit: Edit, used: object) -> dict[str, str]:
        return {}


def run(denoiser: Identity, edit: Edit) -> Edited:
    used = SimpleNamespace(steps=1, guidance_scale=None, strength=None)
    return Repaint(denoiser)(edit, used, None)  # type: ignore[arg-type]


@pytest.fixture
def pixels() -> Pixels:
    return np.random.default_rng(0).integers(0, 256, (300, 400, 3), dtype=np.uint8)


def test_inputs_made_ahead_are_used_and_give_the_same_pixels(pixels: Pixels) -> None:
    edit = Edit(pixels, cell_of(3, 1, 2, 400, 300), "a fox", 3)
    inline, ahead = Identity(), Identity()
    made = make_inputs(pixels, edit.region, Repaint(ahead).work)  # type: ignore[arg-type]
    one, other = run(inline, edit), run(ahead, replace(edit, inputs=made))
    assert ahead.given["image"] is made.picture
    assert ahead.given["mask_image"] is made.mask
    assert inline.given["image"].tobytes() == ahead.given["image"].tobytes()
    assert inline.given["mask_image"].tobytes() == ahead.given["mask_image"].tobytes()
    assert np.array_equal(one.painted.sector(pixels), other.painted.sector(pixels))


def test_inputs_of_another_edit_or_model_are_not_used(pixels: Pixels) -> None:
    edit = Edit(pixels, cell_of(3, 1, 1, 400, 300), "", 1)
    for other in (
        make_inputs(pixels.copy(), edit.region, WORK),
        make_inputs(pixels, cell_of(3, 1, 2, 400, 300), WORK),
        make_inputs(pixels, edit.region, WorkSize(256, 16, 8)),
    ):
        given = inputs_of(replace(edit, inputs=other), WORK)
        assert given is not other
        assert (given.pixels is pixels, given.region, given.work) == (True, edit.region, WORK)
    assert inputs_of(edit, WORK).picture.size == (144, 112)


def test_with_inputs_made_ahead_the_inference_thread_touches_no_pixel() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (1024, 1024, 3), dtype=np.uint8)
    denoiser = Identity()
    edit = Edit(watched(pixels), cell_of(3, 1, 1, 1024, 1024), "", 1)
    made = make_inputs(edit.pixels, edit.region, Repaint(denoiser).work)  # type: ignore[arg-type]
    denoiser.gives = watched(np.asarray(made.picture).astype(np.float32) / 255)
    with touched() as ahead:
        run(denoiser, replace(edit, inputs=made))
    with touched() as inline:
        run(denoiser, edit)
    with touched() as composing:
        run(denoiser, replace(edit, inputs=made)).painted.sector(edit.pixels)
    assert ahead.bytes == 0
    assert inline.bytes >= 3 * (made.crop.box.width * made.crop.box.height + 128 * 128)  # else nothing was counted
    assert composing.bytes > denoiser.gives.nbytes


@pytest.mark.parametrize("work", [WORK, WorkSize(512, 64, 8), WorkSize(512, 16, 16)])
def test_the_mask_is_hard_and_covers_the_sector(pixels: Pixels, work: WorkSize) -> None:
    for row in range(3):
        for column in range(3):
            made = make_inputs(pixels, cell_of(3, row, column, 400, 300), work)
            mask = np.asarray(made.mask)
            assert set(np.unique(mask)) == {NOTHING, FULL}
            left, top, right, bottom = made.crop.work_target
            assert mask[int(top) : int(np.ceil(bottom)), int(left) : int(np.ceil(right))].min() == FULL
            cells = mask[:: work.cell, :: work.cell]  # as pipelines shrink it
            assert np.array_equal(cells.repeat(work.cell, 0).repeat(work.cell, 1), mask)


def test_what_lies_outside_the_crop_is_not_read(pixels: Pixels) -> None:
    region = Region(0, 0, 100, 100)
    made = make_inputs(pixels, region, WORK)
    other = pixels.copy()
    other[made.crop.box.bottom :] = 0
    other[:, made.crop.box.right :] = 0
    again: ModelInputs = make_inputs(other, region, WORK)
    assert again.picture.tobytes() == made.picture.tobytes()
    assert made.held_bytes == 4 * made.picture.width * made.picture.height


def test_the_benchmark_counts_what_the_thread_touches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inference_thread, "CASES", ((96, 128),))
    monkeypatch.setattr(inference_thread, "ROUNDS", 1)
    (figure,) = inference_thread.measure()
    assert figure.holds
    assert figure.value >= 1  # the denoiser itself looks whether the numbers are finite


def test_the_sheet_of_edges_is_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sheets, "SIDE", 660)
    pixels = np.random.default_rng(0).integers(0, 256, (660, 660, 3), dtype=np.uint8)
    for name, model in sheets.MODELS.items():
        assert sheets.row(name, pixels, model).shape[1] == 3 * sheets.ZOOM * sheets.SHOWN_PX
