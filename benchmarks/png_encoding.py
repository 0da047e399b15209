"""Our PNG encoder against Pillow's at its default level, 1024 square."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image

from benchmarks.figures import Figure, abba, seconds
from benchmarks.systems import photograph
from services.generator import png

ROUNDS = 4


def measure() -> list[Figure]:
    """Time and size, as ratios."""
    image = Image.open(io.BytesIO(photograph(1024))).convert("RGB")
    pixels = np.asarray(image)
    ours, pillows = abba(
        lambda: seconds(lambda: png.encode(pixels)), lambda: seconds(lambda: image.save(io.BytesIO(), "png")), ROUNDS
    )
    file = io.BytesIO()
    image.save(file, "png")
    our_bytes, pillow_bytes = len(png.encode(pixels)), len(file.getvalue())
    return [
        Figure(
            "PNG encoding at 1024 square against Pillow's default, time",
            ours / pillows,
            at_most=0.25,
            detail=f"{ours * 1000:.1f} ms against {pillows * 1000:.0f} ms",
        ),
        Figure(
            "PNG encoding at 1024 square against Pillow's default, size",
            our_bytes / pillow_bytes,
            detail=f"{our_bytes // 1024} KiB against {pillow_bytes // 1024} KiB",
        ),
    ]
