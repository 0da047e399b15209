"""Each path says which methods it takes: in the answer to a wrong one, and to ``OPTIONS``."""

from __future__ import annotations

import asyncio

import pytest

from services.api.http.operation import WEBSOCKET
from services.api.operations import OPERATIONS
from shared.session.format.ids import RESERVED
from tests.contract.conftest import Site, Sites

pytestmark = pytest.mark.asyncio(loop_scope="module")

PATHS = sorted({path for _, path in OPERATIONS})
METHODS = ("GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "PROPFIND", "QUERY", "CONNECT")
ORIGIN = "http://localhost:3000"
ROOT = "/lab/gaze"


@pytest.fixture
def site(shared_site: Site) -> Site:
    return shared_site


def taken(path: str) -> list[str]:
    """What the table says that a path takes."""
    found = [method for method, each in OPERATIONS if each == path and method != WEBSOCKET]
    return [*found, *(["HEAD"] if "GET" in found else []), "OPTIONS"]


def filled(path: str) -> str:
    values = {"path": "icon.svg", "name": "x.jpg", "session_id": "nobody", "index": "0", "sha256": "ab" * 32, "id": "x"}
    return path.format(**values)


async def asked(site: Site, method: str, path: str, *more: str) -> tuple[int, dict[str, str], bytes]:
    """Status, headers and body, of a request that no client has tidied up."""
    reader, writer = await asyncio.open_connection("127.0.0.1", site.port)
    lines = [f"{method} {path} HTTP/1.1", "Host: localhost", "Connection: close", *more, "", ""]
    writer.write("\r\n".join(lines).encode())
    head, _, body = (await asyncio.wait_for(reader.read(), 20)).partition(b"\r\n\r\n")
    writer.close()
    first, *rest = head.decode("latin-1").split("\r\n")
    return int(first.split()[1]), {n.lower(): v for n, _, v in (line.partition(": ") for line in rest)}, body


def listed(headers: dict[str, str]) -> list[str]:
    return sorted(headers["allow"].split(", "))


@pytest.mark.parametrize("path", PATHS)
async def test_allow_is_what_the_table_says(site: Site, path: str) -> None:
    expected = sorted(taken(path))
    for method in METHODS:
        status, headers, body = await asked(site, method, filled(path))
        if method == "OPTIONS":
            assert (status, listed(headers), body) == (204, expected, b"")
        elif method in expected:
            assert status != 405, "it is taken"
            assert "allow" not in headers
        else:
            assert (status, listed(headers)) == (405, expected), method
            said = [b"method_not_allowed", *(each.encode() for each in expected)]
            assert method == "HEAD" or all(each in body for each in said), "the sentence says them too"


@pytest.mark.parametrize("word", sorted(RESERVED))
async def test_a_word_of_the_api_is_no_session(site: Site, word: str) -> None:
    """``/session/start`` is a path of its own, and no case of ``/session/{session_id}``."""
    for path in (f"/session/{word}", f"/session/replay/{word}"):
        status, headers, _ = await asked(site, "PUT", path)
        if path in PATHS:
            assert (status, listed(headers)) == (405, sorted(taken(path)))
        else:
            assert status == 404
            assert "allow" not in headers
            assert (await asked(site, "OPTIONS", path))[0] == 404


@pytest.mark.parametrize("path", ["/nothing", "/health/", "/session/", "/session/list/", "//", "/HEALTH", "/ws/x"])
async def test_a_path_that_is_not_there_has_no_methods(site: Site, path: str) -> None:
    for method in ("GET", "PUT", "OPTIONS", "DELETE"):
        status, headers, _ = await asked(site, method, path)
        assert (status, "allow" in headers) == (404, False), method


async def test_the_server_as_a_whole_can_be_asked(site: Site) -> None:
    status, headers, _ = await asked(site, "OPTIONS", "*")
    assert (status, headers["allow"]) == (204, "GET, HEAD, POST, DELETE, OPTIONS")
    assert (await asked(site, "GET", "*"))[0] != 200


async def test_a_preflight_lets_a_script_see_why_its_request_fails(site: Site) -> None:
    preflight = (f"Origin: {ORIGIN}", "Access-Control-Request-Method: DELETE")
    for path, allow in (("/health", "GET, HEAD, OPTIONS"), ("/nothing", None)):
        status, headers, _ = await asked(site, "OPTIONS", path, *preflight)
        assert (status, headers.get("allow")) == (204, allow)
        assert "DELETE" in headers["access-control-allow-methods"]
        assert headers["access-control-allow-origin"] == ORIGIN
        failed = await asked(site, "DELETE", path, f"Origin: {ORIGIN}")
        assert failed[0] in (404, 405)
        assert failed[1]["access-control-allow-origin"] == ORIGIN


@pytest.mark.parametrize("method", ["FOO", "get", "G@T"])
async def test_what_is_no_method_is_no_http(site: Site, method: str) -> None:
    status, headers, body = await asked(site, method, "/health")
    assert (status, headers["content-type"]) == (400, "application/json")
    assert b"invalid_request" in body


@pytest.mark.asyncio(loop_scope="function")
async def test_under_a_prefix_and_without_it(sites: Sites) -> None:
    site = await sites.new(root_path=ROOT, api_token="secret")
    token = "Authorization: Bearer secret"
    for prefix in ("", ROOT):
        for path in ("/session/nobody", "/session/nobody/rerun", "/session/start", "/ws", "/"):
            status, headers, _ = await asked(site, "PUT", prefix + path, token)
            assert (status, listed(headers)) == (405, sorted(taken(filled_back(path))))
            assert (await asked(site, "OPTIONS", prefix + path))[1]["allow"] == headers["allow"]
            if path != "/":
                assert (await asked(site, "PUT", prefix + path))[0] == 401, "who has no token learns nothing"
    status, headers, _ = await asked(site, "POST", ROOT, token)
    assert (status, listed(headers)) == (405, ["GET", "HEAD", "OPTIONS"]), "the page without its slash"


def filled_back(path: str) -> str:
    return path.replace("nobody", "{session_id}")
