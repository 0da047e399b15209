"""Bad input gets the documented error as JSON, and changes nothing."""

from __future__ import annotations

import asyncio
import base64
import json
import zlib
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from services.api.http.body import MAX_BODY_BYTES
from shared.png_chunks import PNG_SIGNATURE, chunk
from tests.contract.conftest import Site, body, image

pytestmark = pytest.mark.asyncio(loop_scope="module")

MIB = 1024 * 1024
JSON = {"Content-Type": "application/json"}


@pytest.fixture
def site(shared_site: Site) -> Site:
    """One API for all, to which nothing has been asked yet."""
    shared_site.generator.asked.clear()
    return shared_site


def error_of(answer: httpx.Response, status: int, code: str) -> dict[str, Any]:
    """The error, which must be this one, and say something."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/json"
    told: dict[str, Any] = answer.json()
    assert told["error"] == code
    assert len(told["detail"]) > 10
    assert "Traceback" not in answer.text
    return told


@pytest.mark.parametrize(
    "content", [b"", b"{", b"not json", b'{"a": NaN}', b"\xff\xfe{}", b'{"a": "\\ud800"}', b"[" * 5000]
)
async def test_not_json(site: Site, content: bytes) -> None:
    error_of(await site.client.post("/generate", content=content, headers=JSON), 400, "invalid_json")
    assert not site.generator.asked


@pytest.mark.parametrize("content", [b"[]", b"null", b'"text"', b"5"])
async def test_json_that_is_no_object(site: Site, content: bytes) -> None:
    error_of(await site.client.post("/generate", content=content, headers=JSON), 422, "invalid_request")


@pytest.mark.parametrize(
    "kind", ["text/plain", "application/x-www-form-urlencoded", "image/png", "", "application/jsonx"]
)
async def test_another_media_type(site: Site, kind: str) -> None:
    answer = await site.client.post("/generate", content=json.dumps(body()), headers={"Content-Type": kind})
    error_of(answer, 415, "unsupported_media_type")


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"steps": "5"}, "steps"),
        ({"steps": 5.5}, "steps"),
        ({"steps": True}, "steps"),
        ({"steps": 0}, "steps"),
        ({"steps": 201}, "steps"),
        ({"seed": -1}, "seed"),
        ({"seed": 2**63}, "seed"),
        ({"seed": 10**30}, "seed"),
        ({"guidance_scale": 50.1}, "guidance_scale"),
        ({"guidance_scale": "7"}, "guidance_scale"),
        ({"strength": 0}, "strength"),
        ({"strength": 1.01}, "strength"),
        ({"grid_size": 4}, "grid_size"),
        ({"grid_size": "3"}, "grid_size"),
        ({"focus_sector": "XX"}, "focus_sector"),
        ({"focus_sector": "tl"}, "focus_sector"),
        ({"focus_sector": 1}, "focus_sector"),
        ({"focus_sector": "TC", "grid_size": 2}, "focus_sector"),
        ({"target_sector": "MC", "grid_size": 2}, "target_sector"),
        ({"focus_sector": None}, "focus_sector"),
        ({"focus_sector": None, "focus_x": 0.5}, "focus_y"),
        ({"focus_sector": None, "focus_y": 0.5}, "focus_x"),
        ({"focus_sector": None, "focus_x": 1.5, "focus_y": 0.5}, "focus_x"),
        ({"focus_sector": None, "focus_x": 0.5, "focus_y": -0.1}, "focus_y"),
        ({"focus_x": 0.5, "focus_y": 0.5}, "focus_sector"),
        ({"target_sector": "BR", "target_row": 1, "target_col": 1}, "target_sector"),
        ({"target_row": 1}, "target_col"),
        ({"target_row": 3, "target_col": 0}, "target_row"),
        ({"target_row": 0, "target_col": 2, "grid_size": 2}, "target_col"),
        ({"prompt": 5}, "prompt"),
        ({"prompt": "x" * 2001}, "prompt"),
        ({"negative_prompt": "x" * 2001}, "negative_prompt"),
        ({"client_id": 5}, "client_id"),
        ({"supersede": "yes"}, "supersede"),
        ({"durable": 1}, "durable"),
        ({"session_id": 1}, "session_id"),
        ({"step": 5}, "step"),
        ({"image_base64": None}, "image_base64"),
        ({"image_base64": 5}, "image_base64"),
    ],
)
async def test_fields_that_do_not_fit_are_named(site: Site, fields: dict[str, Any], named: str) -> None:
    told = error_of(await site.generate(**fields), 422, "invalid_request")
    assert list(told["fields"]) == [named]
    assert not site.generator.asked


async def test_all_wrong_fields_are_named_at_once(site: Site) -> None:
    told = error_of(await site.generate(image_base64=None, steps="5", x=1), 422, "invalid_request")
    assert set(told["fields"]) == {"image_base64", "steps", "x"}


def _bomb() -> bytes:
    header = (60_000).to_bytes(4) + (60_000).to_bytes(4) + b"\x08\0\0\0\0"
    return PNG_SIGNATURE + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(bytes(MIB))) + chunk(b"IEND", b"")


@pytest.mark.parametrize(
    "data",
    [b"", b"GIF89a" + bytes(50), b"<svg/>", image()[:20], image(63, 64), image(64, 4097), _bomb(), b"\xff\xd8\xff\xe0"],
    ids=["empty", "gif", "svg", "cut off", "small", "tall", "bomb", "half a jpeg"],
)
async def test_images_that_are_none(site: Site, data: bytes) -> None:
    error_of(await site.generate(image_base64=base64.b64encode(data).decode()), 422, "unreadable_image")
    answer = await site.client.post("/generate", data={"focus_sector": "TL"}, files={"image": ("a.png", data)})
    error_of(answer, 422, "unreadable_image")
    assert not site.generator.asked


@pytest.mark.parametrize("text", ["!!!", "aGk", "aGk=aGk=", "data:image/png,abc", "data:;base64", "ä", "aGk\0="])
async def test_text_that_is_not_base64(site: Site, text: str) -> None:
    error_of(await site.generate(image_base64=text), 422, "unreadable_image")


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"", "multipart/form-data; boundary=x"),
        (b"nonsense", "multipart/form-data; boundary=x"),
        (b"--x\r\n\r\n", "multipart/form-data"),
        (b'--x\r\nContent-Disposition: form-data; name="seed"\r\n\r\n5', "multipart/form-data; boundary=x"),
        (b"--x\r\nContent-Disposition: form-data\r\n\r\n5\r\n--x--\r\n", "multipart/form-data; boundary=x"),
    ],
)
async def test_forms_that_are_broken(site: Site, content: bytes, kind: str) -> None:
    answer = await site.client.post("/generate", content=content, headers={"Content-Type": kind})
    error_of(answer, 422, "invalid_request")


@pytest.mark.parametrize(
    ("data", "files", "named"),
    [
        ({"focus_sector": "TL"}, {"picture": image()}, "picture"),
        ({"focus_sector": "TL", "steps": "five"}, {"image": image()}, "steps"),
        ({"focus_sector": "TL", "steps": "1_0"}, {"image": image()}, "steps"),
        ({"focus_sector": "TL", "durable": "perhaps"}, {"image": image()}, "durable"),
        ({"focus_x": "nan", "focus_y": "0"}, {"image": image()}, "focus_x"),
        ({"focus_sector": ["TL", "TR"]}, {"image": image()}, "focus_sector"),
        ({"focus_sector": "TL", "image": "text"}, {"x": image()}, "image"),
    ],
)
async def test_form_fields_that_do_not_fit(site: Site, data: Any, files: Any, named: str) -> None:
    told = error_of(await site.client.post("/generate", data=data, files=files), 422, "invalid_request")
    assert named in told["fields"]


async def test_a_huge_body_is_read_so_that_its_sender_sees_the_answer(site: Site) -> None:
    answer = await site.client.post("/generate", content=bytes(MAX_BODY_BYTES + 1), headers=JSON)
    error_of(answer, 413, "payload_too_large")
    assert (await site.generate()).status_code == 200


async def test_a_client_that_asks_before_it_sends_is_told_at_once(site: Site) -> None:
    """``Expect: 100-continue``, as curl does with a large body."""
    for length, expected in [(MAX_BODY_BYTES + 1, b"HTTP/1.1 413 "), (10, b"HTTP/1.1 100 ")]:
        reader, writer = await asyncio.open_connection("127.0.0.1", site.port)
        head = (
            f"POST /generate HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: {length}"
        )
        writer.write(f"{head}\r\nExpect: 100-continue\r\n\r\n".encode())
        assert (await asyncio.wait_for(reader.readline(), 5)).startswith(expected)
        writer.close()


async def test_a_body_without_end_is_cut_off(site: Site) -> None:
    """Straight over a socket, as HTTP clients differ in when they look at an early answer."""
    reader, writer = await asyncio.open_connection("127.0.0.1", site.port)
    length = 100 * MAX_BODY_BYTES
    head = f"POST /generate HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: {length}"
    writer.write(f"{head}\r\n\r\n".encode())
    answer = await asyncio.wait_for(reader.read(), 5)
    assert answer.startswith(b"HTTP/1.1 413 ")
    assert b'"payload_too_large"' in answer
    writer.close()


async def test_a_body_of_unknown_length_is_cut_off_at_twice_the_limit(site: Site) -> None:
    sent = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal sent
        while True:
            sent += 4 * MIB
            yield bytes(4 * MIB)

    try:
        answer = await site.client.post("/generate", content=endless(), headers=JSON)
    except httpx.TransportError:
        pass  # the connection is closed while the client still sends: it may see that first
    else:
        error_of(answer, 413, "payload_too_large")
    assert sent < 3 * MAX_BODY_BYTES
    assert (await site.generate()).status_code == 200


@pytest.mark.parametrize(
    "session_id",
    [
        "",
        "..",
        "a/b",
        "a%00b",
        "list",
        "replay",
        "import",
        "CON",
        "nul.txt",
        "-a",
        ".a",
        "a.",
        "ä",
        "a b",
        "x" * 129,
        "a\nb",
    ],
)
async def test_ids_that_no_session_may_have(site: Site, session_id: str) -> None:
    answer = await site.client.post("/session/start", params={"session_id": session_id})
    error_of(answer, 422, "invalid_session_id")
    assert (await site.client.get("/session/list")).json() == {"sessions": []}
    assert site.recorder.active is None


RAW_PATHS = [
    "..",
    ".",
    "%2e%2e",
    "..%2F..%2Fetc%2Fpasswd",
    "a%2Fb",
    "a%00b",
    "a%0Ab",
    "%ff%fe",
    "CON",
    "a%5Cb",
    "nothing",
]


@pytest.mark.parametrize("name", RAW_PATHS)
@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/session/{}"),
        ("DELETE", "/session/{}"),
        ("POST", "/session/replay/{}"),
        ("GET", "/session/{}/frames/0"),
    ],
)
async def test_sessions_that_are_not_there(site: Site, method: str, path: str, name: str) -> None:
    status, told = await raw(site, method, path.format(name))
    assert (status, told["error"]) == (404, "session_not_found"), told


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/nothing", 404, "not_found"),
        ("GET", "/session/list/", 404, "not_found"),
        ("GET", "/session/list%0A", 404, "session_not_found"),
        ("GET", "//", 404, "not_found"),
        ("GET", "/session/compare", 422, "invalid_request"),
        ("GET", "/session/compare?a=x", 422, "invalid_request"),
        ("GET", "/session/compare?a=x&b=y", 404, "session_not_found"),
        ("GET", "/session/compare?a=x&b=..", 404, "session_not_found"),
        ("GET", "/session/compare?a=x&b=y&count=0", 422, "invalid_request"),
        ("GET", "/session/compare?a=x&b=y&first=-1", 422, "invalid_request"),
        ("GET", "/session/a/export", 404, "session_not_found"),
        ("GET", "/session/a%2F..%2Fb/export", 404, "session_not_found"),
        ("GET", "/session/import", 405, "method_not_allowed"),
        ("POST", "/session/import?session_id=list", 422, "invalid_session_id"),
        ("POST", "/session/replay/play?speed=fast", 422, "invalid_request"),
        ("POST", "/session/replay/play?speed=0", 422, "invalid_request"),
        ("POST", "/session/replay/play?loop=maybe", 422, "invalid_request"),
        ("POST", "/session/replay/play", 409, "not_replaying"),
        ("POST", "/session/replay/pause", 409, "not_replaying"),
        ("GET", "/session/a/rerun", 404, "session_not_found"),
        ("DELETE", "/session/a/rerun", 404, "session_not_found"),
        ("GET", "/generate", 405, "method_not_allowed"),
        ("PUT", "/generate", 405, "method_not_allowed"),
        ("GET", "/session/start", 405, "method_not_allowed"),
        ("DELETE", "/session/list", 405, "method_not_allowed"),
        ("TRACE", "/health", 405, "method_not_allowed"),
        ("POST", "/session/replay/seek", 422, "invalid_request"),
        ("POST", "/session/replay/seek?index=-1", 422, "invalid_request"),
        ("POST", "/session/replay/seek?index=1&index=2", 422, "invalid_request"),
        ("GET", "/session/replay/next?cursor=", 422, "invalid_request"),
        ("GET", "/session/replay/next?cursor=" + "c" * 129, 422, "invalid_request"),
        ("GET", "/session/list?details=maybe", 422, "invalid_request"),
        ("POST", "/session/start?resume=true", 422, "invalid_session_id"),
        ("GET", "/session/a/frames/one", 422, "invalid_request"),
        ("GET", "/session/replay/next", 409, "not_replaying"),
        ("GET", "/session/replay/previous?cursor=other", 409, "not_replaying"),
        ("POST", "/session/replay/seek?index=0", 409, "not_replaying"),
        ("POST", "/session/stop", 409, "session_not_active"),
    ],
)
async def test_requests_that_lead_nowhere(site: Site, method: str, path: str, status: int, code: str) -> None:
    found, told = await raw(site, method, path)
    assert (found, told["error"]) == (status, code), told


@pytest.mark.parametrize("garbage", [b"hello\r\n\r\n", b"GET / HTTP/1.1\r\nX: " + b"a" * 100_000 + b"\r\n\r\n"])
async def test_what_is_not_http_is_told_so_in_json(site: Site, garbage: bytes) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", site.port)
    writer.write(garbage)
    head, _, content = (await asyncio.wait_for(reader.read(), 5)).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 400 ")
    assert json.loads(content)["error"] == "invalid_request"
    writer.close()


async def test_head_and_options_are_answered_plainly(site: Site) -> None:
    head = await site.client.head("/health")
    assert (head.status_code, head.content) == (200, b"")
    options = await site.client.options("/generate")
    assert options.status_code == 204
    assert "POST" in options.headers["allow"]


async def raw(site: Site, method: str, path: str) -> tuple[int, dict[str, Any]]:
    """A request whose path no client has tidied up: status and JSON."""
    reader, writer = await asyncio.open_connection("127.0.0.1", site.port)
    writer.write(
        f"{method} {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: 0\r\n\r\n".encode()
    )
    head, _, content = (await asyncio.wait_for(reader.read(), 10)).partition(b"\r\n\r\n")
    writer.close()
    told: dict[str, Any] = json.loads(content)
    return int(head.split()[1]), told
