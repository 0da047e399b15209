"""A stranger's archive as bytes: gzip taken off if it is there, and everything counted against limits."""

from __future__ import annotations

import zlib
from collections.abc import Callable

from shared.errors import InvalidArchive, PayloadTooLarge

GB = 1_000_000_000
MAX_ARCHIVE_BYTES = 20 * GB
"""Of an archive, before and after decompression."""
MAX_RATIO = 100
"""Pictures hardly compress and metadata by some 20; deflate itself ends at 1032 (zlib.net, "Technical Details")."""
_FREE_BYTES = 16 << 20
"""Below this nothing is a bomb, whatever its ratio."""

FREE_PARTS = 1000
MIN_PART_BYTES = 1024
"""Joined gzip files hold so much each, on average, where there are more than :data:`FREE_PARTS`: each costs work of its
own, and an archive of empty ones would never come to its end."""

_GZIP = b"\x1f\x8b"
_READ_BYTES = 32 * 1024
"""Small, since what is behind the end of a part is copied."""
_INFLATED_BYTES = 128 * 1024
_OTHERS = {b"BZh": "bzip2", b"\xfd7zXZ\0": "xz", b"(\xb5/\xfd": "zstd", b"PK\x03\x04": "zip", b"7z\xbc\xaf": "7z"}


class ArchiveStream:
    """The decompressed bytes of an archive, read forward. ``read`` gives up to so many of its own bytes, none at the
    end; ``limit_bytes`` is how long it may be, before and after decompression."""

    def __init__(self, read: Callable[[int], bytes], limit_bytes: int = MAX_ARCHIVE_BYTES) -> None:
        self._source = read
        self._limit_bytes = limit_bytes
        self._taken = 0
        self._given = 0
        self._parts = 1
        self._ready, self._ready_at = b"", 0
        self._raw = self._take()
        self._inflate = zlib.decompressobj(wbits=31) if self._raw.startswith(_GZIP) else None
        for start, name in _OTHERS.items():
            if self._raw.startswith(start):
                raise InvalidArchive(f"this is a {name} file; send a tar archive, plain or compressed with gzip")

    def read(self, count: int) -> bytes:
        """Up to ``count`` bytes; fewer only at the end. Raises InvalidArchive (damaged, cut off, or blown up beyond
        :data:`MAX_RATIO`) or PayloadTooLarge (beyond the limit)."""
        parts: list[bytes] = []
        missing = count
        while missing and (data := self._some(missing)):
            parts.append(data)
            missing -= len(data)
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def _some(self, count: int) -> bytes:
        if self._ready_at >= len(self._ready):
            self._ready, self._ready_at = self._more(), 0
        data = self._ready[self._ready_at : self._ready_at + count]
        self._ready_at += len(data)
        return data

    def _more(self) -> bytes:
        if self._inflate is None:
            data, self._raw = self._raw or self._take(), b""
        else:
            data = self._inflated()
        self._given += len(data)
        if self._given > self._limit_bytes:
            raise PayloadTooLarge(f"the archive holds more than {self._limit_bytes / GB:g} GB")
        if self._given > _FREE_BYTES and self._given > MAX_RATIO * self._taken:
            raise InvalidArchive(f"the archive grows more than {MAX_RATIO}-fold when it is decompressed")
        return data

    def _inflated(self) -> bytes:
        assert self._inflate is not None
        while True:
            if self._inflate.eof and not self._next_part():
                return b""
            self._raw = self._raw or self._take()
            try:
                data = self._inflate.decompress(self._raw, _INFLATED_BYTES)
            except zlib.error as error:
                raise InvalidArchive(f"the archive's compression is damaged ({error})") from None
            ended = not self._raw and not data
            self._raw = self._inflate.unused_data if self._inflate.eof else self._inflate.unconsumed_tail
            if data:
                return data
            if ended and not self._inflate.eof:
                raise InvalidArchive("the archive is cut off")

    def _next_part(self) -> bool:
        """gzip files may be joined (RFC 1952, 2.2); zeros behind them are padding."""
        while not (rest := self._raw.lstrip(b"\0")) and (more := self._take()):
            self._raw = more
        self._raw = rest
        if not rest:
            return False
        if not rest.startswith(_GZIP):
            raise InvalidArchive("the archive goes on behind its end")
        self._parts += 1
        if self._parts > FREE_PARTS and self._given < self._parts * MIN_PART_BYTES:
            raise InvalidArchive(f"the archive is joined of {self._parts} gzip files with hardly anything in them")
        self._inflate = zlib.decompressobj(wbits=31)
        return True

    def _take(self) -> bytes:
        data = self._source(_READ_BYTES)
        self._taken += len(data)
        if self._taken > self._limit_bytes:
            raise PayloadTooLarge(f"the archive is longer than {self._limit_bytes / GB:g} GB")
        return data
