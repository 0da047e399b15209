"""Two sessions as one picture: a row a pair, with frame A, frame B, where they differ, and the figures."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw, ImageFont
from skimage.measure import block_reduce

from reproduction.figures import Figures, difference_map
from reproduction.pairing import Compared
from services.generator.engine import Pixels
from shared.session.format.entries import Entry

MAX_ROWS = 200
"""A longer sheet is larger than what most programs open."""

_CELL_PX = 256
_GAP_PX = 8
_LINE_PX = 16
_TEXT_SIZE = 12
_WIDTH_PX = 3 * (_CELL_PX + _GAP_PX) + _GAP_PX
_PAPER, _INK, _FAINT, _EMPTY = (255, 255, 255), (20, 20, 20), (110, 110, 110), (235, 235, 235)


class Sheet:
    """Draws rows one by one, at most :data:`MAX_ROWS`; what is kept of each is small."""

    def __init__(self, title_a: str, title_b: str, rows: int) -> None:
        if rows > MAX_ROWS:
            raise ValueError(f"a sheet has at most {MAX_ROWS} rows, not {rows}")
        heading = _Strip(_LINE_PX + _GAP_PX)
        for column, title in enumerate((f"A: {title_a}", f"B: {title_b}", "difference")):
            heading.write(column, _GAP_PX // 2, title, _INK)
        self._strips = [heading.image]

    def add(self, compared: Compared) -> None:
        """Draw the next pair."""
        a, b = compared.pixels_a, compared.pixels_b
        apart = difference_map(a, b) if a is not None and b is not None and a.shape == b.shape else None
        cells = [_small(a), _small(b), _small(apart, as_map=True)]
        height = max((cell.height for cell in cells if cell is not None), default=_LINE_PX)
        strip = _Strip(height + 2 * _LINE_PX + _GAP_PX)
        for column, cell in enumerate(cells):
            strip.show(column, height, cell)
        for column, entry in enumerate((compared.pair.a, compared.pair.b)):
            strip.write(column, height, _place(compared.pair.index, entry), _INK)
            strip.write(column, height + _LINE_PX, entry.prompt or "" if entry else "", _FAINT)
        whole, sector = compared.whole, compared.sector
        strip.write(2, height, _words(whole, "PSNR ", "SSIM ") if whole else "not compared", _INK)
        in_sector = f"in the target sector: {_words(sector)}" if sector else ""
        strip.write(2, height + _LINE_PX, compared.problem or in_sector, _FAINT)
        self._strips.append(strip.image)

    def save(self, path: Path) -> None:
        """Write a PNG. Raises OSError where it cannot be written."""
        sheet = Image.new("RGB", (_WIDTH_PX, sum(strip.height for strip in self._strips)), _PAPER)
        top = 0
        for strip in self._strips:
            sheet.paste(strip, (0, top))
            top += strip.height
        sheet.save(path, "PNG")


class _Strip:
    """A row of cells."""

    def __init__(self, height: int) -> None:
        self.image = Image.new("RGB", (_WIDTH_PX, height), _PAPER)
        self._draw = ImageDraw.Draw(self.image)

    def show(self, column: int, height: int, cell: Image.Image | None) -> None:
        left = _left(column)
        if cell is None:
            self._draw.rectangle((left, 0, left + _CELL_PX - 1, height - 1), fill=_EMPTY)
        else:
            self.image.paste(cell, (left, 0))

    def write(self, column: int, top: int, text: str, colour: tuple[int, int, int]) -> None:
        """One line, cut where the cell ends."""
        line, font = " ".join(text.split()), _font()
        shown = line
        while shown and font.getlength(shown) > _CELL_PX:
            line = line[:-2]
            shown = f"{line.rstrip()}…" if line else ""
        self._draw.text((_left(column), top), shown, fill=colour, font=font)


def _small(pixels: Pixels | None, *, as_map: bool = False) -> Image.Image | None:
    if pixels is None:
        return None
    height, width = pixels.shape[:2]
    scale = min(1.0, _CELL_PX / max(height, width))
    size = max(1, round(width * scale)), max(1, round(height * scale))
    if as_map:
        return Image.fromarray(_brightest(pixels)).resize(size, Image.Resampling.NEAREST)
    return Image.fromarray(pixels).resize(size, Image.Resampling.LANCZOS)


def _left(column: int) -> int:
    return _GAP_PX + column * (_CELL_PX + _GAP_PX)


@cache
def _font() -> Any:
    return ImageFont.load_default(_TEXT_SIZE)


def _brightest(pixels: Pixels) -> Pixels:
    """A map made smaller so that a single differing pixel still shows: the largest value of each block."""
    step = -(-max(pixels.shape) // _CELL_PX)
    shown: Pixels = block_reduce(pixels, (step, step, 1), np.max)
    return shown


def _place(index: int, entry: Entry | None) -> str:
    return f"{index}: no frame" if entry is None else f"{index} {entry.target_sector}, seed {entry.seed}"


def _words(found: Figures, psnr: str = "", ssim: str = "") -> str:
    if found.psnr_db is None:
        return "identical"
    return f"{psnr}{found.psnr_db:.2f} dB, {ssim}{found.ssim:.4f}"
