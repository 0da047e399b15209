"""What lies on disk: names, modes, and the contents of all that is text."""

from __future__ import annotations

import gzip
import hashlib
import io
import stat
import tarfile
from pathlib import Path
from typing import Any

from tests.golden import raw_json
from tests.golden.book import Book
from tests.golden.pictures import describe, texts
from tests.golden.raw_json import Number

TOPIC = "disk"
_SPILL_MAGIC = b"parafovea spill 1\n"


def note_folder(book: Book, name: str, folder: Path, *, depth: int = 9) -> None:
    """Names and modes of all that is in a folder."""
    found = [path for path in folder.rglob("*") if len(path.relative_to(folder).parts) <= depth]
    book.note(TOPIC, f"{name}: files", {str(path.relative_to(folder)): _mode(path) for path in _ordered(folder, found)})


def _ordered(folder: Path, paths: list[Path]) -> list[Path]:
    """By name; those that are named by a hash, by their age: hashes differ from run to run."""
    hashed = {path for path in paths if len(path.stem) == 64}
    return sorted(set(paths) - hashed) + sorted(hashed, key=lambda path: (path.parent, path.stat().st_mtime_ns))


def _mode(path: Path) -> str:
    return stat.filemode(path.lstat().st_mode)


def note_file(book: Book, name: str, path: Path, having: bytes = b"") -> None:
    """A file of text, line by line, of those ``having`` something; each that is JSON as such."""
    lines = b"\n".join(line for line in path.read_bytes().split(b"\n") if having in line)
    book.note(TOPIC, name, {"mode": _mode(path), "lines": _lines(lines)})


def _lines(data: bytes) -> list[Any]:
    found: list[Any] = []
    for line in data.decode().split("\n"):
        inner = line.strip().removesuffix(",")
        before, _, after = line.partition(inner) if inner else (line, "", "")
        around = {"before": before, "after": after} if before or after else {}
        try:
            found.append({**around, "json": raw_json.read(inner.encode())})
        except ValueError:
            try:
                found.append({**around, "member": raw_json.parse(f"{{{inner}}}"), "spaced": '": ' in inner})
            except ValueError:
                found.append(line)
    return found


def note_session(book: Book, name: str, sessions: Path, session_id: str) -> None:
    """A session's files, its metadata, and the text of each of its pictures."""
    folder = sessions / session_id
    note_folder(book, name, folder)
    note_file(book, f"{name}: metadata.json", folder / "metadata.json")
    for path in sorted(folder.glob("*.png")):
        book.note(TOPIC, f"{name}: text of {path.name}", texts(path.read_bytes()))


def note_archive(book: Book, name: str, data: bytes) -> None:
    """The members of an archive, in their order, with all that their headers say; and what the text members hold."""
    book.note(TOPIC, f"{name}: gzip", {"head": data[:4].hex(), "time": Number(int.from_bytes(data[4:8], "little"))})
    inner = gzip.decompress(data)
    with tarfile.open(fileobj=io.BytesIO(inner)) as tar:
        members = []
        for member in tar.getmembers():
            content = tar.extractfile(member)
            held = content.read() if content else b""
            told = _lines(held) if member.name.endswith(("json", "jsonl")) else describe(held)
            members.append(
                {
                    "name": member.name,
                    "type": member.type.decode(),
                    "mode": oct(member.mode),
                    "owner": [Number(member.uid), Number(member.gid), member.uname, member.gname],
                    "mtime": Number(member.mtime),
                    "more": sorted(member.pax_headers),
                    "holds": told,
                }
            )
    magic = inner[257:265]
    end = inner[-1024:] == bytes(1024)
    book.note(TOPIC, f"{name}: tar", {"magic": magic.hex(), "ends in two empty blocks": end, "members": members})


def note_spill(book: Book, name: str, folder: Path) -> None:
    """The files of a spill, frames by number, then inputs: the line that says what they are, the line of JSON, the
    bytes, and whether the hash at the end is right."""
    found = []
    for path in folder.iterdir():
        data = path.read_bytes()
        magic, header, rest = data.split(b"\n", 2)
        payload, digest = rest[:-32], rest[-32:]
        said = raw_json.read(header)
        found.append(
            {
                "name": path.name,
                "mode": _mode(path),
                "first line": magic.decode(),
                "header": said,
                "payload": describe(payload),
                "its hash is right": hashlib.sha256(data[:-32]).digest() == digest,
            }
        )
    order = {".frame": 0, ".input": 1}
    found.sort(key=lambda each: (order[Path(each["name"]).suffix], str(each["header"].get("record_seq"))))
    for number, each in enumerate(found):
        book.note(TOPIC, f"{name}: file {number}", each)
