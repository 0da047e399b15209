"""Bodies that mean to make work: refused with a short answer, in little memory, while everybody else is answered."""

from __future__ import annotations

import asyncio
import json
import tracemalloc
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from services.api.routes.reruns import MAX_ITEMS
from shared.refusals import MAX_NAMED
from tests.contract.conftest import Site

pytestmark = pytest.mark.asyncio(loop_scope="module")

MIB = 1024 * 1024
SIZE = 24 * MIB
MAX_ANSWER_BYTES = 8192
FORM = "multipart/form-data; boundary=x"
PART = b'--x\r\nContent-Disposition: form-data; name="%s"\r\n\r\n'


@pytest.fixture
def site(shared_site: Site) -> Site:
    """One API for all, to which nothing has been asked yet."""
    shared_site.generator.asked.clear()
    return shared_site


def repeated(begin: bytes, piece: bytes) -> Iterator[bytes]:
    """A body that is not in memory."""
    yield begin
    block = piece * (64 * 1024 // len(piece) + 1)
    for _ in range(SIZE // len(block)):
        yield block


def unknown_keys() -> Iterator[bytes]:
    yield b"{"
    for block in range(SIZE // 120_000):
        yield b"".join(b'"k%09d":0,' % (block * 8000 + number) for number in range(8000))
    yield b'"last":0}'


JSON_BODIES: dict[str, Callable[[], Iterator[bytes]]] = {
    "unknown keys": unknown_keys,
    "lists within lists": lambda: repeated(b'{"a":', b"["),
    "objects within objects": lambda: repeated(b"", b'{"a":'),
    "flat numbers": lambda: repeated(b'{"a":[', b"1,"),
    "flat empty lists": lambda: repeated(b'{"a":[', b"[],"),
    "flat empty texts": lambda: repeated(b'{"a":[', b'"",'),
    "one number": lambda: repeated(b'{"a":', b"1"),
    "one name": lambda: repeated(b'{"', b"a"),
    "one text": lambda: repeated(b'{"prompt":"', b"a"),
    "escaped quotes": lambda: repeated(b'{"prompt":"', b'\\"'),
    "backslashes": lambda: repeated(b'{"prompt":"', b"\\\\"),
    "blanks": lambda: repeated(b"{", b" "),
    "nothing of JSON": lambda: repeated(b"", b"\xff"),
    "backslashes for an image": lambda: repeated(b'{"image_base64":"', b"\\\\"),
    "escapes for an image": lambda: repeated(b'{"image_base64":"', b"\\u00e4"),
    "an image of no base64": lambda: repeated(b'{"image_base64":"', b"!"),
    "images within images": lambda: repeated(b"", b'{"image_base64":'),
}
FORMS: dict[str, Callable[[], Iterator[bytes]]] = {
    "tiny parts": lambda: repeated(b"", PART % b"a" + b"1\r\n"),
    "parts without a name": lambda: repeated(b"", b"--x\r\n\r\n\r\n"),
    "headers without end": lambda: repeated(b"--x\r\n", b"a: b\r\n"),
    "one header's name": lambda: repeated(b"--x\r\n", b"a"),
    "one header's value": lambda: repeated(b"--x\r\na: ", b"a"),
    "a long field": lambda: repeated(PART % b"prompt", b"a"),
    "blank lines before": lambda: repeated(b"", b"\r\n"),
    "something before": lambda: repeated(b"", b"-"),
    "something behind": lambda: repeated(PART % b"prompt" + b"1\r\n--x--\r\n", b"\r\n--x"),
}
CASES = [
    *[("application/json", case) for case in JSON_BODIES.values()],
    *[(FORM, case) for case in FORMS.values()],
]
NAMES = [*JSON_BODIES, *FORMS]


async def answer_to(site: Site, path: str, kind: str, pieces: Iterator[bytes]) -> tuple[int, bytes]:
    """Status and body of the answer to a chunked request."""
    reader, writer = await asyncio.open_connection("127.0.0.1", site.port)
    head = f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: {kind}\r\nTransfer-Encoding: chunked"
    writer.write(f"{head}\r\nConnection: close\r\n\r\n".encode())
    for piece in filter(None, pieces):  # an empty chunk is the last one
        writer.write(b"%x\r\n" % len(piece) + piece + b"\r\n")
        await writer.drain()
    writer.write(b"0\r\n\r\n")
    answer = await asyncio.wait_for(reader.read(), 60)
    writer.close()
    head_bytes, _, told = answer.partition(b"\r\n\r\n")
    return int(head_bytes.split()[1]), told


@pytest.mark.parametrize(("kind", "case"), CASES, ids=NAMES)
async def test_a_body_of_nothing_but_work(site: Site, kind: str, case: Callable[[], Iterator[bytes]]) -> None:
    asked = asyncio.create_task(answer_to(site, "/generate", kind, case()))
    healthy = 0
    while not asked.done():
        assert (await site.client.get("/health")).status_code == 200
        healthy += 1
    status, answer = await asked
    told: dict[str, Any] = json.loads(answer)
    assert status in (400, 422), told
    assert len(answer) < MAX_ANSWER_BYTES
    assert len(told.get("fields", {})) <= MAX_NAMED
    assert healthy >= 2, "others are answered while it comes"
    assert not site.generator.asked


@pytest.mark.parametrize(("kind", "case"), CASES, ids=NAMES)
async def test_it_takes_no_memory(site: Site, kind: str, case: Callable[[], Iterator[bytes]]) -> None:
    first = b"".join(piece for piece, _ in zip(case(), range(20), strict=False))
    await answer_to(site, "/generate", kind, iter([first]))  # what is made once
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        await answer_to(site, "/generate", kind, repeated(first, first[-100_000:]))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak - before < SIZE / 4


@pytest.mark.parametrize(
    "inside",
    [
        b'"k%d":0,',
        b'"into":"b","prompts":{"default":["%07d",' + b"[],1," * 20,
        b'"into":"b","prompts":{"default":[%d' + b",1" * 50,
    ],
    ids=["unknown keys", "lists", "numbers"],
)
async def test_a_rerun_is_no_way_round(site: Site, inside: bytes) -> None:
    content = b"{" + b"".join(inside % number for number in range(4 * MIB // len(inside)))
    for length in (4 * MIB, 200_000):
        status, answer = await answer_to(site, "/session/a/rerun", "application/json", iter([content[:length]]))
        assert status in (400, 422), answer
        assert len(answer) < MAX_ANSWER_BYTES


async def test_a_rerun_of_many_prompts_is_taken_in(site: Site) -> None:
    prompts = [f"a bee, a cat, number {number}" for number in range(MAX_ITEMS // 4)]
    answer = await site.client.post("/session/nowhere/rerun", json={"into": "b", "prompts": {"default": prompts}})
    assert answer.json()["error"] == "session_not_found"


@pytest.mark.parametrize("path", ["/generate", "/session/start", "/health", "/session/a/rerun"])
async def test_more_parameters_than_anybody_has(site: Site, path: str) -> None:
    method = "GET" if path == "/health" else "POST"
    for query in ("&".join(f"p{number}=1" for number in range(6000)), "&" * 60_000, "token=&" * 8000):
        answer = await site.client.request(method, f"{path}?{query}")
        assert answer.status_code == 422, answer.text
        assert len(answer.content) < MAX_ANSWER_BYTES


async def test_a_body_that_nobody_wants_is_not_kept(site: Site) -> None:
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        status, _ = await answer_to(site, "/reset", "text/plain", repeated(b"", b"x"))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert status == 422
    assert peak - before < SIZE / 4
