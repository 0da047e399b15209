"""Our PNG encoder against Pillow's at its default level, and a frame whose other strips are ready, 1024 square."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image

from benchmarks.figures import Figure, abba, seconds
from benchmarks.systems import photograph
from services.generator import png

ROUNDS = 4
SIDE = 1024
GRID_SIZE = 3
TEXT = {"parafovea": "x" * 1500}
"""As long as a frame's is."""


def measure() -> list[Figure]:
    """Time and size, as ratios."""
    image = Image.open(io.BytesIO(photograph(SIDE))).convert("RGB")
    pixels = np.asarray(image)
    beginning = png.head(SIDE, SIDE)
    ready = [png.encode_strip(pixels, row, GRID_SIZE) for row in range(GRID_SIZE)]

    def whole() -> bytes:
        return png.encode(pixels, TEXT, grid_size=GRID_SIZE)

    def one_strip() -> bytes:
        return png.assemble(beginning, [ready[0], png.encode_strip(pixels, 1, GRID_SIZE), ready[2]], TEXT)

    ours, pillows = abba(lambda: seconds(whole), lambda: seconds(lambda: image.save(io.BytesIO(), "png")), ROUNDS)
    part, all_strips = abba(lambda: seconds(one_strip), lambda: seconds(whole), ROUNDS)
    file = io.BytesIO()
    image.save(file, "png")
    our_bytes, pillow_bytes, bytes_of_one = len(whole()), len(file.getvalue()), len(png.encode(pixels, TEXT))
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
        Figure(
            "PNG of 1024 square of which two of three strips are ready, against encoding it whole, time",
            part / all_strips,
            at_most=0.5,
            detail=f"{part * 1000:.1f} ms against {all_strips * 1000:.1f} ms",
        ),
        Figure(
            "PNG of 1024 square in three strips against one, size",
            our_bytes / bytes_of_one,
            at_most=1.005,
            detail=f"{our_bytes // 1024} KiB against {bytes_of_one // 1024} KiB",
        ),
    ]
