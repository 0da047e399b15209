"""Lists, metadata, frames and replay, from real session folders."""

from __future__ import annotations

import hashlib

import orjson
import pytest

from shared.errors import FrameCorrupt, FrameMissing
from tests.contract.conftest import Site


@pytest.fixture
async def recorded(site: Site) -> Site:
    """A session ``s`` of three frames."""
    await site.client.post("/session/start?session_id=s")
    for number in range(3):
        answer = await site.generate(prompt=f"number {number}\n🐞" if number else "plain", seed=number, durable=True)
        assert answer.headers["x-recorded"] == "disk"
    return site


async def test_sessions_are_listed_oldest_first(recorded: Site) -> None:
    for name in ("z", "a"):
        await recorded.client.post("/session/start", params={"session_id": name})
    assert (await recorded.client.get("/session/list")).json() == {"sessions": ["s", "z", "a"]}
    details = (await recorded.client.get("/session/list?details=true")).json()["sessions"]
    assert [(one["id"], one["frames"], one["active"]) for one in details] == [
        ("s", 3, False),
        ("z", 0, False),
        ("a", 0, True),
    ]
    assert all(one["created_at"] > 0 and one["bytes"] > 0 for one in details)


async def test_metadata_is_the_file(recorded: Site) -> None:
    answer = await recorded.client.get("/session/s")
    assert answer.headers["content-type"] == "application/json"
    assert answer.content == (recorded.sessions / "s" / "metadata.json").read_bytes().rstrip(b" ")
    told = answer.json()
    assert told["session_id"] == "s"
    assert [entry["index"] for entry in told["sequence"]] == [0, 1, 2]
    assert list(told["sequence"][0])[:6] == [
        "index",
        "filename",
        "target_sector",
        "focus_sector",
        "prompt",
        "timestamp",
    ]
    head = await recorded.client.head("/session/s")
    assert (head.status_code, head.headers["content-length"]) == (200, str(len(answer.content)))


async def test_long_metadata_is_streamed_whole(recorded: Site) -> None:
    folder = recorded.sessions / "long"
    folder.mkdir()
    told = orjson.loads((recorded.sessions / "s" / "metadata.json").read_bytes())
    entry = told["sequence"][0]
    lines = b",\n    ".join(orjson.dumps({**entry, "index": index}) for index in range(6000))
    text = (
        b'{\n  "session_id": "long",\n  "created_at": 1.5,\n  "format": 1,\n  "sequence": [\n    '
        + lines
        + b"\n  ]\n}\n"
    )
    (folder / "metadata.json").write_bytes(text)
    assert len(text) > 4_000_000
    answer = await recorded.client.get("/session/long")
    assert answer.content == text


async def test_a_frame_has_a_tag_and_can_be_read_in_parts(recorded: Site) -> None:
    whole = await recorded.client.get("/session/s/frames/1")
    data = (recorded.sessions / "s" / "0001_BR.png").read_bytes()
    assert whole.content == data
    assert whole.headers["content-type"] == "image/png"
    assert whole.headers["etag"] == f'"{hashlib.sha256(data).hexdigest()}"'

    async def get(**headers: str) -> tuple[int, bytes, str | None]:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        answer = await recorded.client.get("/session/s/frames/1", headers=named)
        return answer.status_code, answer.content, answer.headers.get("content-range")

    size = len(data)
    tag = whole.headers["etag"]
    assert await get(if_none_match=tag) == (304, b"", None)
    assert await get(if_none_match=f'"other", W/{tag}') == (304, b"", None)
    assert await get(if_none_match='"other"') == (200, data, None)
    assert await get(range="bytes=0-9") == (206, data[:10], f"bytes 0-9/{size}")
    assert await get(range="bytes=10-") == (206, data[10:], f"bytes 10-{size - 1}/{size}")
    assert await get(range="bytes=-5") == (206, data[-5:], f"bytes {size - 5}-{size - 1}/{size}")
    assert await get(range="bytes=5-1000000") == (206, data[5:], f"bytes 5-{size - 1}/{size}")
    assert await get(range="bytes=9-3") == (200, data, None)
    assert await get(range="bytes=0-1", if_range='"other"') == (200, data, None)


async def test_frames_that_are_not_as_recorded(recorded: Site) -> None:
    missing = await recorded.client.get("/session/s/frames/3")
    assert (missing.status_code, missing.json()["error"]) == (404, "not_found")
    path = recorded.sessions / "s" / "0001_BR.png"
    path.write_bytes(path.read_bytes() + b"!")
    corrupt = await recorded.client.get("/session/s/frames/1")
    assert (corrupt.status_code, corrupt.json()["error"]) == (410, "frame_corrupt")
    path.unlink()
    gone = await recorded.client.get("/session/s/frames/1")
    assert (gone.status_code, gone.json()["error"]) == (410, "frame_missing")
    assert "0001_BR.png" in gone.json()["detail"]


async def test_replay_as_the_document_says(recorded: Site) -> None:
    client = recorded.client
    started = await client.post("/session/replay/s")
    assert started.json() == {"session_id": "s", "status": "replaying", "total_generations": 3}
    for index in range(3):
        answer = await client.get("/session/replay/next")
        assert answer.content == (recorded.sessions / "s" / f"000{index}_BR.png").read_bytes()
        assert (answer.headers["x-index"], answer.headers["x-sector"]) == (str(index), "BR")
        assert answer.headers["x-session"] == "s"
        assert answer.headers["cache-control"] == "no-store"
        assert (answer.headers.get("x-prompt-encoding") == "percent") == (index > 0)
    assert (await client.get("/session/replay/next")).json() == {"status": "complete", "image": None}
    assert (await client.get("/session/replay/previous")).headers["x-index"] == "1"
    assert (await client.post("/session/replay/seek?index=0")).json()["position"] == 0
    assert (await client.get("/session/replay/next")).headers["x-index"] == "0"
    assert (await client.post("/session/replay/stop")).json() == {"status": "stopped"}
    assert (await client.get("/session/replay/next")).json()["error"] == "not_replaying"


async def test_a_cursor_of_ones_own(recorded: Site) -> None:
    client = recorded.client
    for cursor in ("left", "right ☃"):
        await client.post("/session/replay/s", params={"cursor": cursor})
    await client.get("/session/replay/next", params={"cursor": "left"})
    right = (await client.get("/session/replay/status", params={"cursor": "right ☃"})).json()
    assert right == {
        "cursor": "right ☃",
        "session_id": "s",
        "status": "replaying",
        "position": 0,
        "total_generations": 3,
        "speed": None,
        "loop": False,
    }
    idle = (await client.get("/session/replay/status")).json()
    assert (idle["status"], idle["session_id"]) == ("idle", None)


@pytest.mark.parametrize(
    ("error", "status"), [(FrameMissing("0000_BR.png is gone"), 410), (FrameCorrupt("other bytes"), 410)]
)
async def test_what_the_replayer_finds_wrong_is_told(recorded: Site, error: FrameMissing, status: int) -> None:
    await recorded.client.post("/session/replay/s")
    recorded.replayer.error = error
    answer = await recorded.client.get("/session/replay/next")
    assert (answer.status_code, answer.json()["error"]) == (status, error.code)


async def test_without_a_replayer_all_else_goes_on(recorded: Site) -> None:
    await recorded.replayer.die()
    answer = await recorded.client.get("/session/replay/next")
    assert (answer.status_code, answer.json()["error"]) == (503, "replayer_unavailable")
    assert (await recorded.generate()).status_code == 200
