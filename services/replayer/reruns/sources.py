"""What a re-run reads: inputs of the parent's frames, and what it has made itself. Blocking."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

from shared.errors import ParafoveaError
from shared.session.format.entries import whole_number
from shared.session.format.metadata import DamagedMetadata
from shared.session.reading.reader import SessionReader, open_session


def last_origin(root: Path, session_id: str) -> int | None:
    """Index of the parent's frame that the last frame of a re-run was made after; None before the first.

    Raises:
        SessionNotFound, DamagedMetadata: see :func:`shared.session.reading.reader.open_session`.
    """
    with open_session(root, session_id) as reader:
        for position in range(reader.count - 1, -1, -1):
            index = _origin(reader, position)
            if index is not None:
                return index
    return None


def new_version(root: Path, session_id: str, index: int) -> bytes | str:
    """The frame of a re-run that was made after the parent's frame ``index``, or why there is none."""
    with open_session(root, session_id) as reader:
        low, high = 0, reader.count - 1
        while low <= high:  # frames are made in the parent's order
            middle = (low + high) // 2
            found = _origin(reader, middle)
            if found == index:
                try:
                    return reader.frame_bytes(reader.entry(middle))
                except ParafoveaError as error:
                    return error.detail
            low, high = (middle + 1, high) if found is None or found < index else (low, middle - 1)
    return f"its input was frame {index}, which was not made again"


def recorded_input(reader: SessionReader, entry: dict[str, Any]) -> bytes | str:
    """The input of a recorded frame, its hash proved, or why there is none."""
    path = reader.input_path(entry)
    if path is None:
        return "its input was not recorded"
    try:
        data = reader.input_bytes(path)
    except OSError as error:
        return f"its input {path.name} cannot be read: {error.strerror}"
    wanted = entry.get("input_sha256")
    if wanted and hashlib.sha256(data).hexdigest() != wanted:
        return f"its input {path.name} no longer holds the recorded bytes"
    return data


def _origin(reader: SessionReader, position: int) -> int | None:
    try:
        origin = reader.entry(position).get("origin") or {}
    except DamagedMetadata:
        return None
    return whole_number(origin.get("index"))
