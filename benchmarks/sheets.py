"""``python -m benchmarks.sheets --out FILE``: a sheet of repainted sectors, to look at their edges.

A row for each picture and each stand-in of a model. In it, from the left: the picture around the sector's top left
corner, the same after the edit, twice as large, and what has changed, eight times as strong.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw
from scipy import ndimage

from services.generator.engine import Pixels, WorkSize, into_picture
from services.generator.painting.inputs import ModelInputs, make_inputs
from services.generator.painting.repainted import Repainted
from shared.sectors import region

Colours = NDArray[np.floating[Any]]
EXAMPLES = Path(__file__).parents[1] / "examples"
SIDE, WORK = 1536, WorkSize(512, 64, 8)
SHOWN_PX, ZOOM, STRONGER = 220, 2, 8
_TITLE_PX = 16


def flat(given: Colours, inputs: ModelInputs) -> Colours:
    """One colour, the mean of what was there, a little lighter."""
    made = given.copy()
    made[inputs.painted.slices] = given[inputs.painted.slices].mean(axis=(0, 1)) + np.float32(0.02)
    return made


def softened(given: Colours, inputs: ModelInputs) -> Colours:
    """As an autoencoder may leave it: without its finest."""
    return np.asarray(ndimage.gaussian_filter(given, (1.0, 1.0, 0)), np.float32)


def noisy(given: Colours, inputs: ModelInputs) -> Colours:
    """With noise of its own."""
    return given + np.random.default_rng(3).normal(0, 3 / 255, given.shape).astype(np.float32)


def ball(given: Colours, inputs: ModelInputs) -> Colours:
    """Something new over the sector's whole width, in its surroundings as they were."""
    made, area = given.copy(), inputs.painted
    y, x = np.mgrid[0 : area.height, 0 : area.width].astype(np.float32)
    away = np.hypot(x - area.width / 2, y - area.height / 2) / (min(area.width, area.height) / 2.1)
    shade = (1.1 - away[:, :, None]) * np.array([0.9, 0.4, 0.2], np.float32)
    inside = ((1 - away) * 30).clip(0, 1)[:, :, None]
    made[area.slices] = inside * shade.clip(0, 1) + (1 - inside) * made[area.slices]
    return made


MODELS: dict[str, Callable[[Colours, ModelInputs], Colours]] = {
    "identity": lambda given, inputs: given,
    "a gain of 0.95": lambda given, inputs: given * np.float32(0.95),
    "an offset of 9, -5, 3 levels": lambda given, inputs: given + np.array([9, -5, 3], np.float32) / 255,
    "softened": softened,
    "noise of 3 levels": noisy,
    "flat colour": flat,
    "a ball": ball,
}


def pictures() -> dict[str, Pixels]:
    """Photographs, and one with grain."""
    found = {}
    for name in ("meadow", "coffee"):
        with Image.open(EXAMPLES / f"{name}.jpg") as photograph:
            side = min(photograph.size)
            square = photograph.convert("RGB").crop((0, 0, side, side))
        found[name] = np.asarray(square.resize((SIDE, SIDE), Image.Resampling.LANCZOS))
    grain = np.random.default_rng(1).normal(0, 5, (SIDE, SIDE, 3))
    slope = np.linspace(90, 170, SIDE)[:, None, None] + np.linspace(-20, 20, SIDE)[None, :, None]
    found["grain of 5 levels"] = (slope + grain).clip(0, 255).astype(np.uint8)
    return found


def row(title: str, before: Pixels, model: Callable[[Colours, ModelInputs], Colours]) -> Pixels:
    """One row of the sheet."""
    target = region("MC", 3, SIDE, SIDE)
    inputs = make_inputs(before, target, WORK)
    made = model(np.asarray(inputs.picture).astype(np.float32) / 255, inputs).clip(0, 1)
    after = into_picture(before, target, Repainted.of(made, inputs, 1).sector(before))
    top, left = target.top - SHOWN_PX // 3, target.left - SHOWN_PX // 3
    part = np.s_[top : top + SHOWN_PX, left : left + SHOWN_PX]
    change = 128 + STRONGER * (after[part].astype(int) - before[part])
    parts = (before[part], after[part], change.clip(0, 255).astype(np.uint8))
    shown = np.hstack([each.repeat(ZOOM, axis=0).repeat(ZOOM, axis=1) for each in parts])
    head = Image.new("RGB", (shown.shape[1], _TITLE_PX), "white")
    ImageDraw.Draw(head).text((4, 2), title, "black")
    return np.vstack([np.asarray(head), shown])


def main() -> None:
    """Draw the sheet."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.sheets", description="Edges of sectors, to look at.")
    parser.add_argument("--out", type=Path, required=True, metavar="FILE", help="the PNG to write")
    rows = [
        row(f"{name}: {model}", pixels, paint) for name, pixels in pictures().items() for model, paint in MODELS.items()
    ]
    Image.fromarray(np.vstack(rows)).save(parser.parse_args().out)


if __name__ == "__main__":
    main()
