"""Who makes the frames of a session again, for ``parafovea verify``."""

from __future__ import annotations

from enum import StrEnum


class By(StrEnum):
    """Who makes the frames again."""

    auto = "auto"
    server = "server"
    here = "here"
