"""What is asked over HTTP of a system whose processes all run. Each line is a name, and a request."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from typing import Any

from tests.golden.pictures import photograph, png
from tests.golden.wire import form

Asked = tuple[str, str, str, bytes | None, dict[str, str]]
"""Name, method, target, body, headers."""

JSON = {"Content-Type": "application/json"}
NEVER = "no_such_session"


def plain(method: str, target: str, name: str | None = None, **headers: str) -> Asked:
    return name or f"{method} {target}", method, target, None, headers


def with_json(name: str, target: str, value: Any, method: str = "POST") -> Asked:
    return name, method, target, json.dumps(value).encode(), JSON


def generating(name: str, *, image: bytes | None = None, **fields: Any) -> Asked:
    """A ``/generate`` that says all that would else be drawn."""
    picture = base64.b64encode(png() if image is None else image).decode()
    wanted = {"image_base64": picture, "focus_sector": "TL", "prompt": "a red rose", "seed": 7, "steps": 1, **fields}
    return with_json(name, "/generate", {key: value for key, value in wanted.items() if value is not ...})


GENERATED: tuple[Asked, ...] = (
    generating("no session is active"),
    generating("a prompt of the sector", prompt=..., target_sector="TL", focus_sector=...),
    generating("focus as a point", focus_sector=..., focus_x=0.25, focus_y=0.125),
    generating("row and column, four sectors", grid_size=2, focus_sector=..., target_row=1, target_col=0),
    generating("both focus and target", target_sector="MC"),
    generating("the focus is the centre", focus_sector="MC"),
    generating(
        "with a fallback, beyond ASCII", prompt="ein Hündchen\nmit Hut", negative_prompt="rain", client_id="äöü"
    ),
    generating("a long prompt", prompt="a red rose " + "🌹" * 900),
    generating("a seed beyond 2^53", seed=2**63 - 1, strength=0.5, guidance_scale=1.5),
    generating("whole numbers with a point", seed=7.0, steps=1.0),
    generating("a drawn seed", seed=...),
    generating("null is left out", negative_prompt=None, strength=None, client_id=None),
    (
        "a form",
        "POST",
        "/generate",
        *form({"focus_sector": "TL", "prompt": "a kite", "seed": "7", "steps": "1"}, photograph()),
    ),
)

REAL = ("no session is active", "a prompt of the sector", "with a fallback, beyond ASCII", "a long prompt", "a form")
"""Those that a real model is asked for; a stand-in is asked for all."""

REFUSED: tuple[Asked, ...] = (
    generating("strict", prompt="a rose, and a xylophone", strict=True),
    generating("no image", image_base64=...),
    generating("the image is no base64", image_base64="***"),
    generating("the image is none", image=b"GIF89a"),
    generating("the image is too small", image=png(32, 32)),
    generating("the image is cut short", image=png()[:-20]),
    generating("neither focus nor target", focus_sector=...),
    generating("a sector of no grid", focus_sector="XX"),
    generating("a sector of the other grid", grid_size=2, focus_sector="MC"),
    generating("two ways to say a focus", focus_x=0.5, focus_y=0.5),
    generating("two fields that do not fit", steps="5", seed=-1),
    generating("steps beyond their limit", steps=201),
    generating("an unknown field", step=4),
    generating("a session that is not active", session_id="another"),
    generating("a session id that is none", session_id="../x"),
    generating("a prompt too long", prompt="x" * 2001),
    ("no JSON", "POST", "/generate", b"{", JSON),
    ("no object", "POST", "/generate", b"[1]", JSON),
    ("nothing at all", "POST", "/generate", b"", JSON),
    ("another type", "POST", "/generate", b"a=b", {"Content-Type": "application/x-www-form-urlencoded"}),
    ("compressed", "POST", "/generate", b"a=b", {**JSON, "Content-Encoding": "gzip"}),
    ("a form without an image", "POST", "/generate", b"--e--\r\n", {"Content-Type": "multipart/form-data; boundary=e"}),
    plain("POST", "/generate?steps=5", "a parameter in the address"),
)

REST: tuple[Asked, ...] = (
    plain("GET", "/"),
    plain("GET", "/?gaze=ws"),
    plain("GET", "/web/icon.svg"),
    plain("GET", "/web/no-such.js"),
    plain("GET", "/docs"),
    plain("GET", "/samples"),
    plain("GET", "/samples/coffee.jpg"),
    plain("GET", "/samples/coffee.jpg/thumbnail"),
    plain("GET", "/samples/no-such.jpg"),
    plain("GET", "/samples/no-such.jpg/thumbnail"),
    plain("GET", "/vocabulary"),
    plain("GET", "/prompts"),
    plain("POST", "/reset"),
    plain("GET", "/prompts", "GET /prompts after the reset"),
    plain("GET", "/ready"),
    plain("GET", "/health"),
    plain("GET", "/ws"),
    plain("GET", "/gaze"),
    plain("GET", "/no/such/path"),
    plain("GET", "/health", "a page of this machine", Origin="http://localhost:5173"),
    plain("GET", "/health", "a foreign page reads", Origin="https://example.org"),
    plain("POST", "/reset", "a foreign page changes", Origin="https://example.org"),
    plain("GET", "/session/replay/next", "a foreign page moves a cursor", Origin="https://example.org"),
    plain("GET", "/health", "a foreign picture", **{"Sec-Fetch-Site": "cross-site"}),
    plain("GET", "/health", "a foreign name", Host="attacker.example"),
    plain(
        "OPTIONS", "/generate", "preflight", Origin="http://localhost:1", **{"Access-Control-Request-Method": "POST"}
    ),
    plain("OPTIONS", "/reset", "foreign preflight", Origin="https://a.b", **{"Access-Control-Request-Method": "POST"}),
)

NO_SESSION: tuple[Asked, ...] = (
    plain("GET", "/session/status", "no session was ever active"),
    plain("GET", "/session/list", "no session at all"),
    plain("POST", "/session/stop", "stop without a session"),
    plain("POST", "/session/start?session_id=..%2Fx", "an id that is none"),
    plain("POST", "/session/start?session_id=replay", "an id that is a word of the API"),
    plain("POST", "/session/start?resume=true", "resume without an id"),
    plain("POST", "/session/start?session_id=a&resume=perhaps", "resume is no truth"),
    plain("POST", "/session/start?session_id=a&session_id=b", "an id twice"),
)


def of_no_session() -> Iterator[Asked]:
    """Every operation on one session, asked of one that is not there, and of one whose id is none."""
    for which, session in (("no such session", NEVER), ("no id", ".hidden")):
        at = f"/session/{session}"
        for method, path in (
            ("GET", ""),
            ("DELETE", ""),
            ("GET", "/export"),
            ("GET", "/entries"),
            ("GET", "/rerun"),
            ("DELETE", "/rerun"),
            ("GET", "/frames/0"),
            ("GET", "/frames/0/input"),
            ("GET", "/frames/0/thumbnail"),
        ):
            yield plain(method, at + path, f"{method} {path or 'the session'}: {which}")
        yield with_json(f"POST /rerun: {which}", f"{at}/rerun", {"into": "b"})
        yield plain("POST", f"/session/replay/{session}", f"POST replay: {which}")
        yield plain("GET", f"/session/compare?a={session}&b=plain", f"GET compare: {which}")


RECORDED: tuple[Asked, ...] = (
    generating("on disk", session_id="plain", durable=True, client_id="headset"),
    generating("fallback", prompt="ein Hündchen", negative_prompt="rain", grid_size=2, focus_sector="TR", durable=True),
    (
        "from a photograph",
        "POST",
        "/generate",
        *form(
            {"focus_x": "0.9", "focus_y": "0.1", "prompt": "a kite", "seed": "9", "steps": "1", "durable": "true"},
            photograph(),
        ),
    ),
)

WHILE_ACTIVE: tuple[Asked, ...] = (
    plain("GET", "/session/status", "a session is active"),
    plain("GET", "/session/list", "one active session"),
    plain("GET", "/session/list?details=true", "details of an active session"),
    plain("GET", "/session/plain", "metadata of an active session"),
    plain("DELETE", "/session/plain", "delete an active session"),
    plain("POST", "/session/start?session_id=plain", "start one that exists"),
    plain("POST", "/session/start?session_id=PLAIN", "start one that differs in case"),
    plain("POST", "/session/start?session_id=plain&resume=true", "resume the active one"),
    generating("another session than the active one", session_id="another"),
    plain("GET", "/health", "health while recording"),
)

STOPPED: tuple[Asked, ...] = (
    plain("POST", "/session/stop", "stop"),
    plain("POST", "/session/stop", "stop again"),
    plain("GET", "/session/status", "after a stop"),
    plain("GET", "/session/list?details=true", "details of a stopped session"),
    plain("GET", "/session/plain", "metadata"),
    plain("HEAD", "/session/plain", "metadata's head"),
    plain("GET", "/session/plain/entries", "entries"),
    plain("GET", "/session/plain/entries?from=1&count=1", "one entry"),
    plain("GET", "/session/plain/entries?from=99", "entries beyond the end"),
    plain("GET", "/session/plain/entries?count=501", "too many entries"),
    plain("GET", "/session/plain/entries?from=-1", "entries before the start"),
    plain("GET", "/session/plain/entries?from=1.5", "entries from between"),
    plain("GET", "/session/plain/frames/0", "frame"),
    plain("GET", "/session/plain/frames/1e0", "frame, in R's way"),
    plain("GET", "/session/plain/frames/0", "a range of a frame", Range="bytes=0-7"),
    plain("GET", "/session/plain/frames/0", "a range beyond it", Range="bytes=99999999-"),
    plain("GET", "/session/plain/frames/99", "no such frame"),
    plain("GET", "/session/plain/frames/x", "no number of a frame"),
    plain("GET", "/session/plain/frames/0/input", "input"),
    plain("GET", "/session/plain/frames/2/input", "input, a photograph"),
    plain("GET", "/session/plain/frames/99/input", "no such input"),
    plain("GET", "/session/plain/frames/0/thumbnail", "thumbnail"),
    plain("GET", "/session/plain/frames/99/thumbnail", "no such thumbnail"),
    plain("GET", "/session/compare?a=plain", "compare with nothing"),
    plain("GET", "/session/compare?a=plain&b=plain&first=-1", "compare from before the start"),
)

REPLAYED: tuple[Asked, ...] = (
    plain("GET", "/session/replay/status", "status of nothing"),
    plain("GET", "/session/replay/next", "next of nothing"),
    plain("GET", "/session/replay/previous", "previous of nothing"),
    plain("POST", "/session/replay/seek?index=0", "seek in nothing"),
    plain("POST", "/session/replay/play", "play nothing"),
    plain("POST", "/session/replay/pause", "pause nothing"),
    plain("POST", "/session/replay/stop", "stop nothing"),
    plain("POST", "/session/replay/plain", "start"),
    plain("GET", "/session/replay/status", "status at the start"),
    plain("GET", "/session/replay/previous", "previous at the start"),
    plain("GET", "/session/replay/next", "first"),
    plain("GET", "/session/replay/next", "second, with a fallback"),
    plain("GET", "/session/replay/next", "third, of a photograph"),
    plain("GET", "/session/replay/next", "the end"),
    plain("GET", "/session/replay/status", "status at the end"),
    plain("GET", "/session/replay/previous", "back from the end"),
    plain("POST", "/session/replay/seek?index=1", "seek"),
    plain("POST", "/session/replay/seek?index=99", "seek beyond the end"),
    plain("POST", "/session/replay/seek", "seek nowhere"),
    plain("POST", "/session/replay/seek?index=x", "seek no number"),
    plain("POST", "/session/replay/plain?cursor=wall", "another cursor"),
    plain("GET", "/session/replay/next?cursor=wall", "next of the other"),
    plain("GET", "/session/replay/status?cursor=wall", "status of the other"),
    plain("GET", "/session/replay/status?cursor=a%0Ab", "a cursor with a line break"),
    plain("POST", "/session/replay/play?speed=0", "no speed"),
    plain("POST", "/session/replay/play?loop=perhaps", "loop is no truth"),
    plain("POST", "/session/replay/pause?cursor=wall", "pause what stands"),
    plain("POST", "/session/replay/stop", "stop"),
    plain("GET", "/session/replay/status", "status after the stop"),
)


def of_every_operation(document: dict[str, Any]) -> Iterator[Asked]:
    """Of each path of the OpenAPI document: a method that it has not, its OPTIONS, a parameter that nobody knows."""
    filled = {"{session_id}": "plain", "{index}": "0", "{name}": "coffee.jpg", "{path}": "icon.svg"}
    for path, methods in document["paths"].items():
        target = path
        for name, value in filled.items():
            target = target.replace(name, value)
        yield plain("PATCH", target, f"PATCH {path}")
        yield plain("OPTIONS", target, f"OPTIONS {path}")
        for method in methods:
            if method in ("get", "post", "delete", "put"):
                yield plain(method.upper(), f"{target}?nonsense=1", f"{method.upper()} {path}?nonsense=1")
