"""Samples on disk and on the bus: records of 48 bytes, little-endian, without padding.

``numpy.fromfile(path, dtype=[(name, dtype) for name, dtype, _ in COLUMNS])`` reads them.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from math import nan

from shared.gaze.sample import Sample

COLUMNS: tuple[tuple[str, str, str], ...] = (
    ("n", "<u8", "number among the trial's inputs"),
    ("t_ns", "<i8", "nanoseconds of the gaze process's monotonic clock"),
    ("device_s", "<f8", "seconds of the source's own clock, as it came; NaN: it has none"),
    ("x", "<f4", "share of the width, from the left; NaN: missing"),
    ("y", "<f4", "share of the height, from the top; NaN: missing"),
    ("pupil", "<f4", "in the source's unit; NaN: not told"),
    ("confidence", "<f4", "0 to 1; NaN: not told"),
    ("openness", "<f4", "of the eye, in the source's unit; NaN: not told"),
    ("flags", "<u4", "0; later versions may say more"),
)
"""Name, type and meaning."""

_RECORD = struct.Struct("<QqdfffffI")
_FLOATS = struct.Struct("<fffff")
RECORD_BYTES = _RECORD.size


@dataclass(frozen=True, slots=True)
class NumberedSample:
    """A sample with its number among the trial's inputs, and its time by the source's own clock."""

    n: int
    sample: Sample
    device_s: float = nan


def rounded(sample: Sample) -> Sample:
    """The sample as the record holds it. Nothing else may be decided by, or it could not be decided again. What a
    record cannot hold (a number beyond 32 bits) is missing."""
    try:
        values = _FLOATS.unpack(_FLOATS.pack(sample.x, sample.y, sample.pupil, sample.confidence, sample.openness))
    except OverflowError:
        values = tuple(map(_fitting, (sample.x, sample.y, sample.pupil, sample.confidence, sample.openness)))
    return Sample(sample.t_ns, *values)


def encode(numbered: NumberedSample) -> bytes:
    """A record of :data:`RECORD_BYTES`; the sample is one that :func:`rounded` gave."""
    sample = numbered.sample
    return _RECORD.pack(
        *(numbered.n, sample.t_ns, numbered.device_s),
        *(sample.x, sample.y, sample.pupil, sample.confidence, sample.openness, 0),
    )


def decode(records: bytes | memoryview) -> Iterator[NumberedSample]:
    """Whole records only; a torn one at the end is left out."""
    whole = len(records) - len(records) % RECORD_BYTES
    for n, t_ns, device_s, x, y, pupil, confidence, openness, _flags in _RECORD.iter_unpack(records[:whole]):
        yield NumberedSample(n, Sample(t_ns, x, y, pupil, confidence, openness), device_s)


def _fitting(value: float) -> float:
    try:
        return float(struct.unpack("<f", struct.pack("<f", value))[0])
    except OverflowError:
        return nan
