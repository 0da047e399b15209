"""``Cross-Origin-Resource-Policy``: on every answer, as the page that asks may show it or not."""

from __future__ import annotations

import httpx
import pytest

from services.api.http.operation import WEBSOCKET
from services.api.operations import OPERATIONS
from tests.browser.sessions import write_session
from tests.contract.conftest import Site, Sites

FRIEND = {"Referer": "http://localhost:3000/", "Sec-Fetch-Site": "cross-site", "Sec-Fetch-Dest": "image"}
STRANGER = {**FRIEND, "Referer": "https://evil.example/"}
NOBODY = {name: value for name, value in FRIEND.items() if name != "Referer"}
POLICY = "cross-origin-resource-policy"
TOKEN = "secret"


def filled(path: str) -> str:
    values = {"path": "icon.svg", "name": "x.jpg", "session_id": "there", "index": "0", "sha256": "ab" * 32, "id": "x"}
    return path.format(**values)


@pytest.mark.parametrize(
    ("method", "path"), [key for key in OPERATIONS if key[0] != WEBSOCKET] + [("GET", "/nothing"), ("PUT", "/health")]
)
async def test_every_answer_says_who_may_show_it(site: Site, method: str, path: str) -> None:
    write_session(site.sessions, "there", 1)
    for headers, expected in ((FRIEND, "cross-origin"), (STRANGER, "same-origin"), (NOBODY, "same-site")):
        answer = await site.client.request(method, filled(path), headers=headers)
        assert answer.headers[POLICY] == expected
        assert {"Origin", "Referer"} <= {each.strip() for each in answer.headers["vary"].split(",")}


async def test_an_answer_of_no_body_or_of_a_part_says_so_too(site: Site) -> None:
    write_session(site.sessions, "there", 1)
    frame = "/session/there/frames/0"
    etag = (await site.client.get(frame, headers=FRIEND)).headers["etag"]
    for more, status in (({"If-None-Match": etag}, 304), ({"Range": "bytes=0-9"}, 206)):
        for headers, expected in ((STRANGER, "same-origin"), (FRIEND, "cross-origin")):
            answer = await site.client.get(frame, headers={**headers, **more})
            assert (answer.status_code, answer.headers[POLICY]) == (status, expected)
    assert (await site.client.head(frame, headers=FRIEND)).headers[POLICY] == "cross-origin"


async def test_who_has_the_token_may_show_it_anywhere(sites: Sites) -> None:
    site = await sites.new(api_token=TOKEN)
    write_session(site.sessions, "there", 1)
    frame = "/session/there/frames/0"
    for headers in (STRANGER, NOBODY, FRIEND):
        assert (await site.client.get(frame, headers=headers)).headers[POLICY] == "cross-origin"
    async with httpx.AsyncClient(base_url=site.client.base_url, trust_env=False) as client:
        given = await client.get(frame, params={"token": TOKEN}, headers=STRANGER)
        assert (given.status_code, given.headers[POLICY]) == (200, "cross-origin")
        for params in ({}, {"token": "wrong"}):
            refused = await client.get(frame, params=params, headers=STRANGER)
            assert (refused.status_code, refused.headers[POLICY]) == (401, "same-origin")
        assert (await client.get("/web/icon.svg", headers=STRANGER)).headers[POLICY] == "same-origin", (
            "public, no token"
        )
