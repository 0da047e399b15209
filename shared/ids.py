"""Ids of messages, requests and lives of processes."""

from __future__ import annotations

import uuid


def new_id() -> str:
    """An id without meaning, unique everywhere: 32 hexadecimal digits."""
    return uuid.uuid4().hex
