"""Multipart forms: boundaries, heads of parts, names, nesting and lengths that no browser sends.

Corpus: ``.raw``, a body of ``POST /generate`` with the boundary ``x``; recipes: ``body``, and perhaps ``type``.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from tests.attack import chance, recipes
from tests.attack.chance import Random
from tests.attack.fuzzers.json_bodies import GENERATE_FIELDS
from tests.attack.http_line import Attacker, HttpCase, request
from tests.attack.tally import Aim, Tally
from tests.support.studio import flat_png

PLAIN_TYPE = "multipart/form-data; boundary=x"
PICTURE = flat_png(64, 64)
TOKENS = (b"--x", b"--x--", b"\r\n", b"\n", b"\r", b'"', b";", b"\0", b"\r\n\r\n", b"=", b"--")
TYPES = (
    "multipart/form-data",
    "multipart/form-data; boundary=",
    'multipart/form-data; boundary="x"',
    'multipart/form-data; boundary="x',
    "multipart/form-data; boundary=x; boundary=y",
    "multipart/form-data; charset=utf-16; boundary=x",
    "multipart/form-data; boundary=" + "x" * 5000,
    "multipart/form-data; boundary=é",
    "multipart/mixed; boundary=x",
    "application/x-www-form-urlencoded",
    "multipart/form-data; boundary*=utf-8''x",
    "multipart/form-data;" + "a=b;" * 2000 + "boundary=x",
)


class Forms:
    """See the module."""

    batch = 24

    def __init__(self, aim: Aim, tally: Tally, show: bool = False) -> None:
        self._attacker = Attacker(aim, tally, show)

    def draw(self, draw: Random) -> HttpCase:
        kind = PLAIN_TYPE if draw.random() < 0.85 else draw.choice(TYPES)
        return request("POST", "/generate", self._body(draw), [("content-type", kind)])

    def of_file(self, path: Path) -> HttpCase:
        recipe = recipes.load(path)
        kind = [("content-type", recipe.get("type", PLAIN_TYPE))]
        return request("POST", "/generate", recipes.made(recipe["body"]), kind)

    def run(self, cases: Sequence[tuple[str, HttpCase]]) -> None:
        self._attacker.run(cases)

    def settle(self) -> None:
        self._attacker.close()

    def close(self) -> None:
        self._attacker.close()

    def _body(self, draw: Random) -> bytes:
        count = draw.choice((0, 1, 1, 2, 2, 3, 5, 30, 300, 2000))
        parts = [self._part(draw, small=count > 5) for _ in range(count)]
        if draw.random() < 0.5:
            parts.append(b'Content-Disposition: form-data; name="image"; filename="a.png"\r\n\r\n' + PICTURE)
        end = draw.choice((b"--x--\r\n",) * 6 + (b"", b"--x", b"--x--", b"--x--\r\nmore", b"--x-"))
        start = draw.choice((b"",) * 8 + (b"preamble\r\n", b"\r\n", b"\0" * 100))
        whole = start + b"".join(b"--x\r\n" + part + b"\r\n" for part in parts) + end
        return chance.mutated(draw, whole, TOKENS) if draw.random() < 0.3 else whole

    def _part(self, draw: Random, small: bool) -> bytes:
        name = draw.choice((*GENERATE_FIELDS, "image", "image", "x", chance.text(draw)[:2000]))
        value = chance.encoded(draw.choice((chance.text(draw), chance.number(draw), "TL", "1")))[
            : 50 if small else 20_000
        ]
        head = draw.choice(
            (
                lambda: f'Content-Disposition: form-data; name="{name}"',
                lambda: f'Content-Disposition: form-data; name="{name}"; filename="{chance.text(draw)[:300]}"',
                lambda: f"Content-Disposition: form-data; name={name}",
                lambda: f"Content-Disposition: form-data; name*=UTF-8''{name}; filename*=x''%ff%00",
                lambda: f'content-disposition: form-data; name="{name}"; name="seed"',
                lambda: 'Content-Disposition: form-data; filename="../../x"',
                lambda: "Content-Disposition: attachment",
                lambda: "Content-Type: text/plain",
                lambda: "",
                lambda: "X: " + "y" * (100 if small else 50_000),
                lambda: "\r\n".join(["A: b"] * (5 if small else 2000)),
                lambda: f'Content-Disposition: form-data; name="{name}"\r\nContent-Transfer-Encoding: base64',
                lambda: f'Content-Disposition: form-data; name="{name}"\r\nContent-Type: multipart/mixed; boundary=x',
            )
        )()
        return chance.encoded(head) + b"\r\n\r\n" + value
