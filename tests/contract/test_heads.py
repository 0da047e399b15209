"""The head of an answer is short, whatever a user, a model, a recording or a page brought: proxies refuse others."""

from __future__ import annotations

import asyncio
import json
from typing import Any
from urllib.parse import unquote

import orjson
import pytest

from services.api.http.headers import TEXTS_BYTES, replayed_headers
from tests.browser.sessions import write_session
from tests.contract.conftest import Site, Sites, body

HEAD_BYTES = 4096
"""nginx holds so much of a head where nobody has told it otherwise. aiohttp takes 8190 a header, Node 16 KiB in all."""

LONG = {
    "ascii": "a" * 2000,
    "words": ("a bee and " * 200).strip(),
    "umlauts": "ä" * 2000,
    "beyond the BMP": "\N{LADY BEETLE}" * 2000,
    "line breaks": "\n" * 2000,
}


async def head_of(site: Site, method: str, path: str, headers: dict[str, str], content: bytes = b"") -> bytes:
    """The head of an answer as it comes over the socket."""
    reader, writer = await asyncio.open_connection("127.0.0.1", site.port, limit=2**20)
    lines = {"Host": "localhost", "Connection": "close", "Content-Length": str(len(content)), **headers}
    told = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
    writer.write(f"{method} {path} HTTP/1.1\r\n{told}\r\n".encode() + content)
    head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 20)
    writer.close()
    return head


def named(head: bytes) -> dict[str, str]:
    lines = (line.partition(": ") for line in head.decode("latin-1").splitlines()[1:] if line)
    return {name.lower(): value for name, _, value in lines}


@pytest.mark.parametrize("prompt", LONG.values(), ids=LONG)
@pytest.mark.parametrize("note", ["", "x" * 5000, "ü" * 5000], ids=["no notes", "long notes", "long notes of umlauts"])
async def test_of_a_generated_frame(sites: Sites, prompt: str, note: str) -> None:
    origin = "https://" + "o" * 250 + ".example"
    site = await sites.new(cors_origins=("*",))
    site.generator.notes = {"object": note, "fallback": {"reason": note}} if note else {}
    session = "s" * 128
    assert (await site.client.post(f"/session/start?session_id={session}")).status_code == 200
    content = json.dumps(body(prompt=prompt, durable=True)).encode()
    head = await head_of(site, "POST", "/generate", {"Content-Type": "application/json", "Origin": origin}, content)
    assert head.startswith(b"HTTP/1.1 200 ")
    assert len(head) <= HEAD_BYTES
    found = named(head)
    assert found["access-control-allow-origin"] == origin
    for name in ("x-prompt", "x-object", "x-fallback"):
        _assert_is_beginning(found, name, {"x-prompt": prompt, "x-object": note}.get(name, f'{{"reason":"{note}"}}'))
    (entry,) = (await site.client.get(f"/session/{session}")).json()["sequence"]
    assert entry["prompt"] == prompt, "the whole is in the entry"
    if prompt.isascii() and not note and "\n" not in prompt:
        assert "x-prompt-truncated" not in found, "2000 characters fit where nothing else is long"


def _assert_is_beginning(found: dict[str, str], name: str, text: str) -> None:
    """A header holds a text, or the beginning of it and says so."""
    if name not in found:
        return
    told = unquote(found[name], errors="strict") if found.get(f"{name}-encoding") == "percent" else found[name]
    assert text.startswith(told)
    assert (told != text) == (found.get(f"{name}-truncated") == "true")
    assert len(told) > 20 or told == text


@pytest.mark.parametrize("path", ["/session/replay/next", "/session/replay/previous", "/session/odd/frames/0"])
async def test_of_a_recording_that_may_have_come_from_anywhere(site: Site, path: str) -> None:
    write_session(site.sessions, "odd", 1)
    file = site.sessions / "odd" / "metadata.json"
    told = orjson.loads(file.read_bytes())
    long = "x\r\nSet-Cookie: a=b\r\n" + "ä" * 30_000
    told["sequence"][0].update(prompt=long, focus_sector=long, seed=long, frame_id=long, target_sector=long)
    told["sequence"][0]["notes"] = {"object": long, "fallback": long}
    file.write_bytes(orjson.dumps(told))
    assert (await site.client.post("/session/replay/odd")).status_code == 200
    head = await head_of(site, "GET", path, {"Origin": "http://localhost:3000"})
    assert head.startswith(b"HTTP/1.1 200 ")
    assert len(head) <= HEAD_BYTES
    assert "set-cookie" not in named(head)
    if "replay" in path:
        found = named(head)
        assert sum(len(found[name]) for name in ("x-prompt", "x-object", "x-fallback")) <= TEXTS_BYTES
        for name in ("x-prompt", "x-object", "x-fallback"):
            _assert_is_beginning(found, name, long)


@pytest.mark.parametrize("prompt", LONG.values(), ids=LONG)
def test_of_a_replayed_frame_all_texts_fit_together(prompt: str) -> None:
    notes = {"object": "ü" * 5000, "fallback": "ü" * 5000}
    headers = replayed_headers({"index": 0, "target_sector": "BR", "prompt": prompt, "notes": notes}, "s" * 128)
    found = {name.lower(): value for name, value in headers.items()}
    assert sum(len(found[name]) for name in ("x-prompt", "x-object", "x-fallback")) <= TEXTS_BYTES
    for name, text in (("x-prompt", prompt), ("x-object", notes["object"]), ("x-fallback", notes["fallback"])):
        _assert_is_beginning(found, name, text)


@pytest.mark.parametrize("sha256", ["x" * 50_000, 'a"\r\nSet-Cookie: a=b', "ä", 5, ["a"]])
async def test_a_hash_that_is_none_is_no_etag(site: Site, sha256: Any) -> None:
    write_session(site.sessions, "odd", 1)
    file = site.sessions / "odd" / "metadata.json"
    told = orjson.loads(file.read_bytes())
    told["sequence"][0]["sha256"] = sha256
    file.write_bytes(orjson.dumps(told))
    head = await head_of(site, "GET", "/session/odd/frames/0", {"If-None-Match": '"x"'})
    assert len(head) <= HEAD_BYTES
    assert not {"set-cookie", "etag"} & set(named(head))


async def test_what_a_page_asks_for_is_not_repeated_without_bound(sites: Sites) -> None:
    site = await sites.new(cors_origins=("*",))
    long = ", ".join(f"x-header-{number}" for number in range(2000))
    asked = {"Origin": "https://lab.example", "Access-Control-Request-Method": "POST"}
    head = await head_of(site, "OPTIONS", "/generate", {**asked, "Access-Control-Request-Headers": long})
    assert head.startswith(b"HTTP/1.1 204 ")
    assert len(head) <= HEAD_BYTES
    head = await head_of(site, "GET", "/health", {"Origin": "https://" + "o" * 30_000})
    assert len(head) <= HEAD_BYTES
    assert "access-control-allow-origin" not in named(head)


async def test_scripts_of_pages_can_read_that_a_header_was_cut(site: Site) -> None:
    answer = await site.client.post(
        "/generate", json=body(prompt=LONG["umlauts"]), headers={"Origin": "http://localhost"}
    )
    assert answer.headers["x-prompt-truncated"] == "true"
    exposed = answer.headers["access-control-expose-headers"].lower().split(", ")
    assert {"x-prompt-truncated", "x-object-truncated", "x-fallback-truncated"} <= set(exposed)
