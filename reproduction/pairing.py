"""Frames of two sessions side by side, and how far each pair is apart."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from reproduction.figures import SMALLEST_PX, Figures, figures, size, to_json
from reproduction.remaking import region_of
from services.generator.decode import decode
from services.generator.engine import Pixels
from shared.errors import FrameCorrupt, FrameMissing, UnreadableImage
from shared.session.format.entries import Entry
from shared.session.format.recipes import is_parent
from shared.session.reading.reader import SessionReader


@dataclass(frozen=True, slots=True)
class Pair:
    """The frames of one index; None where a session has none there."""

    index: int
    a: Entry | None
    b: Entry | None


@dataclass(frozen=True, slots=True)
class Compared:
    """A pair, its pixels where they can be read, and its figures where both can be and have one size.

    Attributes:
        whole: over the whole picture.
        sector: inside the target sector, where both frames have the same one.
        problem: why there are no figures.
    """

    pair: Pair
    pixels_a: Pixels | None
    pixels_b: Pixels | None
    whole: Figures | None = None
    sector: Figures | None = None
    problem: str | None = None

    def to_json(self) -> dict[str, Any]:
        a, b = (entry.fields if entry else {} for entry in (self.pair.a, self.pair.b))
        return {
            "index": self.pair.index,
            **{f"{key}_{side}": entry.get(key) for key in _SHOWN for side, entry in (("a", a), ("b", b))},
            "same_input": a["input_sha256"] == b.get("input_sha256") if a.get("input_sha256") else None,
            "identical": self.whole.identical if self.whole else None,
            **to_json(self.whole),
            **to_json(self.sector, "sector_"),
            "problem": self.problem,
        }


_SHOWN = ("filename", "target_sector", "prompt", "seed")


def count_pairs(a: SessionReader, b: SessionReader) -> int:
    """How many pairs there are: every index that either session has."""
    return sum(1 for _ in pairs(a, b))


def pairs(a: SessionReader, b: SessionReader) -> Iterator[Pair]:
    """The frames of both by index.

    Where one is a re-run of the other, a frame stands beside the one that it was made from, even if frames were left
    out.
    """
    left, right = _numbered(a, b), _numbered(b, a)
    one, other = next(left, None), next(right, None)
    while one is not None or other is not None:
        index = min(item[0] for item in (one, other) if item is not None)
        here = one[1] if one is not None and one[0] == index else None
        there = other[1] if other is not None and other[0] == index else None
        yield Pair(index, here, there)
        one = next(left, None) if here is not None else one
        other = next(right, None) if there is not None else other


def compare(a: SessionReader, b: SessionReader, first: int = 0, count: int | None = None) -> Iterator[Compared]:
    """The pairs from the ``first`` one on, at most ``count`` of them, each with its figures."""
    for pair in islice(pairs(a, b), first, None if count is None else first + count):
        yield _compare(a, b, pair)


def lines(a: SessionReader, b: SessionReader, first: int, count: int | None) -> Iterator[dict[str, Any]]:
    """The same as JSON, as it is worked out: the total, each pair, the summary."""
    yield {"total": count_pairs(a, b)}
    rows = []
    for compared in compare(a, b, first, count):
        rows.append(compared.to_json())
        yield rows[-1]
    yield {"summary": summary(rows)}


def summary(found: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Of what :meth:`Compared.to_json` gave: how many there are, and the means of what could be compared."""
    measured = [each for each in found if each["identical"] is not None]
    differing = [each for each in measured if not each["identical"]]
    return {
        "frames": len(found),
        "compared": len(measured),
        "identical": len(measured) - len(differing),
        **{f"mean_{key}": _mean(differing, key) for key in ("psnr_db", "sector_psnr_db")},
        **{f"mean_{key}": _mean(measured, key) for key in ("ssim", "sector_ssim")},
    }


def _numbered(reader: SessionReader, other: SessionReader) -> Iterator[tuple[int, Entry]]:
    follows = is_parent(other.head, reader.head.get("parent"))
    last = -1
    for entry, _ in reader.shown_from(0):
        index = entry.origin.get("index") if follows and entry.origin is not None else entry.index
        # A frame made twice from the same one, or one of another hand, stands behind what came before it.
        last = index if isinstance(index, int) and index > last else last + 1
        yield last, entry


def _compare(a: SessionReader, b: SessionReader, pair: Pair) -> Compared:
    pixels_a, problem_a = _pixels(a, pair.a)
    pixels_b, problem_b = _pixels(b, pair.b)
    if pixels_a is None or pixels_b is None:
        return Compared(pair, pixels_a, pixels_b, problem=problem_a or problem_b)
    if pixels_a.shape != pixels_b.shape:
        problem = f"the pictures have different sizes: {size(pixels_a)} and {size(pixels_b)}"
        return Compared(pair, pixels_a, pixels_b, problem=problem)
    return Compared(pair, pixels_a, pixels_b, figures(pixels_a, pixels_b), _in_sector(pair, pixels_a, pixels_b))


def _in_sector(pair: Pair, pixels_a: Pixels, pixels_b: Pixels) -> Figures | None:
    height, width = pixels_a.shape[:2]
    here, there = (region_of(entry, width, height) for entry in (pair.a, pair.b))
    if here is None or here != there or min(here.width, here.height) < SMALLEST_PX:
        return None
    return figures(pixels_a[here.slices], pixels_b[here.slices])


def _pixels(reader: SessionReader, entry: Entry | None) -> tuple[Pixels | None, str | None]:
    if entry is None:
        return None, f"session {reader.session_id} has no such frame"
    try:
        return decode(reader.frame_bytes(entry)).pixels, None
    except (FrameCorrupt, FrameMissing, UnreadableImage) as error:
        return None, error.detail


def _mean(found: Sequence[Mapping[str, Any]], key: str) -> float | None:
    values = [each[key] for each in found if each[key] is not None]
    return round(sum(values) / len(values), 6) if values else None
