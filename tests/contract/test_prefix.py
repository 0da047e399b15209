"""Under a prefix, and for load balancers: without a real proxy, so that each side of it can be seen alone."""

from __future__ import annotations

import asyncio

import httpx
import pytest
import websockets

from services.api.operations import build
from tests.contract.conftest import Site, Sites, body

ROOT = "/lab/parafovea"


@pytest.fixture
async def prefixed(sites: Sites) -> Site:
    return await sites.new(root_path=ROOT)


@pytest.mark.parametrize("prefix", [ROOT, ""], ids=["left on by the proxy", "taken off"])
async def test_it_answers_with_and_without_the_prefix(prefixed: Site, prefix: str) -> None:
    client = prefixed.client
    assert (await client.get(f"{prefix}/")).headers["content-type"].startswith("text/html")
    assert (await client.get(f"{prefix}/web/js/main.js")).status_code == 200
    assert (await client.get(f"{prefix}/health")).status_code == 200
    assert (await client.post(f"{prefix}/generate", json=body())).status_code == 200
    assert (await client.post(f"{prefix}/session/start?session_id=s")).status_code == 200
    assert (await client.get(f"{prefix}/session/s")).status_code == 200
    assert (await client.get(f"{prefix}/session/a%2Fb")).json()["error"] == "session_not_found"
    assert (await client.get(f"{prefix}/nothing")).json()["error"] == "not_found"
    async with websockets.connect(f"ws://127.0.0.1:{prefixed.port}{prefix}/ws") as viewer:
        assert "hello" in str(await viewer.recv())
    foreign = {"Sec-Fetch-Site": "cross-site"}
    assert (await client.get(f"{prefix}/session/replay/next", headers=foreign)).status_code == 403


async def test_no_address_in_the_page_begins_at_the_root_of_its_host(prefixed: Site) -> None:
    page = (await prefixed.client.get("/")).text
    assert 'src="/' not in page
    assert 'href="/' not in page
    assert "url(/" not in (await prefixed.client.get("/web/style/tokens.css")).text
    docs = (await prefixed.client.get("/docs")).text
    assert 'href="/' not in docs


async def test_the_document_says_where_it_is(prefixed: Site, sites: Sites) -> None:
    for path in ("/openapi.json", f"{ROOT}/openapi.json"):
        assert (await prefixed.client.get(path)).json() == {**build(), "servers": [{"url": ROOT}]}
    plain = await sites.new()
    assert (await plain.client.get("/openapi.json")).json() == build()


async def test_the_page_without_its_slash_leads_to_it(prefixed: Site) -> None:
    answer = await prefixed.client.get(f"{ROOT}?gaze=ws")
    assert (answer.status_code, answer.headers["location"]) == (307, f"{ROOT}/?gaze=ws")
    long = await prefixed.client.get(f"{ROOT}?token={'t' * 20_000}")
    assert (long.status_code, long.json()["error"]) == (422, "invalid_request")
    for near in (f"{ROOT}x", f"{ROOT}//", "/lab"):
        assert (await prefixed.client.get(near)).status_code == 404


async def test_the_page_is_public_under_the_prefix_too(sites: Sites) -> None:
    site = await sites.new(root_path=ROOT, api_token="secret")
    async with httpx.AsyncClient(base_url=site.client.base_url, trust_env=False) as client:
        assert (await client.get(f"{ROOT}/")).status_code == 200
        assert (await client.get(f"{ROOT}/web/js/main.js")).status_code == 200
        assert (await client.get(f"{ROOT}/session/list")).status_code == 401
        assert (await client.get(f"{ROOT}/session/list", params={"token": "secret"})).status_code == 200


@pytest.mark.parametrize(
    ("lines", "status"),
    [
        (["OPTIONS / HTTP/1.0"], 204),
        (["GET /health HTTP/1.0"], 200),
        (["HEAD /health HTTP/1.0"], 200),
        (["GET /ready HTTP/1.0"], 200),
        (["GET /health HTTP/1.0", "Host:"], 403),
        (["GET /health HTTP/1.1", "Host: evil.example", "Connection: close"], 403),
        (["OPTIONS / HTTP/1.1", "Host: evil.example", "Connection: close"], 204),
    ],
)
async def test_a_load_balancer_may_check(site: Site, lines: list[str], status: int) -> None:
    """HAProxy's checks are HTTP/1.0, without a Host."""
    reader, writer = await asyncio.open_connection("127.0.0.1", site.port)
    writer.write("\r\n".join([*lines, "", ""]).encode())
    answer = await asyncio.wait_for(reader.read(), 5)
    writer.close()
    assert int(answer.split()[1]) == status


async def test_forwarded_headers_are_believed_by_nobody(site: Site) -> None:
    told = {
        "X-Forwarded-Host": "localhost",
        "X-Forwarded-Proto": "https",
        "X-Forwarded-Prefix": "/evil",
        "X-Forwarded-For": "127.0.0.1",
        "Forwarded": "host=localhost",
    }
    assert (await site.client.get("/openapi.json", headers=told)).json() == build()
    assert (await site.client.get("/health", headers={**told, "Host": "evil.example"})).status_code == 403
    foreign = {**told, "X-Forwarded-Host": "evil.example", "Origin": "https://evil.example"}
    assert (await site.client.post("/reset", headers=foreign)).status_code == 403
