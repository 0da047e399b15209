"""The files of a session's trials: their names and limits, the places of steps among each other, and ``gaze.json``."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Self

import orjson

from shared.gaze.record.lines import FILES as FILES
from shared.gaze.record.lines import TRIALS
from shared.gaze.record.samples import COLUMNS, RECORD_BYTES
from shared.json_loads import loads
from shared.session.format.layout import MAX_METADATA_BYTES

GAZE = "gaze"
INDEX = f"{GAZE}/gaze.json"
INDEX_VERSION = 1
MAX_SAMPLES_BYTES = (64 << 20) // RECORD_BYTES * RECORD_BYTES
"""Of one file of samples; the next one begins behind it."""
MAX_LINE_BYTES = 4 << 20
MAX_LINES_BYTES = MAX_METADATA_BYTES
"""Of one file of lines, that it is exported and imported with."""
MAX_INDEX_BYTES = 16 << 20
MAX_N = 2**53 - 1
"""The largest number of an input: R, JavaScript and jq read it exactly."""
BEFORE_OUTCOMES = -1

_SAMPLES = re.compile(r"gaze/([0-9]{4})\.bin\Z")
_STEP_ID = re.compile(r"([0-9]{1,16})(?:/([0-9]{1,6}))?\Z")

Key = tuple[int, int]
"""Where a step stands in its trial: its input's number, then -1 for the input itself, 0 for the first outcome, ..."""


def samples_name(number: int) -> str:
    """``gaze/0000.bin``: the first file of samples."""
    return f"{GAZE}/{number:04d}.bin"


def samples_number(name: str) -> int | None:
    """The number of a file of samples; None for any other name."""
    match = _SAMPLES.match(name)
    return int(match[1]) if match else None


def is_trial_file(name: str) -> bool:
    """Whether a file of a session, by its path in it, belongs to its trials."""
    return name in (*FILES, INDEX) or samples_number(name) is not None


def limit_bytes(name: str) -> int:
    """How long a file of trials may be."""
    if name in FILES:
        return MAX_LINES_BYTES
    return MAX_INDEX_BYTES if name == INDEX else MAX_SAMPLES_BYTES


def key_of(step_id: object) -> Key | None:
    """The place that a step's id says; None where it is none."""
    match = _STEP_ID.match(step_id) if isinstance(step_id, str) else None
    if match is None or int(match[1]) > MAX_N:
        return None
    return int(match[1]), BEFORE_OUTCOMES if match[2] is None else int(match[2])


@dataclass(slots=True)
class Segment:
    """Samples of one trial that lie in one file: ``records`` of them from ``first_record`` on.

    ``about``: source, screen and detectors; ``ended``: the trial's outcome, None while it goes on.
    """

    trial_id: str
    file: str
    first_record: int
    records: int = 0
    first_n: int | None = None
    about: dict[str, Any] = field(default_factory=dict)
    ended: str | None = None

    def to_json(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in self.__slots__}

    @classmethod
    def of(cls, said: dict[str, Any]) -> Self:
        """Raises KeyError, TypeError or ValueError: it is none."""
        first_n, about, ended = said.get("first_n"), said.get("about"), said.get("ended")
        segment = cls(
            *(str(said["trial_id"]), str(said["file"]), int(said["first_record"]), int(said["records"])),
            None if first_n is None else int(first_n),
            about if isinstance(about, dict) else {},
            None if ended is None else str(ended),
        )
        if samples_number(f"{GAZE}/{segment.file}") is None or segment.first_record < 0 or segment.records < 0:
            raise ValueError("a segment that cannot be")
        return segment


@dataclass(slots=True)
class GazeIndex:
    """``gaze.json``: which samples are whose, what is known to be missing, and the hashes of the files.

    ``files``: by name, ``sha256`` of the first ``bytes`` of it, as they were when a trial ended or the file was full.
    ``lines``: the same of the files of lines, when a trial ended.
    """

    segments: list[Segment] = field(default_factory=list)
    gaps: list[dict[str, Any]] = field(default_factory=list)
    files: dict[str, dict[str, Any]] = field(default_factory=dict)
    lines: dict[str, dict[str, Any]] = field(default_factory=dict)

    def encode(self) -> bytes:
        """With its newline."""
        said = {
            "v": INDEX_VERSION,
            "record_bytes": RECORD_BYTES,
            "columns": [{"name": name, "dtype": dtype, "meaning": meaning} for name, dtype, meaning in COLUMNS],
            "segments": [segment.to_json() for segment in self.segments],
            "gaps": self.gaps,
            "files": self.files,
            "lines": self.lines,
        }
        return orjson.dumps(said, option=orjson.OPT_INDENT_2) + b"\n"

    @classmethod
    def decode(cls, text: bytes) -> Self:
        """Raises ValueError: it is no such file."""
        try:
            said = loads(text)
            if said["record_bytes"] != RECORD_BYTES:
                raise ValueError("records of another length")
            segments = [Segment.of(segment) for segment in said["segments"]]
            files = {
                str(name): {"sha256": str(of["sha256"]), "bytes": int(of["bytes"])}
                for name, of in said["files"].items()
                if samples_number(f"{GAZE}/{name}") is not None
            }
            lines = {
                str(name): {"sha256": str(of["sha256"]), "bytes": int(of["bytes"])}
                for name, of in said.get("lines", {}).items()
                if name in FILES
            }
            return cls(segments, [dict(gap) for gap in said["gaps"]], files, lines)
        except (orjson.JSONDecodeError, KeyError, TypeError, AttributeError, ValueError) as error:
            raise ValueError(f"{INDEX} is none: {type(error).__name__}: {error}") from None

    def add_gap(self, trial_id: str, after_n: int, after_t_ns: int | None, reason: str) -> None:
        """Samples or steps are missing behind the input ``after_n``; -1: from the beginning."""
        gap = {"trial_id": trial_id, "after_n": after_n, "after_t_ns": after_t_ns, "reason": reason}
        if gap not in self.gaps:
            self.gaps.append(gap)

    def last_of(self, trial_id: str) -> Segment | None:
        """The last segment of a trial."""
        return next((segment for segment in reversed(self.segments) if segment.trial_id == trial_id), None)


def about_of(config: Any) -> dict[str, Any]:
    """What ``gaze.json`` says of a trial, from the configuration that its ``begin`` has."""
    said = config if isinstance(config, dict) else {}
    known = {name: said[name] for name in ("source", "screen", "detectors", "decision_version") if name in said}
    # Of trackers, which this version does not know yet.
    return {**known, "device": None, "calibration": None}


def in_order(names: Iterable[str]) -> list[str]:
    """Files of trials as an archive has them: lines, samples, the index."""
    return sorted(names, key=lambda name: (name == INDEX, name.startswith(GAZE), name != TRIALS, name))
