"""Contact sheets: premultiplied layers shown over a plain ground, to be looked at."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

GROUND = (0.43, 0.58, 0.48)


def over(layers: NDArray[np.float32], ground: tuple[float, float, float] = GROUND) -> NDArray[np.uint8]:
    """Number x height x width x 4 premultiplied, 0 to 1, over a plain colour: the same as 8-bit RGB."""
    flat = layers[..., :3] + np.asarray(ground, np.float32) * (1 - layers[..., 3:])
    return np.round(np.clip(flat, 0, 1) * 255).astype(np.uint8)


def save_sheet(
    layers: NDArray[np.float32],
    path: Path,
    columns: int = 8,
    labels: list[str] | None = None,
    side: int | None = None,
) -> None:
    """Write the layers as one PNG of ``columns`` columns, each with its label, scaled to ``side`` if given."""
    images = [Image.fromarray(image) for image in over(layers)]
    if side:
        images = [image.resize((side, side), Image.Resampling.LANCZOS) for image in images]
    size = images[0].width
    band = 14 if labels else 0
    rows = -(-len(images) // columns)
    sheet = Image.new("RGB", (columns * size, rows * (size + band)), (30, 30, 30))
    pen = ImageDraw.Draw(sheet)
    for number, image in enumerate(images):
        x, y = number % columns * size, number // columns * (size + band)
        sheet.paste(image, (x, y))
        if labels:
            pen.text((x + 2, y + size), labels[number][: size // 6], fill="white")
    path.parent.mkdir(parents=True, exist_ok=True)
    sheet.save(path)
