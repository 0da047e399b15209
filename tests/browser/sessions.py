"""Sessions for the page to show, written as a recorder would."""

from __future__ import annotations

import hashlib
import io
from pathlib import Path

import orjson
from PIL import Image, ImageDraw

from shared import sectors
from shared.session.format.layout import frame_name
from shared.session.format.metadata import Tail, file_parts, new_head

SIZE = (180, 120)
CREATED_AT = 1_763_800_000.0
FOCUS = ("TL", "BR", "ML", "TC", "BL")


def write_session(
    root: Path,
    session_id: str,
    frames: int,
    *,
    seconds: float = 0.5,
    shade: int = 0,
    different: int | None = None,
    set_back: dict[int, float] | None = None,
) -> Path:
    """A chain of frames, ``seconds`` apart; before those in ``set_back`` the clock was set back by so many seconds. Of
    more than ``different``, the last pictures are all the same: thousands
    are written in a moment."""
    folder = root / session_id
    (folder / "inputs").mkdir(parents=True)
    picture = Image.new("RGB", SIZE, (90, 110, 130))
    data = _png(picture)
    sha256 = hashlib.sha256(data).hexdigest()
    input_file = f"inputs/{sha256}.png"
    (folder / input_file).write_bytes(data)
    entries: list[bytes] = []
    names: list[str] = []
    for index in range(frames):
        focus = FOCUS[index % len(FOCUS)]
        target = sectors.opposite(focus, 3, 0)
        region = sectors.region(target, 3, *SIZE)
        if different is None or index < different:
            ImageDraw.Draw(picture).rectangle(region.as_tuple(), fill=(shade, index * 40 % 256, 200))
            data = _png(picture)
        name = frame_name(index, target)
        if different is None or index < different:
            (folder / name).write_bytes(data)
        else:
            (folder / name).hardlink_to(folder / names[-1])
        names.append(name)
        entry = {
            "index": index,
            "filename": name,
            "target_sector": target,
            "focus_sector": focus,
            "prompt": f"a thing, number {index}",
            "timestamp": CREATED_AT + seconds * index - sum(by for at, by in (set_back or {}).items() if at <= index),
            "frame_id": f"{session_id}-{index}",
            "sha256": hashlib.sha256(data).hexdigest(),
            "input_sha256": sha256,
            "input_file": input_file,
            "region": region.as_tuple(),
            "grid_size": 3,
            "seed": 2**62 + index,
            "steps": 4,
            "generation_ms": 321.0,
            "notes": {"object": "ladybug", "fallback": "left out: 'with a hat'"},
            "width": SIZE[0],
            "height": SIZE[1],
        }
        sha256, input_file = str(entry["sha256"]), name
        entries.append(orjson.dumps(entry))
    parts = file_parts(new_head(session_id, CREATED_AT), entries, Tail())
    (folder / "metadata.json").write_bytes(b"".join(parts))
    return folder


def _png(picture: Image.Image) -> bytes:
    held = io.BytesIO()
    picture.save(held, "PNG", compress_level=1)
    return held.getvalue()
