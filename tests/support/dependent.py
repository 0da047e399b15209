"""Engines whose output depends on every pixel that they may read: what would be wrong on another picture shows."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from services.generator.engine import Edit, EditCancelled, Edited, Finished, ModelInfo, Pixels, WorkSize
from services.generator.painting.inputs import inputs_of
from shared.frame import Model
from shared.sectors import Region

WORK = WorkSize(64, 8, 8)
"""Of the engine that sees the picture."""


def noise(region: Region, *of: bytes) -> Pixels:
    """Pixels of a region's size that another input would make others."""
    digest = hashlib.sha256(b"/".join(of)).digest()
    draws = np.random.default_rng(np.frombuffer(digest, np.uint32))
    return draws.integers(0, 256, (region.height, region.width, 3), dtype=np.uint8)


@dataclass(frozen=True)
class DependentDrawing:
    """What an engine that saw nothing has drawn; in a picture it takes on something of each of its pixels."""

    recipe: bytes
    region: Region
    size: tuple[int, int]
    seen: None = None
    held_bytes: int = 1000

    @property
    def reads(self) -> Region:
        return Region(0, 0, *self.size)

    def sector(self, pixels: Pixels) -> Pixels:
        return noise(self.region, self.recipe, pixels.tobytes())


class DependentEngine:
    """``kind``: ``edit`` (it sees the crop box around the sector) or ``layer`` (it draws, and sees nothing). Each step
    of three waits for :attr:`gate`. :attr:`given_ahead` says of each run that saw the picture whether its inputs had
    been made before."""

    def __init__(self, kind: str) -> None:
        model = Model(id=f"dependent-{kind}", revision="1", kind=kind, pipeline="DependentPipeline", scheduler="none")
        work = None if kind == "layer" else WORK
        self.info = ModelInfo(model, "cpu", "float32", {"dependent": "1"}, work=work)
        self.gate = threading.Event()
        self.gate.set()
        self.started: list[str] = []
        self.given_ahead: list[bool] = []
        self.error: Exception | None = None

    def run(self, edit: Edit, on_step: Callable[[int, int], None], cancelled: Callable[[], bool]) -> Edited:
        self.started.append(edit.prompt)
        for step in range(1, 4):
            assert self.gate.wait(30), "the test forgot to open the gate"
            if cancelled():
                raise EditCancelled
            on_step(step, 3)
        if self.error is not None:
            error, self.error = self.error, None
            raise error
        height, width = edit.pixels.shape[:2]
        guidance = 2.0 if edit.guidance_scale is None else edit.guidance_scale
        recipe = f"{edit.prompt}/{edit.seed}/{edit.negative_prompt}/{guidance}".encode()
        notes = {"object": edit.prompt}
        if self.info.model.kind == "layer":
            return Edited(DependentDrawing(recipe, edit.region, (width, height)), 3, guidance, None, notes)
        inputs = inputs_of(edit, WORK)
        self.given_ahead.append(inputs is edit.inputs)
        box = inputs.crop.box
        painted = noise(edit.region, recipe, np.ascontiguousarray(edit.pixels[box.slices]).tobytes())
        return Edited(Finished(painted, box), 3, guidance, None, notes)

    def close(self) -> None:
        self.gate.set()
