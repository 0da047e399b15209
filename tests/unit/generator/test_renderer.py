"""Our own part in the pixels has a number, and keeps its pixels until that is raised.

What is rendered has no model in it: a drawn layer, and a picture that a model could have repainted. After a change that
is meant, raise ``RENDERER`` and write the new reference with ``python -m tests.unit.generator.test_renderer``.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from services.generator import png
from services.generator.decode import decode
from services.generator.engine import Pixels, WorkSize, into_picture
from services.generator.models.running import DiffusersEngine
from services.generator.models.tiny import TinyKind
from services.generator.painting import compositing, placing
from services.generator.painting.compositing import compose
from services.generator.painting.cutout import Floats, cut_out
from services.generator.painting.inputs import make_inputs
from services.generator.painting.placing import Wish
from services.generator.painting.renderer import RENDERER
from services.generator.painting.repainted import Repainted
from shared import sectors

REFERENCES = Path(__file__).parent / "renderings"
WIDTH, HEIGHT = 240, 168
FAR_LEVELS, FAR_SHARE = 1, 0.01
"""Another processor may round a value to the next level here and there, among what is painted; no more than that."""


def photograph() -> Pixels:
    """Sky above, ground below, with soft edges and some grain: all from whole numbers."""
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH]
    sky = np.stack([120 + y // 3, 150 + y // 4, 215 - y // 8], axis=-1)
    ground = np.stack([70 + x // 8, 96 + (x * 7 + y * 13) % 23, 40 + y // 9], axis=-1)
    grain = np.random.default_rng(11).integers(-6, 7, (HEIGHT, WIDTH, 1))
    return np.where((y > HEIGHT // 2)[:, :, None], ground + grain, sky).clip(0, 255).astype(np.uint8)


def plain() -> Pixels:
    """A slope of levels, and grain with no pattern under it."""
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH]
    grain = np.random.default_rng(12).integers(-9, 10, (HEIGHT, WIDTH, 3))
    return (np.stack([90 + x // 4, 120 - y // 4, 100 + y // 6], axis=-1) + grain).astype(np.uint8)


def layer() -> Floats:
    """What a layer model could draw: a disc with a stalk, shaded, its edge soft, and a speck beside it."""
    y, x = np.mgrid[0:32, 0:32].astype(np.float32)
    away = np.hypot(x - 15, y - 12)
    disc = ((10 - away) / 2 + 0.5).clip(0, 1)
    stalk = (np.abs(x - 15) < 2) & (y > 12) & (y < 30)
    alpha = np.maximum(disc, stalk).astype(np.float32)
    alpha[1:3, 1:3] = 1
    colour = np.stack([0.9 - away / 30, 0.2 + x / 80, 0.15 + y / 100], axis=-1).clip(0, 1)
    return np.dstack([colour * alpha[:, :, None], alpha]).astype(np.float32)


def composited(sector: str, wish: Wish, seed: int) -> Pixels:
    picture = photograph()
    return compose(picture, sectors.region(sector, 3, WIDTH, HEIGHT), cut_out(layer()), wish, seed).pixels


def repainted() -> Pixels:
    """As a model that repaints a crop would leave it: shifted in tone, with less contrast, and in half of the sector
    another picture."""
    picture = plain()
    target = sectors.region("BC", 3, WIDTH, HEIGHT)
    inputs = make_inputs(picture, target, WorkSize(128, 8, 8))
    painted = np.asarray(inputs.picture).astype(np.float32) / 255 * 0.96 + np.array([9, -5, 3], np.float32) / 255
    box, asked = inputs.crop.box, inputs.painted
    # Which box a model gets to see, at what size, and where it is to paint, shows in what it paints.
    seen = box.left + 2 * box.top, box.right + 2 * box.bottom, asked.left + 3 * inputs.crop.work_width
    painted[asked.top : asked.bottom, (asked.left + asked.right) // 2 : asked.right] = (np.array(seen) % 256) / 255
    return into_picture(picture, target, Repainted.of(painted, inputs, 8).sector(picture))


def sheet() -> Pixels:
    """All of it on one."""
    parts = [
        composited("BR", Wish(size="large", place="ground"), 5),
        composited("TL", Wish(size="medium", place="sky", count=3), 6),
        composited("MC", Wish(size="small", colour_asked=True), 7),
        repainted(),
    ]
    return in_fours(parts)


def in_fours(parts: list[Pixels]) -> Pixels:
    return np.vstack([np.hstack(parts[:2]), np.hstack(parts[2:])])


def reference() -> Path:
    return REFERENCES / f"renderer_{RENDERER}.png"


def assert_as_before() -> None:
    assert reference().exists(), "a new RENDERER needs its reference: python -m tests.unit.generator.test_renderer"
    expected = decode(reference().read_bytes()).pixels
    off = np.abs(sheet().astype(int) - expected).max(axis=2)
    share = float((off > 0).sum() / (expected != in_fours([*[photograph()] * 3, plain()])).any(axis=2).sum())
    assert off.max() <= FAR_LEVELS and share <= FAR_SHARE, (  # noqa: PT018
        f"our own pixels differ from those of renderer {RENDERER} (up to {off.max()} levels, {share:.2%}): "
        "raise RENDERER in services/generator/painting/renderer.py, say there what changed, and write the new "
        "reference with python -m tests.unit.generator.test_renderer"
    )


def test_the_pixels_are_those_of_their_renderer() -> None:
    assert_as_before()


@pytest.mark.parametrize(
    "change",
    [
        lambda patch: patch.setattr(compositing, "_CONTACT_SHADOW", 0.5),
        lambda patch: patch.setattr(compositing, "_MAX_HAZE", 0.1),
        lambda patch: patch.setattr("services.generator.painting.paste.FEATHER", 0.2),
        lambda patch: patch.setattr("services.generator.painting.paste.DRAWN_FEATHER", 0.2),
        lambda patch: patch.setattr("services.generator.painting.tone.MAX_TONE_SHIFT", 4.0),
        lambda patch: patch.setattr("services.generator.painting.grain.LEAST_VARIANCE", 1000.0),
        lambda patch: patch.setattr("services.generator.painting.likeness._CHANCE", 0.7),
        lambda patch: patch.setattr("services.generator.painting.crop.MASK_REACH_PX", 8),
        lambda patch: patch.setattr(placing, "_HUE_DEG", 10.0),
        lambda patch: patch.setattr("services.generator.painting.rendering._WARP", 0.9),
        lambda patch: patch.setattr("services.generator.painting.cutout._SPECK", 0.0001),
        lambda patch: patch.setattr("services.generator.painting.crop.CONTEXT", 0.1),
    ],
)
def test_a_change_of_them_asks_for_another_number(
    change: Callable[[pytest.MonkeyPatch], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    change(monkeypatch)
    with pytest.raises(AssertionError, match="raise RENDERER"):
        assert_as_before()


@pytest.mark.parametrize("kind", ["inpaint", "layer"])
def test_frames_carry_the_number(engine_of: Callable[[TinyKind], DiffusersEngine], kind: TinyKind) -> None:
    assert engine_of(kind).info.environment["renderer"] == RENDERER


def test_every_number_says_what_changed() -> None:
    import inspect
    import re

    from services.generator.painting import renderer

    told = re.findall(r"^(\d+)\. ", inspect.getsource(renderer), re.M)
    assert told == [str(number) for number in range(1, RENDERER + 1)]


if __name__ == "__main__":
    REFERENCES.mkdir(exist_ok=True)
    for old in REFERENCES.glob("*.png"):
        old.unlink()
    reference().write_bytes(png.encode(sheet()))
    print(f"wrote {reference()}")
