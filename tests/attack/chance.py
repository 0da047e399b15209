"""What cases are drawn from: a random source of each case's own, and values that no honest client sends.

A case depends on the seed, its fuzzer and its number alone, so that one that failed can be made again by itself.
"""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from typing import Any

from tests.support.absurd import nested

Random = random.Random

WORDS = ("list", "start", "status", "replay", "import", "compare", "con", "nul.txt", "aux", "lpt1", "CON.png")
"""Names of the API itself, and of Windows' devices."""
OWN_SESSIONS = 12
"""The attackers' own sessions are so many: what they record must not fill a disk."""


def random_of(seed: int, fuzzer: str, number: int) -> Random:
    """The random source of one case."""
    return random.Random(f"{seed}:{fuzzer}:{number}")


def own_session(draw: Random) -> str:
    """An id that attackers may begin, fill and delete: never one of an honest client's."""
    return f"fuzz_{draw.randrange(OWN_SESSIONS)}"


def session_id(draw: Random, victim: str) -> str:
    """An id of a session as nobody honest gives one; ``victim``: an absolute path outside the sessions folder."""
    return draw.choice(
        (
            lambda: "",
            lambda: draw.choice((".", "..", "...", "-", "~", "*", "%", "$(id)", "`id`", "x.", ".x", " x", "x ")),
            lambda: draw.choice(
                (victim, f"../{victim.rsplit('/', 1)[-1]}", f"a/../../{victim}", victim + "/", f"//{victim}")
            ),
            lambda: draw.choice((".spill", ".import", ".journal", ".recorder.lock", ".trash", ".spill/x", "./x")),
            lambda: draw.choice(WORDS).upper() if draw.random() < 0.3 else draw.choice(WORDS),
            lambda: "a" * draw.choice((127, 128, 129, 255, 256, 4096, 20_000)),
            lambda: text(draw),
            lambda: own_session(draw),
            lambda: own_session(draw).upper(),
            lambda: f"nobody_{draw.randrange(10**6)}",
            lambda: draw.choice(("x/frames/0", "x\\..\\y", "x\0", "x\n", "\rx", "ｘ_0", "réc")),
        )
    )()


def text(draw: Random) -> str:
    """A text that is unkind to somebody: to terminals, parsers, file systems, databases, people."""
    return draw.choice(
        (
            lambda: "",
            lambda: "\0" * draw.randint(1, 5),
            lambda: "\ud800" + draw.choice(("", "x", "\udbff", "\udfff")),
            lambda: "".join(chr(draw.randrange(0x20)) for _ in range(draw.randint(1, 20))),
            lambda: "".join(chr(draw.randrange(0x20, 0xD800)) for _ in range(draw.randint(1, 60))),
            lambda: "".join(chr(draw.randrange(0x10000, 0x110000)) for _ in range(draw.randint(1, 20))),
            lambda: draw.choice("aé☃𝄞\u202e\u2028") * draw.choice((1, 100, 2000, 2001, 30_000)),
            lambda: "e" + "\u0301" * draw.choice((1, 50, 2000)),
            lambda: draw.choice(
                ("x\r\nX-Evil: 1", "x\nSet-Cookie: a=b", "<script>alert(1)</script>", "{{7*7}}", "%s%n%x")
            ),
            lambda: draw.choice(
                ("../../etc/passwd", "/etc/passwd", "C:\\windows\\x", "file:///etc/passwd", "\\\\host\\x")
            ),
            lambda: draw.choice(("' OR 1=1 --", "${jndi:ldap://x}", "$(touch /tmp/x)", "; ls", "| id", "&& id")),
            lambda: draw.choice(("NaN", "null", "true", "-1", "1e999", "0x10", "٣", "1_000", "+1", "1.0", "Infinity")),
        )
    )()


def number(draw: Random) -> str:
    """A number as JSON has it, or as careless writers have it."""
    return draw.choice(
        (
            lambda: draw.choice(
                ("0", "-0", "-1", "1", "2", "3", "1.0", "1.5", "-0.0", "1e0", "1E+2", "01", "+1", ".5", "1.")
            ),
            lambda: str(draw.choice((2**31, 2**32, 2**53, 2**63 - 1, 2**63, 2**64 - 1, 2**64, -(2**63), -(2**63) - 1))),
            lambda: draw.choice(
                ("1e308", "1e309", "1e400", "-1e400", "1e-400", "5e-324", "1e999999999", "NaN", "Infinity")
            ),
            lambda: "1" * draw.choice((20, 400, 4300, 4301, 20_000)),
            lambda: "0." + "1" * draw.choice((20, 400, 20_000)),
            lambda: str(draw.randint(-(2**70), 2**70)),
            lambda: str(draw.uniform(-2, 2)),
        )
    )()


def json_value(draw: Random, depth: int = 0) -> str:
    """The text of any JSON value, and of some that are none."""
    kind = draw.randrange(12 if depth < 3 else 8)
    if kind < 2:
        return json.dumps(text(draw))
    if kind < 4:
        return number(draw)
    if kind == 4:
        return draw.choice(
            ("true", "false", "null", "nul", "True", "undefined", "", "'x'", '"', '"\\u12"', '"\\ud800"')
        )
    if kind == 5:
        return nested(draw.choice((2, 15, 16, 17, 65, 251, 252, 1023, 1025, 5000)))
    if kind == 6:
        levels = draw.choice((3, 16, 17, 250, 1000))
        return '{"a":' * levels + "1" + "}" * levels
    if kind == 7:
        return "[" + ",".join(["0"] * draw.choice((0, 1, 50, 3000))) + "]"
    if kind < 10:
        return "[" + ",".join(json_value(draw, depth + 1) for _ in range(draw.randint(0, 4))) + "]"
    pairs = (f"{json.dumps(text(draw)[:200])}:{json_value(draw, depth + 1)}" for _ in range(draw.randint(0, 4)))
    return "{" + ",".join(pairs) + "}"


def json_object(fields: dict[str, Any], raw: dict[str, str]) -> str:
    """An object of ordinary fields, and of some whose values are texts already."""
    parts = [f"{json.dumps(name)}:{json.dumps(value)}" for name, value in fields.items() if name not in raw]
    parts += [f"{json.dumps(name)}:{value}" for name, value in raw.items()]
    return "{" + ",".join(parts) + "}"


def encoded(value: str) -> bytes:
    """UTF-8, half characters too, as careless writers have it."""
    return value.encode("utf-8", "surrogatepass")


def mutated(draw: Random, data: bytes, tokens: Sequence[bytes] = ()) -> bytes:
    """The bytes with one to four faults in them."""
    found = bytearray(data)
    for _ in range(draw.randint(1, 4)):
        at, kind = draw.randrange(len(found) + 1), draw.randrange(7)
        length = draw.choice((1, 2, 4, 16, 200))
        if kind == 0 and at < len(found):
            found[at] ^= 1 << draw.randrange(8)
        elif kind == 1:
            found[at:at] = draw.randbytes(length)
        elif kind == 2:
            del found[at : at + length]
        elif kind == 3:
            found[at:at] = found[at : at + length] * draw.choice((1, 3, 20))
        elif kind == 4:
            del found[at:]
        elif kind == 5 and tokens:
            found[at:at] = draw.choice(tokens)
        else:
            found[at : at + length] = bytes([draw.choice((0, 0x7F, 0x80, 0xFF))]) * length
    return bytes(found)
