"""The training's pure parts: drawings, recolouring, captions, the clock."""

from __future__ import annotations

import random

import numpy as np
import pytest

pytest.importorskip("resvg_py", reason="training needs the packages of the train extra")

from PIL import Image, ImageDraw

from training.captions import canonical, corpus, paraphrase
from training.clock import Clock
from training.dataset import Entry
from training.drawings import clean, fit
from training.objects import PALETTE
from training.recolour import recolour


def _picture() -> Image.Image:
    """A red disc with a pale glow around it and a speck far away."""
    picture = Image.new("RGBA", (200, 200), (0, 0, 0, 0))
    pen = ImageDraw.Draw(picture)
    pen.ellipse((40, 60, 140, 160), fill=(255, 220, 0, 80))
    pen.ellipse((60, 80, 120, 140), fill=(210, 30, 30, 255))
    pen.rectangle((190, 4, 193, 7), fill=(0, 0, 255, 255))
    return picture


def test_half_transparent_parts_and_specks_go() -> None:
    pixels = clean(_picture())
    assert set(np.unique(pixels[..., 3])) == {0.0, 1.0}
    rows, columns = np.nonzero(pixels[..., 3])
    assert (rows.min(), rows.max(), columns.min(), columns.max()) == (80, 140, 60, 120)


def test_fitting_centres_and_premultiplies() -> None:
    layer = fit(clean(_picture()), 96)
    assert layer.shape == (96, 96, 4)
    assert np.all(layer[..., :3] <= layer[..., 3:] + 1e-6)
    rows, columns = np.nonzero(layer[..., 3] > 0.5)
    assert abs((rows.min() + rows.max()) / 2 - 47.5) <= 1
    assert 80 <= np.ptp(columns) + 1 <= 96


@pytest.mark.parametrize("colour", sorted(PALETTE))
def test_a_recoloured_part_takes_the_words_colour_and_the_rest_stays(colour: str) -> None:
    pixels = np.zeros((40, 40, 4), np.float32)
    pixels[4:36, 4:36] = (0.82, 0.12, 0.12, 1)
    pixels[10:20, 10:20, :3] = 0.97
    painted = recolour(pixels, colour)
    assert np.allclose(painted[30, 30, :3] * 255, PALETTE[colour], atol=26)
    assert np.allclose(painted[15, 15, :3], 0.97, atol=0.02)
    assert np.array_equal(painted[..., 3], pixels[..., 3])


def test_an_unknown_colour_is_an_error() -> None:
    with pytest.raises(KeyError):
        recolour(np.zeros((4, 4, 4), np.float32), "octarine")


def test_captions_name_what_they_show() -> None:
    assert canonical("owl") == "an owl"
    assert canonical("balloon", "red", "glossy") == "a glossy red balloon"
    chance = random.Random(1)
    entry = Entry("butterfly", "blue", "noto", "painted")
    captions = {paraphrase(entry, chance) for _ in range(300)}
    assert all("blue" in caption for caption in captions)
    assert any("butterflies" in caption for caption in captions)
    assert any("painted" not in caption for caption in captions)
    known = set(" ".join(corpus()).split())
    assert {word for caption in captions for word in caption.split()} <= known


def test_the_clock_does_not_count_a_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    monkeypatch.setattr("training.clock.time.monotonic", lambda: now[0])
    clock = Clock(minutes=10)
    now[0] = 6.0
    assert clock.tick() == pytest.approx(0.01)
    now[0] = 1000.0
    assert clock.tick() == pytest.approx(26 / 600)
