"""Whether two names mean one session. A name is no proof: folders are renamed, copied and made anew under old names."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from shared.session.format.entries import differ


def is_parent(parent: Mapping[str, Any], named: object) -> bool:
    """Whether a session with the head ``parent`` is the one that a re-run was made from, whose own head says ``named``
    of it: ``session_id`` and ``created_at``."""
    if not isinstance(named, Mapping):
        return False
    began, made = named.get("created_at"), parent.get("created_at")
    if began is not None and began == made:
        return True  # called otherwise by now, perhaps
    return named.get("session_id") == parent.get("session_id") and not differ(began, made)
