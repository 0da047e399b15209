"""The pictures of trials, by their hashes, in bounded memory. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection

from shared.errors import NotFound
from shared.images import ImageFormat

MOST_BYTES = 64 * 1024 * 1024


class Pictures:
    """Keeps the last pictures; those in use always.

    Args:
        in_use: hashes of the pictures that may not be let go.
    """

    def __init__(self, in_use: Callable[[], Collection[str]], limit_bytes: int = MOST_BYTES) -> None:
        self._in_use = in_use
        self._limit_bytes = limit_bytes
        self._kept: dict[str, tuple[ImageFormat, bytes]] = {}
        self.bytes = 0

    def put(self, image_format: ImageFormat, data: bytes, sha256: str | None = None) -> str:
        """Keep a picture; its hash, which is worked out where it is not given."""
        known = sha256 or hashlib.sha256(data).hexdigest()
        if known in self._kept:
            self._kept[known] = self._kept.pop(known)
            return known
        self._kept[known] = (image_format, data)
        self.bytes += len(data)
        for old in list(self._kept):
            if self.bytes <= self._limit_bytes:
                break
            if old != known and old not in self._in_use():
                self.bytes -= len(self._kept.pop(old)[1])
        return known

    def __contains__(self, sha256: str) -> bool:
        return sha256 in self._kept

    def get(self, sha256: str) -> tuple[ImageFormat, bytes]:
        """A picture's format and its bytes. Raises NotFound: it is not kept."""
        found = self._kept.get(sha256)
        if found is None:
            raise NotFound(f"there is no picture {sha256[:12]}… of this trial, or it is no longer kept")
        return found
