"""Sessions with real pictures, recorded without any process: what a quick engine makes of noise."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import orjson

from services.generator import png
from services.generator.decode import decode
from services.generator.engine import Edit, Finished, Pixels, edited_picture
from shared import sectors
from shared.frame import Model
from shared.session.writing.frames import FrameToWrite
from shared.session.writing.writer import SessionWriter
from shared.system.disk import Disk
from tests.support.frames import CREATED_AT, frame_of
from tests.support.launch import QuickEngine

TARGETS = ("BR", "TL", "MC", "TR")
SEEDS = (0x5A6478, 0x6E5082, 0x78645A)
"""Of colours that are not near black, where a single level is much to SSIM."""


def noise(seed: int, height: int = 96, width: int = 120) -> Pixels:
    """A picture in which any two pixels differ, nearly surely."""
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


def record_pictures(
    root: Path,
    session_id: str = "s",
    *,
    seeds: Sequence[int] = SEEDS,
    chain: bool = False,
    extra: dict[str, Any] | None = None,
    **fields: Any,
) -> Path:
    """Record what :class:`QuickEngine` makes: each frame from an input of its own, or (``chain``) from the frame
    before. ``fields`` replace what the entries say."""
    writer = SessionWriter.create(Disk(), root, session_id, CREATED_AT, extra)
    source = png.encode(noise(0))
    for number, seed in enumerate(seeds):
        if not chain:
            source = png.encode(noise(number))
        frame = _frame(session_id, number, seed, source, fields)
        writer.append([frame])
        if chain:
            source = bytes(frame.png)
    writer.close()
    return root / session_id


def _frame(session_id: str, number: int, seed: int, source: bytes, more: dict[str, Any]) -> FrameToWrite:
    engine, decoded, sector = QuickEngine(0.0), decode(source), TARGETS[number % len(TARGETS)]
    region = sectors.region(sector, 3, decoded.width, decoded.height)
    prompt = f"add a {['bee', 'kite', 'leaf'][number % 3]}"
    edit = Edit(decoded.pixels, region, prompt, seed)
    edited = engine.run(edit, lambda *_: None, lambda: False)
    info = engine.info
    fields: dict[str, Any] = {
        "frame_id": f"e-{number}",
        "epoch": "e",
        "seq": number,
        "session_id": session_id,
        "session_created_at": CREATED_AT,
        "record_seq": number,
        "request_id": f"request-{number}",
        "target_sector": sector,
        "focus_sector": "TL",
        "grid_size": 3,
        "region": list(region.as_tuple()),
        "prompt": prompt,
        "negative_prompt": None,
        "seed": seed,
        "steps": edited.steps,
        "guidance_scale": None,
        "strength": None,
        "requested": {},
        "width": decoded.width,
        "height": decoded.height,
        "input_sha256": hashlib.sha256(source).hexdigest(),
        "input_format": "png",
        "model": info.model.model_dump(),
        "device": info.device,
        "dtype": info.dtype,
        "versions": info.versions,
        "environment": info.environment,
        "queued_ms": 0.0,
        "generation_ms": 1.0,
        "timestamp": CREATED_AT + 1 + 0.25 * number * number,
        **more,
    }
    data = png.encode(edited_picture(edit, edited), {"parafovea": orjson.dumps(fields).decode()})
    return FrameToWrite(frame_of(fields, data), data, source)


def change_pixel(path: Path, x: int, y: int) -> None:
    """Change one pixel of a picture by one level, and write a file that is in no way broken."""
    pixels = decode(path.read_bytes()).pixels.copy()
    pixels[y, x, 0] ^= 1
    path.write_bytes(png.encode(pixels))


def change_entry(folder: Path, index: int, **values: Any) -> None:
    """Write other values into an entry of the metadata."""
    path = folder / "metadata.json"
    whole = orjson.loads(path.read_bytes())
    whole["sequence"][index].update(values)
    path.write_bytes(orjson.dumps(whole))


class OtherEngine(QuickEngine):
    """The quick engine as another machine, or another model, would have it."""

    def __init__(self, *, off_by: int = 0, **info: Any) -> None:
        super().__init__(0.0)
        self._off_by = off_by
        model = {key: info.pop(key) for key in Model.model_fields if key in info}
        made = QuickEngine.info
        self.info = replace(made, model=made.model.model_copy(update=model), **info)

    def run(self, edit: Edit, *arguments: Any) -> Any:
        edited = super().run(edit, *arguments)
        pixels = np.clip(edited.painted.sector(edit.pixels).astype(int) + self._off_by, 0, 255).astype(np.uint8)
        return replace(edited, painted=Finished(pixels, edit.region))
