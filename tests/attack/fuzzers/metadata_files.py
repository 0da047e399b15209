"""Sessions of another hand: ``metadata.json`` with faults in it, put among the recordings, then read in every way.

Corpus: ``.raw``, a ``metadata.json``; recipes: ``body``.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.attack import chance, recipes
from tests.attack.chance import Random
from tests.attack.http_line import Attacker, HttpCase, request
from tests.attack.tally import Aim, Tally
from tests.attack.whole import session_files
from tests.support.absurd import ENTRIES, TOPS

PLACES = 6
LISTED_EVERY = 5
TOKENS = tuple(
    text.encode()
    for text in ('"', "\\ud800", "{", "}", "[", "]", ",", ":", "NaN", "null", "1e400", "\n", "\0", "\ufeff")
)
SMALL_BYTES = 1 << 20
JSON = [("content-type", "application/json")]


@dataclass(frozen=True, slots=True)
class MetadataCase:
    data: bytes
    number: int
    """Which requests are made beside the ordinary ones."""


class MetadataFiles:
    """See the module."""

    batch = 1

    def __init__(self, aim: Aim, tally: Tally, show: bool = False) -> None:
        self._sessions = aim.sessions
        self._victim = str(aim.victim)
        self._attacker = Attacker(aim, tally, show)
        self._files = session_files("meta")
        self._next = 0

    def draw(self, draw: Random) -> MetadataCase:
        return MetadataCase(self._metadata(draw), draw.randrange(1000))

    def of_file(self, path: Path) -> MetadataCase:
        return MetadataCase(recipes.made(recipes.load(path, self._victim)["body"]), LISTED_EVERY)

    def run(self, cases: Sequence[tuple[str, MetadataCase]]) -> None:
        for label, case in cases:
            session_id = f"meta_{self._next % PLACES}"
            self._next += 1
            self._place(session_id, case.data)
            self._attacker.run([(label, each) for each in self._requests(session_id, case.number)])

    def settle(self) -> None:
        self._attacker.close()

    def close(self) -> None:
        self._attacker.close()

    def _place(self, session_id: str, data: bytes) -> None:
        """As a copy arrives: the folder first, under another name."""
        folder, coming = self._sessions / session_id, self._sessions / f".coming-{session_id}"
        shutil.rmtree(coming, ignore_errors=True)
        for name, content in {**self._files, "metadata.json": data}.items():
            (coming / name).parent.mkdir(parents=True, exist_ok=True)
            (coming / name).write_bytes(content)
        shutil.rmtree(folder, ignore_errors=True)
        coming.rename(folder)

    def _requests(self, session_id: str, number: int) -> list[HttpCase]:
        base, cursor = f"/session/{session_id}", "cursor=meta"
        found = [
            request("GET", base),
            request("GET", f"{base}/entries"),
            request("GET", f"{base}/entries?from=1&count=500"),
            *(request("GET", f"{base}/frames/{index}") for index in (0, 1)),
            request("GET", f"{base}/frames/1/input"),
            request("POST", f"/session/replay/{session_id}?{cursor}", b""),
            *(request("GET", f"/session/replay/next?{cursor}") for _ in range(3)),
            request("POST", f"/session/replay/seek?index=1&{cursor}", b""),
            request("GET", f"/session/replay/previous?{cursor}"),
            request("GET", f"{base}/rerun"),
            request("HEAD", f"{base}/frames/2"),
        ]
        if number % LISTED_EVERY == 0:
            found += [request("GET", "/session/list?details=true"), request("GET", f"{base}/export")]
        if number % 20 == 0:
            found += [
                request("POST", f"/session/replay/play?speed=100&{cursor}", b""),
                request("GET", f"{base}/frames/1/thumbnail"),
                request("POST", f"{base}/rerun", b'{"into":"fuzz_rerun","seed_offset":1}', JSON),
            ]
        if number % 100 == 0:
            found.append(request("GET", f"/session/compare?a={session_id}&b=rec_0"))
        return found

    def _metadata(self, draw: Random) -> bytes:
        whole = self._files["metadata.json"]
        kind = draw.randrange(6)
        if kind < 2:
            return chance.mutated(draw, whole, TOKENS)
        head = json.loads(whole)
        entries = [json.dumps(entry) for entry in head.pop("sequence")]
        at = draw.randrange(len(entries))
        if kind == 2:
            entries[at] = draw.choice([text for text in ENTRIES.values() if len(text) < SMALL_BYTES])
        elif kind == 3:
            head.update(draw.choice(list(TOPS.values())))
        elif kind == 4:
            entry = json.loads(entries[at])
            name = draw.choice(list(entry))
            value = json.dumps(f"{self._victim}/secret.txt") if draw.random() < 0.3 else chance.json_value(draw)
            entries[at] = chance.json_object(entry, {name: value or "x"})
        else:
            entries = entries * draw.choice((0, 1, 2, 300))
            head[chance.text(draw)[:100] or "x"] = 1
        text = json.dumps(head)[:-1] + ',"sequence":[' + ",".join(entries) + "]}"
        return chance.encoded(text) if draw.random() < 0.9 else text.encode("utf-16", "replace")
