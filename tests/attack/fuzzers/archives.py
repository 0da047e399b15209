"""Archives to import: a good one with faults in it, and members that no export has.

Corpus: ``.raw``, the body of an import; recipes: ``body``, and perhaps ``id``.
"""

from __future__ import annotations

import gzip
import io
import json
import struct
import tarfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from tests.attack import chance, recipes
from tests.attack.chance import Random
from tests.attack.http_line import Attacker, request
from tests.attack.tally import Aim, Tally
from tests.attack.whole import session_files, tar_of
from tests.support.absurd import ENTRIES

NAME = "fuzz_archive"
BLOCK = 512
TYPES = (b"0", b"\0", b"1", b"2", b"3", b"4", b"5", b"6", b"7", b"S", b"g", b"x", b"L", b"K", b"D", b"M", b"V", b"A")
SIZES = (
    b"-0000000001",
    b"77777777777",
    b"9999999999",
    b"           ",
    b"\x80" + bytes(10) + b"\x01",
    b"\xff" * 11,
    b"0x10",
)


@dataclass(frozen=True, slots=True)
class ArchiveCase:
    session_id: str
    body: bytes


class Archives:
    """See the module."""

    batch = 1

    def __init__(self, aim: Aim, tally: Tally, show: bool = False) -> None:
        self._victim = str(aim.victim)
        self._attacker = Attacker(aim, tally, show)
        self._files = session_files(NAME)
        self._tar = tar_of(self._files, NAME)

    def draw(self, draw: Random) -> ArchiveCase:
        session_id = chance.session_id(draw, self._victim) if draw.random() < 0.3 else NAME
        return ArchiveCase(session_id, self._body(draw))

    def of_file(self, path: Path) -> ArchiveCase:
        recipe = recipes.load(path, self._victim)
        return ArchiveCase(recipe.get("id", NAME), recipes.made(recipe["body"]))

    def run(self, cases: Sequence[tuple[str, ArchiveCase]]) -> None:
        for label, case in cases:
            query = quote(chance.encoded(case.session_id), safe="")
            answer = self._attacker.ask(label, request("POST", f"/session/import?session_id={query}", case.body))
            if answer is not None and answer.status == 200:
                imported = json.loads(answer.body)["session_id"]
                self._attacker.ask(label, request("GET", f"/session/{imported}/entries"))
                self._attacker.ask(label, request("GET", f"/session/{imported}/frames/0"))
                self._attacker.ask(label, request("DELETE", f"/session/{imported}"))

    def settle(self) -> None:
        self._attacker.close()

    def close(self) -> None:
        self._attacker.close()

    def _body(self, draw: Random) -> bytes:
        kind = draw.randrange(8)
        if kind == 0:
            return chance.mutated(draw, gzip.compress(self._tar, 1, mtime=0))
        if kind == 1:
            return chance.mutated(draw, self._tar, (bytes(BLOCK), b"ustar\0"))
        if kind in (2, 3):
            data = self._spoiled_head(draw)
        elif kind == 4:
            data = self._with_members(draw)
        elif kind == 5:
            data = tar_of({**self._files, "metadata.json": self._metadata(draw)}, NAME)
        elif kind == 6:
            files = dict(self._files)
            name = draw.choice(sorted(files))
            data_of = files.pop(name)
            if draw.random() < 0.6:
                files[draw.choice((name, name.upper(), name + " ", "x/" + name, "inputs"))] = chance.mutated(
                    draw, data_of
                )
            data = tar_of(files, draw.choice((NAME, NAME, ".", "..", "a/b", "", self._victim)))
        else:
            data = draw.choice(
                (b"", self._tar[: draw.randrange(len(self._tar))], self._tar * 2, bytes(10_240), b"PK\x03\x04")
            )
        packed = draw.random() < 0.7
        return gzip.compress(data, 1, mtime=0) if packed else data

    def _metadata(self, draw: Random) -> bytes:
        whole = self._files["metadata.json"]
        if draw.random() < 0.5:
            return chance.mutated(draw, whole, (b"{", b"}", b"[", b'"', b"NaN", b"\\ud800", b"null"))
        head, tail = json.loads(whole), draw.choice([text for text in ENTRIES.values() if len(text) < 200_000])
        entries = [json.dumps(entry) for entry in head.pop("sequence")]
        entries[draw.randrange(len(entries))] = tail
        return (json.dumps(head)[:-1] + ',"sequence":[' + ",".join(entries) + "]}").encode()

    def _spoiled_head(self, draw: Random) -> bytes:
        """A member's header with a field of other bytes, and a checksum that fits them."""
        data = bytearray(self._tar)
        heads = [at for at in range(0, len(data), BLOCK) if data[at + 257 : at + 262] == b"ustar"]
        at = draw.choice(heads)
        start, value = draw.choice(
            (
                (
                    0,
                    draw.choice(
                        (b"../../x", self._victim.encode() + b"/x", b"\xff\xfe", b"a" * 100, b"con", b".", b"/", b"\\x")
                    ),
                ),
                (100, draw.choice((b"0007777", b"xxxxxxx", b"\xff" * 8))),
                (108, b"\xff" * 8),
                (124, draw.choice(SIZES)),
                (136, draw.choice(SIZES)),
                (156, draw.choice(TYPES)),
                (157, draw.choice((self._victim.encode(), b"../x", b"a" * 100))),
                (257, draw.choice((b"ustar  \0", b"xxxxx", bytes(8)))),
                (345, draw.choice((b"..", b"a" * 155, self._victim.encode()[:155]))),
            )
        )
        data[at + start : at + start + len(value)] = value
        data[at + 148 : at + 156] = b" " * 8
        data[at + 148 : at + 156] = b"%06o\0 " % sum(data[at : at + BLOCK])
        return bytes(data)

    def _with_members(self, draw: Random) -> bytes:
        """A good archive behind, or before, a member of a kind that no export has."""
        out = io.BytesIO()
        with tarfile.open(fileobj=out, mode="w", format=draw.choice((tarfile.PAX_FORMAT, tarfile.GNU_FORMAT))) as tar:
            for _ in range(draw.choice((1, 1, 30))):
                where = draw.choice(
                    (
                        f"{NAME}/x",
                        f"{NAME}/../../x",
                        f"{self._victim}/x",
                        f"{NAME}/metadata.json",
                        "x" * 300,
                        f"{NAME}/" + "d/" * 200,
                    )
                )
                info = tarfile.TarInfo(
                    draw.choice((where, where, f"{NAME}/{chance.text(draw)[:300]}".replace("\0", "0")))
                )
                info.type = draw.choice(TYPES[2:8] + TYPES[:1])
                info.linkname = draw.choice((self._victim, "../../victim/secret.txt", "/etc/passwd", f"{NAME}/x"))
                if draw.random() < 0.3 and tar.format == tarfile.PAX_FORMAT:
                    info.pax_headers = {
                        draw.choice(("path", "size", "linkpath", "mtime", "x")): draw.choice(
                            ("1" * 30, "-1", "../x", "y" * 70_000)
                        )
                    }
                data = draw.randbytes(draw.choice((0, 1, 600))) if info.isreg() else b""
                info.size = len(data)
                try:
                    tar.addfile(info, io.BytesIO(data))
                except (UnicodeError, ValueError, struct.error):
                    continue  # this format cannot say it
        extra = out.getvalue().rstrip(b"\0")
        extra += bytes(-len(extra) % BLOCK)
        return (
            extra + self._tar
            if draw.random() < 0.5
            else self._tar.rstrip(b"\0") + bytes(-len(self._tar.rstrip(b"\0")) % BLOCK) + extra + bytes(1024)
        )
