"""A request whose head can be read in two ways is answered with 400, a WebSocket's handshake too; no log is filled."""

from __future__ import annotations

import asyncio
import json
import logging

import pytest

from services.api.edge.heads import SINGLE
from tests.contract.conftest import Site

pytestmark = pytest.mark.asyncio(loop_scope="module")

HOST = "Host: localhost"
HANDSHAKE = (
    "Upgrade: websocket",
    "Connection: Upgrade",
    "Sec-WebSocket-Version: 13",
    "Sec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==",
)
VALUES = {
    "access-control-request-method": "GET",
    "access-control-request-private-network": "true",
    "authorization": "Bearer x",
    "content-length": "0",
    "content-type": "application/json",
    "host": "localhost",
    "if-range": '"x"',
    "origin": "http://localhost",
    "range": "bytes=0-1",
    "referer": "http://localhost/",
    "sec-fetch-site": "same-origin",
    "transfer-encoding": "chunked",
}
"""A value, of each header that there is once, with which a request is answered."""


@pytest.fixture
def site(shared_site: Site) -> Site:
    return shared_site


async def sent(site: Site, first_line: str, *lines: str, body: bytes = b"") -> tuple[int, bytes]:
    """Status and body of the answer to what no client would send."""
    reader, writer = await asyncio.open_connection("127.0.0.1", site.port)
    writer.write("\r\n".join([first_line, *lines, "", ""]).encode("latin-1") + body)
    head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 10)
    told = b"" if head.startswith(b"HTTP/1.1 101") else await asyncio.wait_for(reader.read(), 10)
    writer.close()
    return int(head.split()[1]), told


async def assert_refused(site: Site, first_line: str, *lines: str, body: bytes = b"") -> None:
    status, told = await sent(site, first_line, *lines, body=body)
    assert status == 400, (first_line, lines, told)
    assert json.loads(told)["error"] == "invalid_request"
    assert len(json.loads(told)["detail"]) > 10


async def test_each_is_tried() -> None:
    assert {name.encode() for name in VALUES} == SINGLE


@pytest.mark.parametrize("name", VALUES)
@pytest.mark.parametrize("second", ["the same", "another", "empty", "other case"])
async def test_twice(site: Site, name: str, second: str) -> None:
    value = VALUES[name]
    again = {"another": f"x{value}", "empty": ""}.get(second, value)
    pair = (f"{name}: {value}", f"{name.upper() if second == 'other case' else name}: {again}")
    close = "Connection: close"
    host = () if name == "host" else (HOST,)
    length = () if name in ("content-length", "transfer-encoding") else ("Content-Length: 0",)
    body = b"0\r\n\r\n" if name == "transfer-encoding" else b""
    for method, path in (("POST", "/reset"), ("GET", "/health"), ("OPTIONS", "/"), ("DELETE", "/nothing")):
        await assert_refused(site, f"{method} {path} HTTP/1.1", *host, *pair, *length, close, body=body)
        if name not in ("host", "transfer-encoding"):
            for one in ((pair[0],), ("X-Other: a", pair[0], "X-Other: b")):
                status, _ = await sent(site, f"{method} {path} HTTP/1.1", *host, *one, *length, close)
                assert status != 400, "once is right, and others may stand twice"
    await assert_refused(site, "GET /gaze HTTP/1.1", *host, *pair, *HANDSHAKE)
    await assert_refused(site, "GET /gaze HTTP/1.1", pair[0], *host, *HANDSHAKE, pair[1])


@pytest.mark.parametrize(
    ("target", "host", "status"),
    [
        ("/health", "localhost", 200),
        ("/health", "localhost ", 200),
        ("/health", "LOCALHOST:8001", 200),
        ("/health", "[::1]:8001", 200),
        ("/health", "evil.example", 403),
        ("/health", "", 403),
        ("/health", None, 400),
        ("/health", "localhost, evil.example", 400),
        ("/health", "localhost evil.example", 400),
        ("/health", "evil.example@localhost", 400),
        ("/health", "localhost/evil", 400),
        ("/health", "http://localhost", 400),
        ("/health", "localhost:80:80", 400),
        ("/health", "localhost:port", 400),
        ("/health", "[localhost", 400),
        ("/health", "loc\xe4lhost", 400),
        ("/health", "localhost?x", 400),
        ("http://localhost/health", "localhost", 200),
        ("HTTP://LocalHost/health?token=x", "localhost", 200),
        ("http://localhost:8001/health", "localhost:8001", 200),
        ("http://evil.example/health", "localhost", 400),
        ("http://localhost/health", "evil.example", 400),
        ("http://evil.example/health", "evil.example", 403),
        ("http://localhost@evil.example/health", "localhost", 400),
        ("http://evil.example@localhost/health", "localhost", 400),
        ("http://localhost/health", None, 400),
        ("https://evil.example/health", "localhost", 400),
        ("ftp://localhost/health", "localhost", 400),
        ("health", "localhost", 400),
        ("?health", "localhost", 400),
        ("localhost:80", "localhost", 400),
    ],
)
async def test_who_is_asked(site: Site, target: str, host: str | None, status: int) -> None:
    lines = [] if host is None else [f"Host: {host}"]
    found, told = await sent(site, f"GET {target} HTTP/1.1", *lines, "Connection: close")
    assert found == status, told
    handshake = await sent(site, f"GET {target.replace('/health', '/gaze')} HTTP/1.1", *lines, *HANDSHAKE)
    assert handshake[0] == (101 if status == 200 else status)


async def test_without_a_path_it_is_the_page(site: Site) -> None:
    for target in ("http://localhost", "http://localhost?gaze=ws"):
        status, told = await sent(site, f"GET {target} HTTP/1.1", HOST, "Connection: close")
        assert (status, told[:15]) == (200, b"<!doctype html>")


async def test_the_host_of_an_old_requests_first_line_counts(site: Site) -> None:
    assert (await sent(site, "GET http://localhost/health HTTP/1.0"))[0] == 200
    assert (await sent(site, "GET http://evil.example/health HTTP/1.0"))[0] == 403


@pytest.mark.parametrize(
    "lines",
    [
        ("Content-Length: 0", "Transfer-Encoding: chunked"),
        ("Transfer-Encoding: chunked", "Content-Length: 0"),
        ("Transfer-Encoding: gzip, chunked",),
        ("Transfer-Encoding: chunked, chunked",),
        ("Transfer-Encoding: chunked, identity",),
        ("Transfer-Encoding: xchunked",),
        ("Transfer-Encoding:",),
        ("Content-Length: 0, 0",),
        ("Content-Length: +0",),
        ("Content-Length: 0x0",),
        ("Content-Length: -1",),
        ("Content-Length: 99999999999999999999999999",),
        ("Origin: http://localhost", " evil"),
        ("Origin : http://localhost",),
        ("X: a\rY: b",),
        ("X: a\nY: b",),
        ("X: a\0",),
    ],
)
async def test_where_it_ends_is_left_open(site: Site, lines: tuple[str, ...]) -> None:
    await assert_refused(site, "POST /reset HTTP/1.1", HOST, *lines, "Connection: close", body=b"0\r\n\r\n")
    await assert_refused(site, "GET /gaze HTTP/1.1", HOST, *lines, *HANDSHAKE, body=b"0\r\n\r\n")


async def test_an_old_request_is_not_chunked(site: Site) -> None:
    await assert_refused(site, "POST /reset HTTP/1.0", HOST, "Transfer-Encoding: chunked", body=b"0\r\n\r\n")


async def test_what_follows_a_refused_request_is_not_answered(site: Site) -> None:
    """A second request in what one reader takes for the first one's body."""
    hidden = b"POST /session/start?session_id=smuggled HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n"
    for lines in (("Transfer-Encoding: gzip, chunked",), ("Host: localhost",), ("Origin: x", "Origin: y")):
        _, told = await sent(site, "POST /reset HTTP/1.1", HOST, *lines, body=b"0\r\n\r\n" + hidden)
        assert told.count(b"{") == 1
    assert site.recorder.active is None


async def test_a_handshake_has_no_body(site: Site) -> None:
    await assert_refused(site, "GET /gaze HTTP/1.1", HOST, "Content-Length: 5", *HANDSHAKE, body=b"hello")
    await assert_refused(site, "GET /gaze HTTP/1.1", HOST, "Transfer-Encoding: chunked", *HANDSHAKE, body=b"0\r\n\r\n")
    assert (await sent(site, "GET /gaze HTTP/1.1", HOST, "Content-Length: 0", *HANDSHAKE))[0] == 101


@pytest.mark.parametrize(
    ("name", "values", "status"),
    [
        ("Content-Encoding", ("identity", "gzip"), 415),
        ("Content-Encoding", ("gzip", "identity"), 415),
        ("Content-Encoding", ("identity", "identity"), 200),
    ],
)
async def test_several_lines_are_one_list(site: Site, name: str, values: tuple[str, str], status: int) -> None:
    lines = [f"{name}: {value}" for value in values]
    found, _ = await sent(
        site, "POST /reset HTTP/1.1", HOST, *lines, "Content-Length: 2", "Connection: close", body=b"{}"
    )
    assert found == status


async def test_a_tag_in_any_line_matches(site: Site) -> None:
    etag = (await site.client.get("/")).headers["etag"]
    for lines in (
        (f'If-None-Match: "x", {etag}',),
        ('If-None-Match: "x"', f"If-None-Match: W/{etag}"),
        ("If-None-Match: *",),
    ):
        assert (await sent(site, "GET / HTTP/1.1", HOST, *lines, "Connection: close"))[0] == 304
    assert (await sent(site, "GET / HTTP/1.1", HOST, 'If-None-Match: "x"', "Connection: close"))[0] == 200


async def test_what_a_client_did_wrong_is_no_error_of_ours(site: Site, caplog: pytest.LogCaptureFixture) -> None:
    foreign = "Origin: https://evil.example"
    for path, line, status in (
        ("/gaze", foreign, 403),
        ("/gaze", HOST, 400),
        ("/nothing", "X: y", 404),
        ("/gaze?listen=maybe", "X: y", 422),
        ("/gaze?listen=true&listen=true", "X: y", 422),
    ):
        assert (await sent(site, f"GET {path} HTTP/1.1", HOST, line, *HANDSHAKE))[0] == status
    assert [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING] == []
    assert (await site.health())["status"] == "ok"
