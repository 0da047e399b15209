"""``metadata.json`` as any reader sees it, also while a recorder writes it."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import orjson

from shared.session.reading.reader import open_session
from shared.session.reading.snapshot import Snapshot, take
from shared.session.text.foreign import Foreign
from tests.support.waiting import eventually


def read_metadata(path: Path) -> dict[str, Any]:
    """The file's JSON. One that meets an append half-way is read again, as the documents tell readers to.

    Raises:
        AssertionError: it stays torn.
    """

    def parse() -> dict[str, Any]:
        data = path.read_bytes()
        try:
            value: dict[str, Any] = orjson.loads(data)
        except orjson.JSONDecodeError as error:
            raise AssertionError(f"{error}; it ends in {data[-80:]!r}") from None
        return value

    return eventually(parse, what=f"{path} is JSON")


def entries_in(data: bytes, found: Foreign) -> list[bytes]:
    """The texts of the entries that were found in a file of these bytes."""
    with tempfile.TemporaryFile() as file:
        file.write(data)
        file.flush()
        return list(found.entries.texts(file.fileno()))


def snapshot(root: Path, session_id: str) -> Snapshot:
    """The whole of ``metadata.json`` at this moment, as the API serves it."""
    with open_session(root, session_id) as reader:
        return take(reader)
