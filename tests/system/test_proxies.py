"""Behind a proxy, under a prefix: all works with the configurations of ``docs/proxies.md`` as they stand there."""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import socket
from collections.abc import Iterator

import httpx
import pytest
import websockets

from tests.support.buses import short_folder
from tests.support.proxies import PREFIX, find, running
from tests.support.studio import Studio, flat_png, noise_png, studio_in
from tests.support.waiting import eventually_async

pytestmark = pytest.mark.system

ORIGIN = "http://lab.example"
MIB = 1024 * 1024


@pytest.fixture(scope="module")
def studio() -> Iterator[Studio]:
    """Everything up, set up as the document says."""
    settings = {"PARAFOVEA_CORS_ORIGINS": ORIGIN, "PARAFOVEA_ROOT_PATH": PREFIX}
    with short_folder() as folder, studio_in(folder, **settings) as made:
        made.start_everything()
        yield made


@pytest.fixture(scope="module", params=["nginx", "caddy", "haproxy"])
def proxy(request: pytest.FixtureRequest, studio: Studio) -> Iterator[str]:
    """A proxy's address."""
    name = request.param
    if find(name) is None:
        reason = f"no {name} here: its configuration is not tested (apt-get install {name})"
        pytest.fail(reason) if name == "nginx" and os.environ.get("CI") else pytest.skip(reason)
    with short_folder() as folder, running(name, folder, studio.port) as url:
        yield url


@pytest.fixture
def browser(proxy: str) -> Iterator[httpx.Client]:
    """A client that says what a page's fetch() says."""
    headers = {"Host": "lab.example", "Origin": ORIGIN, "Sec-Fetch-Site": "same-origin"}
    with httpx.Client(base_url=proxy + PREFIX, headers=headers, timeout=60, trust_env=False) as client:
        yield client


def generate(browser: httpx.Client, image: bytes, **fields: str) -> httpx.Response:
    return browser.post("/generate", data={"focus_sector": "TL", "seed": "1", **fields}, files={"image": image})


def test_the_page_is_there_with_and_without_the_slash(browser: httpx.Client) -> None:
    bare = browser.get(str(browser.base_url).removesuffix("/"))
    assert bare.status_code in (301, 302, 307, 308)
    assert bare.headers["location"] == f"{PREFIX}/"
    page = browser.get("/")
    assert page.headers["content-type"].startswith("text/html")
    assert browser.get("/web/js/main.js").status_code == 200
    assert browser.get("/openapi.json").json()["servers"] == [{"url": PREFIX}]
    assert browser.get("/docs").status_code == 200


def test_pictures_go_both_ways_whatever_their_size(browser: httpx.Client) -> None:
    large = noise_png(1200, 1200, seed=1)
    assert len(large) > 4 * MIB
    answer = generate(browser, large, prompt="a bee")
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "image/png"
    assert browser.post("/generate", content=bytes(97 * MIB)).json()["error"] == "payload_too_large"


@pytest.mark.parametrize("prompt", ["a" * 2000, "ä" * 2000, "\N{LADY BEETLE}" * 2000])
def test_no_prompt_makes_the_answer_too_long_for_a_proxy(browser: httpx.Client, prompt: str) -> None:
    answer = generate(browser, flat_png(96, 64), prompt=prompt)
    assert answer.status_code == 200, answer.text


def test_a_session_is_recorded_replayed_taken_out_and_in(browser: httpx.Client, proxy: str, studio: Studio) -> None:
    name = f"s{proxy.rpartition(':')[2]}"
    assert browser.post(f"/session/start?session_id={name}").status_code == 200
    made = generate(browser, flat_png(96, 64), durable="true")
    assert made.headers["x-recorded"] == "disk"
    assert browser.post("/session/stop").json()["recorded"] == 1
    assert browser.post(f"/session/replay/{name}?cursor={name}").status_code == 200
    replayed = browser.get(f"/session/replay/next?cursor={name}")
    assert hashlib.sha256(replayed.content).digest() == hashlib.sha256(made.content).digest()
    archive = browser.get(f"/session/{name}/export").content
    imported = browser.post(f"/session/import?session_id={name}-2", content=archive).json()
    assert (imported["status"], imported["frames"]) == ("imported", 1)


async def test_live_events_and_a_gaze_pass(proxy: str) -> None:
    port = int(proxy.rpartition(":")[2])

    def connect(path: str) -> websockets.connect:
        address = f"ws://lab.example{PREFIX}{path}"
        return websockets.connect(address, host="127.0.0.1", port=port, origin=ORIGIN)  # type: ignore[arg-type]

    async with connect("/ws?frames=false") as viewer, asyncio.timeout(20):
        assert json.loads(await viewer.recv())["type"] == "hello"
        while json.loads(await viewer.recv())["type"] != "status":
            continue
    async with connect("/gaze") as listener, connect("/gaze") as tracker, asyncio.timeout(20):
        received = asyncio.create_task(listener.recv())
        while not received.done():
            await tracker.send('{"x": 0.5, "y": 0.25}')
            await asyncio.wait([received], timeout=0.1)
        assert json.loads(received.result()) == {"x": 0.5, "y": 0.25}


def test_foreign_pages_stay_out(browser: httpx.Client, proxy: str) -> None:
    foreign = {"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"}
    for method, path in (("POST", "/reset"), ("GET", "/session/replay/next")):
        answer = browser.request(method, path, headers=foreign)
        assert (answer.status_code, answer.json()["error"]) == (403, "forbidden")
    assert httpx.get(proxy + PREFIX + "/health", headers={"Host": "evil.example"}, trust_env=False).status_code == 403


HANDSHAKE = (
    "Connection: Upgrade",
    "Upgrade: websocket",
    "Sec-WebSocket-Version: 13",
    "Sec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==",
)


@pytest.mark.parametrize(
    "twice",
    [
        (f"Origin: {ORIGIN}", "Origin: https://evil.example"),
        ("Origin: https://evil.example", f"Origin: {ORIGIN}"),
        (f"Origin: {ORIGIN}", f"Origin: {ORIGIN}"),
        (f"Origin: {ORIGIN}", "Host: evil.example"),
    ],
)
def test_what_can_be_read_in_two_ways_comes_through_no_proxy(
    browser: httpx.Client, proxy: str, twice: tuple[str, str]
) -> None:
    change = f"POST {PREFIX}/session/start?session_id=never HTTP/1.1"
    for lines in (
        (change, "Host: lab.example", *twice, "Content-Length: 0", "Connection: close"),
        (f"GET {PREFIX}/gaze HTTP/1.1", "Host: lab.example", *twice, *HANDSHAKE),
    ):
        with socket.create_connection(("127.0.0.1", int(proxy.rpartition(":")[2])), 20) as connection:
            connection.sendall("\r\n".join([*lines, "", ""]).encode())
            assert connection.makefile("rb").readline().split()[1] == b"400"
    assert "never" not in browser.get("/session/list").json()["sessions"]


def test_a_path_says_through_a_proxy_what_it_takes(browser: httpx.Client) -> None:
    for answer in (browser.put("/session/never"), browser.options("/session/never")):
        assert answer.headers["allow"] == "GET, HEAD, DELETE, OPTIONS"


def test_a_websocket_without_its_upgrade_is_told_so(browser: httpx.Client) -> None:
    for path in ("/ws", "/gaze"):
        answer = browser.get(path)
        assert (answer.status_code, answer.json()["error"]) == (426, "upgrade_required")


async def test_who_goes_away_cancels_through_the_proxy(proxy: str, studio: Studio) -> None:
    studio.process("generator").stop()
    studio.start_generator(sleep_ms=60_000)
    studio.wait_until_ready()

    def queued() -> int:
        waiting: int = studio.health()["queue"]["waiting"]
        return waiting

    try:
        image = {"image": flat_png(96, 64)}
        async with httpx.AsyncClient(base_url=proxy + PREFIX, timeout=60, trust_env=False) as client:
            asked = [
                asyncio.create_task(client.post("/generate", data={"focus_sector": "TL"}, files=image))
                for _ in range(2)
            ]
            await eventually_async(lambda: queued() == 1, 10, "one runs, one waits")
            for request in asked:
                request.cancel()
            await asyncio.gather(*asked, return_exceptions=True)
            await eventually_async(lambda: queued() == 0, 10, "the one that waits is given up")
    finally:
        studio.process("generator").stop()
        studio.start_generator()
        studio.wait_until_ready()
