"""Whether a session may be begun under a name, or gone on with."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from shared.errors import SessionExists, SessionNotFound
from shared.session.format import ids
from shared.session.format.metadata import DamagedMetadata, with_advice
from shared.session.reading.reader import SessionReader


def claim_id(root: Path, session_id: str, is_session: Callable[[str], bool]) -> None:
    """See that a new session may have this id.

    Raises:
        InvalidSessionId, SessionExists: it may not.
    """
    try:
        ids.claim(root, session_id)
    except SessionExists as error:
        if is_session(session_id):
            raise SessionExists(f"{error.detail}, or pass resume=true to go on with it") from None
        raise SessionExists(
            f"there is something in the sessions folder that is called {session_id!r} and is no session; "
            "choose another id"
        ) from None


def check_understood(root: Path, session_id: str) -> None:
    """Metadata that a recorder left torn is mended when it is opened; what another hand wrote is not ours to drop.

    Raises:
        DamagedMetadata: it is so.
    """
    try:
        with SessionReader(root / session_id, salvage=True) as reader:
            said, size = reader.contents, os.fstat(reader.fileno()).st_size if reader.fileno() >= 0 else 0
    except SessionNotFound:
        return
    if said.problem is not None and size and not said.torn:
        raise DamagedMetadata(with_advice(session_id, said.problem))
