"""A repainting model's stand-in: what it makes depends on every pixel of the box around the sector, and on no other."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

from benchmarks.engines.predicting import drawn, sleep
from services.generator.engine import Edit, Edited, Finished, ModelInfo, WorkSize
from services.generator.painting import crop
from shared.frame import Model
from shared.sectors import Region

WORK = WorkSize(512, 8, 8)
"""At what such a model works."""


class RepaintingEngine:
    """``kind``: inpaint or edit, which differ in nothing here but their name."""

    def __init__(self, kind: str, sleep_s: float, slept: Path) -> None:
        self._kind = kind
        self._sleep_s = sleep_s
        self._slept = slept

    @property
    def info(self) -> ModelInfo:
        model = Model(id="repainting stand-in", revision="1", kind=self._kind, pipeline="None", scheduler="none")
        return ModelInfo(model, "cpu", "float32", {}, work=WORK)

    def run(self, edit: Edit, on_step: Callable[[int, int], None], cancelled: Callable[[], bool]) -> Edited:
        box = box_of(edit.region, edit.pixels.shape[1], edit.pixels.shape[0])
        sleep(self._sleep_s, self._slept)
        on_step(1, 1)
        hashed = hashlib.blake2b(edit.pixels[box.slices].tobytes(), digest_size=24, salt=edit.seed.to_bytes(8, "big"))
        return Edited(Finished(drawn(edit.pixels[edit.region.slices], hashed.digest()), box), 1, None, None)

    def close(self) -> None:
        return


def box_of(region: Region, width: int, height: int) -> Region:
    """The part of a picture that counts for a sector."""
    return crop.plan(region, width, height, WORK.size, WORK.factor).box
