"""JSON bodies: deep, flat, huge, twice, half, of wrong types, for each operation that takes one.

Corpus: ``.raw``, a body of ``POST /generate``; recipes: ``body``, and perhaps ``path`` and ``type``.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from services.api.http.preparing import PrepareRequest
from services.api.http.schemas import GenerateRequest
from shared.bus.requests.replayer import StartRerun
from tests.attack import chance, recipes
from tests.attack.chance import Random
from tests.attack.http_line import Attacker, HttpCase, request
from tests.attack.tally import Aim, Tally
from tests.support.studio import flat_png

JSON = "application/json"
PICTURE = base64.b64encode(flat_png(64, 64)).decode()
GENERATE: dict[str, Any] = {"image_base64": PICTURE, "focus_sector": "TL", "prompt": "x", "seed": 1}
"""A request that is taken. Nearly all cases spoil it: a picture costs the model time."""
GENERATE_FIELDS = ("image_base64", *GenerateRequest.model_fields)
PREPARE: dict[str, Any] = {"image_base64": PICTURE, "target_sectors": ["TL"], "prompt": "x", "seed": 1, "view": "x"}
PREPARE_FIELDS = ("image_base64", *PrepareRequest.model_fields)
RERUN: dict[str, Any] = {"into": "fuzz_rerun", "seed_offset": 1}
RERUN_FIELDS = tuple(name for name in StartRerun.model_fields if name != "session_id")
TOKENS = tuple(
    text.encode() for text in ('"', "\\u0000", "\\ud800", "{", "[", "]", "}", ",", ":", "1e999", "\\x", "//")
)
TYPES = (JSON,) * 12 + ("application/JSON; charset=utf-16", "text/json", "", "application/json;;", "text/plain")


class JsonBodies:
    """See the module."""

    batch = 32

    def __init__(self, aim: Aim, tally: Tally, show: bool = False) -> None:
        self._victim = str(aim.victim)
        self._attacker = Attacker(aim, tally, show)

    def draw(self, draw: Random) -> HttpCase:
        chance = draw.random()
        if chance < 0.12:
            path, fields, known = "/session/rec_0/rerun", RERUN, RERUN_FIELDS
        elif chance < 0.3:
            path, fields, known = "/prepare", PREPARE, PREPARE_FIELDS
        else:
            path, fields, known = "/generate", GENERATE, GENERATE_FIELDS
        return request("POST", path, self._body(draw, fields, known), [("content-type", draw.choice(TYPES))])

    def of_file(self, path: Path) -> HttpCase:
        recipe = recipes.load(path)
        kind = [("content-type", recipe.get("type", JSON))]
        return request("POST", recipe.get("path", "/generate"), recipes.made(recipe["body"]), kind)

    def run(self, cases: Sequence[tuple[str, HttpCase]]) -> None:
        self._attacker.run(cases)

    def settle(self) -> None:
        self._attacker.close()

    def close(self) -> None:
        self._attacker.close()

    def _body(self, draw: Random, fields: dict[str, Any], known: Sequence[str]) -> bytes:
        kind = draw.randrange(10)
        if kind < 4:
            wrong = {draw.choice(known): self._value(draw) for _ in range(draw.randint(1, 3))}
            return chance.encoded(chance.json_object(fields, wrong))
        if kind == 4:
            count = draw.choice((1, 20, 21, 500, 3000))
            length = draw.choice((1, 10, 100))
            more = {
                f"{number:0{length}d}" if draw.random() < 0.9 else chance.text(draw): "0" for number in range(count)
            }
            return chance.encoded(chance.json_object(fields, more))
        if kind == 5:
            name = draw.choice((*known, "x" * draw.choice((10, 5000)), chance.text(draw)))
            pair = f"{json.dumps(name)}:{self._value(draw)}"
            return chance.encoded("{" + ",".join([pair] * draw.choice((2, 3, 200))) + "}")
        if kind == 6:
            return chance.encoded(chance.json_value(draw))
        whole = chance.json_object(fields, {draw.choice(known): self._value(draw)} if draw.random() < 0.5 else {})
        if kind == 7:
            coding = draw.choice(("utf-16", "utf-32", "utf-8-sig", "utf-7"))
            return whole.encode(coding, "replace")
        if kind == 8:
            ends = (b"", b"}", b"\0", b" x", b"{}", b"//", b"\xff", b"\x1a")
            return draw.choice(ends) + chance.encoded(whole) + draw.choice(ends)
        return chance.mutated(draw, chance.encoded(whole), TOKENS)

    def _value(self, draw: Random) -> str:
        kind = draw.randrange(5)
        if kind == 0:
            return json.dumps(chance.session_id(draw, self._victim))
        if kind == 1:
            return json.dumps(self._image(draw))
        return chance.json_value(draw) or "x"

    def _image(self, draw: Random) -> str:
        sides = (0, 1, 63, 64, 4096, 4097, 65_535, 2**31 - 1)
        whole = base64.b64decode(
            recipes.made({"make": "png_base64", "width": draw.choice(sides), "height": draw.choice(sides)})
        )
        kinds = (
            whole,
            chance.mutated(draw, flat_png(64, 64)),
            b"\xff\xd8\xff\xe0" + draw.randbytes(50),
            b"RIFF" + draw.randbytes(4) + b"WEBPVP8X" + draw.randbytes(40),
            b"GIF89a" + draw.randbytes(20),
            draw.randbytes(draw.choice((0, 1, 100))),
        )
        text = base64.b64encode(draw.choice(kinds)).decode()
        prefix = draw.choice(
            ("", "", "", "data:image/png;base64,", "data:;base64,", "data:,", "data:" + ";x" * 200 + ",", "\n")
        )
        return prefix + draw.choice(
            (text, text[:-1], text + "=", text.replace("A", "-"), text + "\0", " ".join(text[:200]))
        )
