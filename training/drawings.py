"""From a drawing set to clean pictures: SVG or WebP in, square premultiplied RGBA out."""

from __future__ import annotations

import io
import json
from functools import cache
from pathlib import Path

import numpy as np
import resvg_py
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage

from training.objects import Drawable
from training.sources import SOURCES, Source, fetch

Pixels = NDArray[np.float32]
"""Height x width x 4, RGBA, colour not multiplied by alpha unless said so, 0 to 1."""

OPAQUE = 0.45
"""Alpha above which a pixel counts as solid: steam and glow lie below, a bee's wings above."""
SPECK = 0.012
"""Share of a drawing's area below which a detached piece is dropped."""
MARGIN = 0.045
"""Empty border on each side, as a share of the side."""


class Catalogue:
    """Finds the drawing of an object in each set by its code point."""

    def __init__(self, raw: Path) -> None:
        self.folders = {source.name: fetch(source, raw) for source in SOURCES}
        self._names: dict[str, list[str]] = {}
        for name in ("noto", "fluent-flat", "twemoji"):
            chars: dict[str, str] = json.loads((self.folders[name] / "chars.json").read_text())
            for code, slug in chars.items():
                self._names.setdefault(code.replace("-fe0f", ""), []).append(slug)

    @cache  # noqa: B019 (one catalogue a process)
    def _icons(self, name: str) -> dict:
        return json.loads((self.folders[name] / "icons.json").read_text())

    def picture(self, source: Source, item: Drawable, side: int) -> Image.Image | None:
        """The raw drawing as an RGBA picture of ``side`` pixels, or None where the set has none."""
        if source.name == "fluent-3d":
            for code in (item.code, item.code + "-fe0f"):
                path = self.folders[source.name] / "assets" / f"{code}.webp"
                if path.exists():
                    return Image.open(path).convert("RGBA").resize((side, side), Image.Resampling.LANCZOS)
            return None
        svg = self._svg(source.name, item)
        if svg is None:
            return None
        return Image.open(io.BytesIO(bytes(resvg_py.svg_to_bytes(svg_string=svg, width=side, height=side)))).convert(
            "RGBA"
        )

    def _svg(self, name: str, item: Drawable) -> str | None:
        icons = self._icons(name)
        slugs = list(dict.fromkeys([*self._names.get(item.code, []), item.name.replace(" ", "-")]))
        for slug in [*slugs, *(s.replace("-", "") for s in slugs), *(s + "-1" for s in slugs)]:
            slug = icons.get("aliases", {}).get(slug, {}).get("parent", slug)
            icon = icons["icons"].get(slug)
            if icon is None:
                continue
            width, height = (icon.get(key, icons.get(key, 16)) for key in ("width", "height"))
            box = f"{icon.get('left', 0)} {icon.get('top', 0)} {width} {height}"
            return (
                f'<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" '
                f'viewBox="{box}" width="{width}" height="{height}">{icon["body"]}</svg>'
            )
        return None


def clean(picture: Image.Image) -> Pixels:
    """Solid parts only: alpha becomes 0 or 1, half-transparent parts and detached specks go."""
    pixels = np.asarray(picture, dtype=np.float32) / 255
    solid = pixels[..., 3] > OPAQUE
    labels, count = ndimage.label(solid, structure=np.ones((3, 3)))
    if count > 1:
        areas = np.bincount(labels.ravel())[1:]
        small = np.flatnonzero(areas < SPECK * areas.sum()) + 1
        solid &= ~np.isin(labels, small)
    result = pixels.copy()
    result[..., 3] = solid
    result[~solid] = 0
    return result


def fit(pixels: Pixels, size: int) -> Pixels:
    """The drawing centred in a square of ``size`` with a small margin, **premultiplied**, edges smooth."""
    rows, columns = np.flatnonzero(pixels[..., 3].any(1)), np.flatnonzero(pixels[..., 3].any(0))
    crop = pixels[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1].copy()
    crop[..., :3] *= crop[..., 3:]
    inner = size * (1 - 2 * MARGIN)
    scale = inner / max(crop.shape[:2])
    height, width = (max(1, round(side * scale)) for side in crop.shape[:2])
    planes = [
        np.asarray(
            Image.fromarray(crop[..., c]).resize(
                (width, height), Image.Resampling.BOX if scale < 0.5 else Image.Resampling.HAMMING
            )
        )
        for c in range(4)
    ]
    canvas = np.zeros((size, size, 4), np.float32)
    top, left = (size - height) // 2, (size - width) // 2
    canvas[top : top + height, left : left + width] = np.clip(np.stack(planes, -1), 0, 1)
    canvas[..., :3] = np.minimum(canvas[..., :3], canvas[..., 3:])
    return canvas
