"""What a re-run has made itself, read again. Blocking."""

from __future__ import annotations

from pathlib import Path

from shared.errors import ParafoveaError
from shared.session.format.kinds import whole_number
from shared.session.format.metadata import DamagedMetadata
from shared.session.reading.reader import SessionReader, open_session


def last_origin(root: Path, session_id: str) -> int | None:
    """Index of the parent's frame that the last frame of a re-run was made after; None before the first. Raises
    SessionNotFound, DamagedMetadata: see :func:`shared.session.reading.reader.open_session`."""
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


def _origin(reader: SessionReader, position: int) -> int | None:
    try:
        origin = reader.entry(position).origin or {}
    except DamagedMetadata:
        return None
    return whole_number(origin.get("index"))
