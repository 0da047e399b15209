"""Tar archives of plain files: headers written, and a stranger's archive read as a stream that is trusted in nothing.

Reading is done by hand, since a library is made to accept what we must refuse: links, devices, sparse files, and name
records of any length. Formats: POSIX.1-2017 pax, "ustar Interchange Format" and "pax Header Block"; GNU tar's
"Basic Tar Format" for long names and large sizes.
"""

from __future__ import annotations

import tarfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from shared.errors import InvalidArchive

BLOCK_BYTES = 512
END = bytes(2 * BLOCK_BYTES)
"""What ends an archive."""

MAX_NAME_RECORD_BYTES = 64 * 1024
"""A pax or long-name record of more is not read: names in a session have at most some 300 bytes."""

MAX_NAME_BYTES = 4096
MAX_PART_CHARS = 255
"""Of a name, and of each folder's or file's own in it: no system's paths and names are longer."""
MAX_RECORDS = 8
"""Of records before one file: tools write two at most."""
MAX_FILE_BYTES = 1 << 40
"""A number of more is no file's length, whatever it is written as."""

_READ_BYTES = 1 << 20
_SHOWN_CHARS = 200
_REFUSED = {
    b"1": "a link",
    b"2": "a link",
    b"3": "a device",
    b"4": "a device",
    b"6": "a pipe",
    b"S": "a sparse file",
    b"K": "a link",
    b"V": "a volume label",
    b"M": "a part of a file",
}

Read = Callable[[int], bytes]
"""Up to so many bytes; fewer only at the end."""


@dataclass(frozen=True, slots=True)
class Member:
    """One entry of an archive, with the name as it is written there."""

    name: str
    size: int
    is_folder: bool


def header(name: str, size: int, modified_s: float) -> bytes:
    """The header of a plain file: owned by nobody in particular, readable by all."""
    info = tarfile.TarInfo(name)
    info.size, info.mtime, info.mode = size, int(modified_s), 0o644
    return info.tobuf(tarfile.PAX_FORMAT)


def padding(size: int) -> bytes:
    """What follows the bytes of a file, up to the next block."""
    return bytes(-size % BLOCK_BYTES)


class TarReader:
    """The members of an archive, one after another, from a stream that cannot go back."""

    def __init__(self, read: Read) -> None:
        self._read = read
        self._left = 0
        self._padding = 0

    def members(self) -> Iterator[Member]:
        """Files and folders in their order. What :meth:`content` was not asked for is passed over. Raises
        InvalidArchive where it is no tar archive, is cut off, or holds what is neither a file nor a folder."""
        name: str | None = None
        records = 0
        while (block := self._next_header()) is not None:
            size = _number(block[124:136])
            kind = block[156:157]
            if kind in (b"x", b"g", b"L"):
                records += 1
                if records > MAX_RECORDS:
                    raise InvalidArchive(f"the archive holds more than {MAX_RECORDS} name records for one file")
                name = _named(kind, self._record(size), name)
                continue
            name = _checked(name if name is not None else _plain_name(block))
            if size > MAX_FILE_BYTES:
                raise InvalidArchive(f"{name[:_SHOWN_CHARS]!r} has a length that is no file's")
            if kind not in (b"0", b"\0", b"5", b"7"):
                what = _REFUSED.get(kind, f"an entry of the unknown kind {kind!r}")
                raise InvalidArchive(f"{name[:_SHOWN_CHARS]!r} is {what}; a session consists of plain files")
            is_folder = kind == b"5" or (kind in (b"0", b"\0") and name.endswith("/"))
            self._left = 0 if is_folder else size
            self._padding = 0 if is_folder else -size % BLOCK_BYTES
            yield Member(name, self._left, is_folder)
            name, records = None, 0
        if records:
            raise InvalidArchive("the archive ends behind a name record, without the file")

    def content(self) -> Iterator[bytes]:
        """The bytes of the member that came last. Raises InvalidArchive where the archive is cut off."""
        while self._left:
            data = self._read(min(self._left, _READ_BYTES))
            if not data:
                raise InvalidArchive("the archive is cut off")
            self._left -= len(data)
            yield data

    def _next_header(self) -> bytes | None:
        for _ in self.content():
            pass
        self._exactly(self._padding)
        self._padding = 0
        block = self._exactly(BLOCK_BYTES)
        if not any(block):
            while data := self._read(_READ_BYTES):  # to the end of the compressed stream, and its checksum
                if any(data):
                    raise InvalidArchive("the archive goes on behind its end")
            return None
        checksum = sum(block[:148]) + 8 * ord(" ") + sum(block[156:])
        if _number(block[148:156]) != checksum:
            raise InvalidArchive("this is not a tar archive, or it is damaged")
        return block

    def _record(self, size: int) -> bytes:
        if size > MAX_NAME_RECORD_BYTES:
            raise InvalidArchive(f"the archive holds a name record of {size} bytes")
        record = self._exactly(size)
        self._exactly(-size % BLOCK_BYTES)
        return record

    def _exactly(self, count: int) -> bytes:
        data = b""
        while len(data) < count:
            more = self._read(count - len(data))
            if not more:
                raise InvalidArchive("the archive is cut off")
            data += more
        return data


def _named(kind: bytes, record: bytes, name: str | None) -> str | None:
    """The name of the file that follows a record."""
    if kind == b"L":
        return _text(record.rstrip(b"\0"))
    fields = _pax(record)
    if "size" in fields or any(key.startswith("GNU.sparse") for key in fields):
        raise InvalidArchive("the archive holds a file of more than 8 GiB or a sparse one")
    if kind == b"x":
        return fields.get("path", name)
    if "path" in fields:
        raise InvalidArchive("the archive gives one name to all of its files")
    return name


def _checked(name: str) -> str:
    """A name that a system can have. Raises InvalidArchive where it is longer, or holds a NUL."""
    shown = f"the archive holds a file with the name {name[:_SHOWN_CHARS]!r}"
    if len(name.encode()) > MAX_NAME_BYTES:
        raise InvalidArchive(f"{shown}..., which is longer than {MAX_NAME_BYTES} bytes")
    if any(len(part) > MAX_PART_CHARS for part in name.split("/")):
        raise InvalidArchive(f"{shown}..., of which a part is longer than {MAX_PART_CHARS} characters")
    if "\0" in name:
        raise InvalidArchive(f"{shown}, in which no NUL may stand")
    return name


def _plain_name(block: bytes) -> str:
    name = _until_nul(block[0:100])
    # Only ustar has a prefix there; GNU's own format keeps times in those bytes.
    if block[257:263] == b"ustar\0" and (prefix := _until_nul(block[345:500])):
        name = prefix + b"/" + name
    return _text(name)


def _until_nul(data: bytes) -> bytes:
    return data.split(b"\0", 1)[0]


def _text(data: bytes) -> str:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        raise InvalidArchive(f"the name {data[:_SHOWN_CHARS]!r} is not UTF-8") from None


def _number(field: bytes) -> int:
    """Octal digits, or GNU's big-endian number behind a byte 0x80."""
    if field[0] == 0x80:
        return int.from_bytes(field[1:], "big")
    digits = field.strip(b" \0")
    if not all(byte in b"01234567" for byte in digits):
        raise InvalidArchive("this is not a tar archive, or it is damaged")
    return int(digits or b"0", 8)


def _pax(record: bytes) -> dict[str, str]:
    """``<length> <key>=<value>\\n`` records."""
    fields: dict[str, str] = {}
    at = 0
    while at < len(record):
        space = record.find(b" ", at, at + 8)
        digits = record[at:space] if space > 0 else b""
        length = int(digits) if digits.isdigit() else 0
        line = record[space + 1 : at + length]
        key, separator, value = line.partition(b"=")
        if length == 0 or at + length > len(record) or not separator or not value.endswith(b"\n"):
            raise InvalidArchive("a name record of the archive is damaged")
        if key == b"path" or key == b"size" or key.startswith(b"GNU.sparse"):
            fields[_text(key)] = _text(value[:-1])
        at += length
    return fields
