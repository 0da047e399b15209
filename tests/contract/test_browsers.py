"""What browsers need, and what keeps foreign pages out."""

from __future__ import annotations

import httpx
import pytest
import websockets

from services.api.http.headers import EXPOSED
from services.api.http.operation import WEBSOCKET
from services.api.operations import OPERATIONS
from tests.contract.conftest import Site, Sites, body


@pytest.mark.parametrize(
    "origin", ["http://localhost:3000", "https://localhost", "http://127.0.0.1:5173", "http://[::1]:80"]
)
async def test_pages_of_this_machine_may_call(site: Site, origin: str) -> None:
    headers = {"Origin": origin}
    answer = await site.client.post("/generate", json=body(), headers=headers)
    assert answer.status_code == 200
    assert answer.headers["access-control-allow-origin"] == origin
    assert "Origin" in answer.headers["vary"]
    exposed = {name.strip() for name in answer.headers["access-control-expose-headers"].split(",")}
    assert exposed >= set(EXPOSED)
    ours = {name for name in answer.headers if name.startswith("x-") and name != "x-content-type-options"}
    assert ours <= {name.lower() for name in exposed}
    for failed in (
        await site.client.post("/generate", content=b"{", headers={**headers, "Content-Type": "application/json"}),
        await site.client.get("/nothing", headers=headers),
        await site.client.put("/generate", headers=headers),
    ):
        assert failed.status_code >= 400
        assert failed.headers["access-control-allow-origin"] == origin


async def test_a_preflight_is_answered(site: Site) -> None:
    asked = {
        "Origin": "http://localhost:3000",
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "content-type, authorization",
        "Access-Control-Request-Private-Network": "true",
    }
    answer = await site.client.options("/generate", headers=asked)
    assert answer.status_code == 204
    assert answer.headers["access-control-allow-origin"] == "http://localhost:3000"
    assert "POST" in answer.headers["access-control-allow-methods"]
    assert answer.headers["access-control-allow-headers"] == "content-type, authorization"
    assert answer.headers["access-control-allow-private-network"] == "true"
    foreign = await site.client.options("/generate", headers={**asked, "Origin": "https://evil.example"})
    assert not [name for name in foreign.headers if name.startswith("access-control")]


@pytest.mark.parametrize(
    "origin", ["https://evil.example", "null", "http://localhost.evil.example", "http://localhost@evil.example"]
)
async def test_a_foreign_page_changes_nothing(site: Site, origin: str) -> None:
    """A browser sends these without asking first: a POST without a body, and a form."""
    foreign = {"Origin": origin}
    for answer in (
        await site.client.post("/session/start", headers=foreign),
        await site.client.post("/generate", headers=foreign, data={"focus_sector": "TL"}, files={"image": b"x"}),
        await site.client.delete("/session/a", headers=foreign),
    ):
        assert (answer.status_code, answer.json()["error"]) == (403, "forbidden")
        assert "www-authenticate" not in answer.headers, "no token would help"
        assert "access-control-allow-origin" not in answer.headers
    assert site.recorder.active is None
    readable = await site.client.get("/health", headers=foreign)
    assert "access-control-allow-origin" not in readable.headers
    for path in ("ws", "gaze"):
        with pytest.raises(websockets.InvalidStatus) as refused:
            await websockets.connect(f"ws://127.0.0.1:{site.port}/{path}", origin=origin)  # type: ignore[arg-type]
        assert refused.value.response.status_code == 403


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:8001", "localhost.evil.example", "127.0.0.1.evil.example"]
)
async def test_a_name_that_points_here_is_not_ours(site: Site, host: str) -> None:
    """DNS rebinding: the page's own name has been made to point at this machine."""
    answer = await site.client.get("/session/list", headers={"Host": host})
    assert (answer.status_code, answer.json()["error"]) == (403, "forbidden")
    for own in (f"localhost:{site.port}", f"127.0.0.1:{site.port}", "[::1]", "LOCALHOST", "192.168.1.5:8001"):
        assert (await site.client.get("/session/list", headers={"Host": own})).status_code == 200


async def test_origins_can_be_set(sites: Sites) -> None:
    site = await sites.new(cors_origins=("https://lab.example/", "null"))
    for origin, allowed in [("https://lab.example", True), ("null", True), ("http://localhost:3000", False)]:
        answer = await site.client.post("/reset", headers={"Origin": origin})
        assert (answer.status_code == 200) == allowed
        assert (answer.headers.get("access-control-allow-origin") == origin) == allowed
    own = f"http://127.0.0.1:{site.port}"
    assert (await site.client.post("/reset", headers={"Origin": own})).status_code == 200, "our own page"
    assert (await site.client.get("/health", headers={"Host": "lab.example"})).status_code == 200


TOKEN = "a token of 32 characters or more"


@pytest.mark.parametrize(
    "given", [None, "Bearer wrong", "Bearer", "Basic " + TOKEN, "Bearer " + TOKEN + "x", "Bearer \xff"]
)
async def test_a_token_is_needed_everywhere(sites: Sites, given: str | None) -> None:
    site = await sites.new(api_token=TOKEN)
    async with httpx.AsyncClient(base_url=site.client.base_url, trust_env=False) as client:
        headers = {} if given is None else {"Authorization": given.encode("latin-1")}
        for method, path in [("GET", "/health"), ("POST", "/generate"), ("GET", "/session/list"), ("GET", "/nothing")]:
            answer = await client.request(method, path, headers=headers)  # type: ignore[arg-type]
            assert (answer.status_code, answer.json()["error"]) == (401, "unauthorized")
            assert answer.headers["www-authenticate"] == "Bearer"
        asked = {"Origin": "http://localhost:1", "Access-Control-Request-Method": "POST"}
        assert (await client.options("/generate", headers=asked)).status_code == 204, "a preflight carries no token"
    with pytest.raises(websockets.InvalidStatus):
        await websockets.connect(f"ws://127.0.0.1:{site.port}/ws")


async def test_with_the_token_all_is_open(sites: Sites) -> None:
    site = await sites.new(api_token=TOKEN)
    assert (await site.client.get("/session/list")).status_code == 200
    async with httpx.AsyncClient(base_url=site.client.base_url, trust_env=False) as client:
        assert (await client.get("/health", params={"token": TOKEN})).status_code == 200
        assert (await client.post("/reset", params={"token": TOKEN})).status_code == 401, (
            "not in the address of a change"
        )
    query = httpx.QueryParams({"token": TOKEN})
    async with websockets.connect(f"ws://127.0.0.1:{site.port}/ws?{query}") as viewer:
        assert "hello" in str(await viewer.recv())


STEPS = ["/session/replay/next", "/session/replay/previous"]
FAR = {"Sec-Fetch-Site": "cross-site"}


@pytest.fixture
async def replaying(site: Site) -> Site:
    """The shared cursor stands before the first of three frames."""
    await site.client.post("/session/start?session_id=s")
    for number in range(3):
        assert (await site.generate(seed=number, durable=True)).status_code == 200
    await site.client.post("/session/stop")
    assert (await site.client.post("/session/replay/s")).status_code == 200
    return site


async def position(site: Site) -> int:
    told: int = (await site.client.get("/session/replay/status")).json()["position"]
    return told


@pytest.mark.parametrize("path", STEPS)
@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize(
    "headers",
    [
        FAR,
        {**FAR, "Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Dest": "image", "Referer": "https://evil.example/"},
        {**FAR, "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"},
        {"Origin": "https://evil.example"},
        {"Origin": "https://evil.example", **FAR},
        {"Origin": "https://evil.example", "Sec-Fetch-Site": "same-origin"},
        {"Origin": "null", **FAR},
    ],
    ids=["bare", "image", "link", "fetch in an old browser", "fetch", "liar", "sandbox"],
)
async def test_a_foreign_page_moves_no_cursor(replaying: Site, path: str, method: str, headers: dict[str, str]) -> None:
    answer = await replaying.client.request(method, path, headers=headers)
    assert answer.status_code == 403
    assert await position(replaying) == 0
    if method == "GET":
        assert answer.json()["error"] == "forbidden"


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Sec-Fetch-Site": "none", "Sec-Fetch-Mode": "navigate"},
        {"Sec-Fetch-Site": "same-origin"},
        {"Sec-Fetch-Site": "same-site", "Sec-Fetch-Dest": "image"},
        {"Origin": "http://localhost:3000", **FAR},
        {"Origin": "http://localhost:3000", "Sec-Fetch-Site": "same-site"},
    ],
    ids=["curl", "typed", "our page", "an image of a page on another port", "allowed page", "allowed page, same site"],
)
async def test_whoever_may_moves_it(replaying: Site, headers: dict[str, str]) -> None:
    answer = await replaying.client.get("/session/replay/next", headers=headers)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "image/png"
    assert await position(replaying) == 1


async def test_with_all_origins_allowed_an_image_may_too(sites: Sites) -> None:
    site = await sites.new(cors_origins=("*",))
    answer = await site.client.get("/session/replay/next", headers=FAR)
    assert answer.json()["error"] == "not_replaying"


CHANGES = [key for key, operation in OPERATIONS.items() if operation.changes]
READS = [key for key, operation in OPERATIONS.items() if not operation.changes]


@pytest.mark.parametrize(("method", "path"), CHANGES)
async def test_whatever_changes_something_is_refused_to_foreign_pages(site: Site, method: str, path: str) -> None:
    path = path.replace("{session_id}", "a")
    for headers in (FAR, {"Origin": "https://evil.example"}):
        if method == WEBSOCKET:
            with pytest.raises(websockets.InvalidStatus) as refused:
                await websockets.connect(f"ws://127.0.0.1:{site.port}{path}", additional_headers=headers)
            assert refused.value.response.status_code == 403
            continue
        answer = await site.client.request(method, path, headers=headers)
        assert (answer.status_code, answer.json()["error"]) == (403, "forbidden")


async def test_comparing_begins_work_and_is_no_plain_read(site: Site) -> None:
    path = "/session/compare?a=x&b=y"
    assert (await site.client.get(path, headers=FAR)).status_code == 403
    assert (await site.client.get(path)).json()["error"] == "session_not_found"


@pytest.mark.parametrize(("method", "path"), READS)
async def test_a_plain_read_is_open_but_cannot_be_read_by_foreign_pages(site: Site, method: str, path: str) -> None:
    path = (
        path.replace("{path}", "icon.svg").replace("{index}", "0").replace("{name}", "x").replace("{session_id}", "a")
    )
    answer = await site.client.request(method, path, headers={"Origin": "https://evil.example", **FAR})
    assert answer.status_code not in (401, 403)
    assert "access-control-allow-origin" not in answer.headers
