"""What the page is served, and what it lives on: its files, entries, inputs, thumbnails, points of a gaze."""

from __future__ import annotations

import asyncio
import io
import json
import os
import shutil
from pathlib import Path

import psutil
import pytest
import websockets
from PIL import Image

from tests.browser.sessions import FOCUS, SIZE, write_session
from tests.contract.conftest import Site, Sites
from tests.support.waiting import eventually_async

LIMIT_BYTES = 120 * 1024 * 1024


@pytest.fixture(autouse=True)
def cache(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache folder of the test's own."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(folder / "cache"))
    return folder / "cache"


async def test_the_page_and_its_files(site: Site) -> None:
    page = await site.client.get("/")
    assert page.headers["content-type"].startswith("text/html")
    assert "script-src 'self'" in page.headers["content-security-policy"]
    script = await site.client.get("/web/js/main.js")
    assert script.headers["content-type"].startswith("text/javascript")
    again = await site.client.get("/web/js/main.js", headers={"If-None-Match": script.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


@pytest.mark.parametrize(
    "path", ["/web/none.js", "/web/../app.py", "/web/%2e%2e/app.py", "/web/js/package.json", "/web/", "/web/a%00.js"]
)
async def test_nothing_else_is_served(site: Site, path: str) -> None:
    answer = await site.client.get(path)
    assert answer.status_code == 404
    assert answer.json()["error"] == "not_found"


async def test_the_page_is_there_before_the_token(sites: Sites) -> None:
    site = await sites.new(api_token="secret")
    del site.client.headers["Authorization"]
    assert (await site.client.get("/")).status_code == 200
    assert (await site.client.get("/web/js/main.js")).status_code == 200
    for path in ("/samples", "/samples/stream.jpg", "/session/list", "/health"):
        assert (await site.client.get(path)).status_code == 401


async def test_samples(site: Site) -> None:
    samples = (await site.client.get("/samples")).json()["samples"]
    assert {"name": "stream", "file": "stream.jpg", "title": "Stream"} in samples
    for sample in samples:
        picture = await site.client.get(f"/samples/{sample['file']}")
        assert picture.headers["content-type"] == "image/jpeg"
    assert (await site.client.get("/samples/LICENCES.md")).status_code == 404
    assert (await site.client.get("/samples/..%2Fpyproject.toml")).status_code == 404


async def test_entries_come_in_parts(site: Site) -> None:
    write_session(site.sessions, "many", 620, different=2)
    page = (await site.client.get("/session/many/entries?from=3&count=2")).json()
    assert (page["session_id"], page["total"], page["from"]) == ("many", 620, 3)
    assert [entry["index"] for entry in page["entries"]] == [3, 4]
    assert page["entries"][0]["focus_sector"] == FOCUS[3]
    assert page["offsets_s"] == pytest.approx([1.5, 2.0])
    assert page["round_s"] == pytest.approx(310.0)
    assert len((await site.client.get("/session/many/entries?count=999")).json()["entries"]) == 500
    assert (await site.client.get("/session/many/entries?from=620")).json()["entries"] == []
    assert (await site.client.get("/session/many/entries?from=-1")).json()["error"] == "invalid_request"
    assert (await site.client.get("/session/none/entries")).json()["error"] == "session_not_found"


async def test_when_entries_come_is_told_as_the_replay_keeps_to_it(site: Site) -> None:
    write_session(site.sessions, "back", 6, set_back={2: 1000.0})
    page = (await site.client.get("/session/back/entries")).json()
    assert page["offsets_s"] == pytest.approx([0, 0.5, 0.5, 1.0, 1.5, 2.0])
    assert page["round_s"] == pytest.approx(2.5)
    rest = (await site.client.get("/session/back/entries?from=3")).json()
    assert rest["offsets_s"] == pytest.approx([1.0, 1.5, 2.0]), "what came before counts, whatever part is asked for"
    shutil.rmtree(site.sessions / "back")
    write_session(site.sessions, "back", 6, seconds=2.0)
    page = (await site.client.get("/session/back/entries?from=4")).json()
    assert page["offsets_s"] == pytest.approx([8.0, 10.0]), "another session under its name has its own times"


async def test_the_input_of_a_frame(site: Site) -> None:
    folder = write_session(site.sessions, "chain", 3)
    first = await site.client.get("/session/chain/frames/0/input")
    assert first.headers["content-type"] == "image/png"
    assert first.content == next((folder / "inputs").iterdir()).read_bytes()
    second = await site.client.get("/session/chain/frames/1/input")
    assert second.content == (await site.client.get("/session/chain/frames/0")).content
    next((folder / "inputs").iterdir()).unlink()
    assert (await site.client.get("/session/chain/frames/0/input")).json()["error"] == "frame_missing"
    assert (await site.client.get("/session/chain/frames/9/input")).json()["error"] == "not_found"


async def test_a_thumbnail_is_made_once_and_kept_outside_of_the_sessions(site: Site, cache: Path) -> None:
    folder = write_session(site.sessions, "small", 2)
    before = _files(folder, "*")
    answer = await site.client.get("/session/small/frames/1/thumbnail")
    assert answer.headers["content-type"] == "image/webp"
    with Image.open(io.BytesIO(answer.content)) as picture:
        assert picture.size == SIZE, "a small picture is not made larger"
    kept = _files(cache, "*.webp")
    assert len(kept) == 1
    written = kept[0].stat().st_mtime_ns
    again = await site.client.get("/session/small/frames/1/thumbnail")
    assert (again.content, kept[0].stat().st_mtime_ns) == (answer.content, written)
    known = await site.client.get(
        "/session/small/frames/1/thumbnail", headers={"If-None-Match": answer.headers["etag"]}
    )
    assert known.status_code == 304
    assert _files(folder, "*") == before


async def test_a_changed_file_gets_another_thumbnail(site: Site) -> None:
    folder = write_session(site.sessions, "changing", 1)
    first = await site.client.get("/session/changing/frames/0/thumbnail")
    frame = next(folder.glob("0000_*.png"))
    Image.new("RGB", SIZE, (255, 0, 0)).save(frame)
    os.utime(frame, ns=(1, 1))
    second = await site.client.get("/session/changing/frames/0/thumbnail")
    assert second.headers["etag"] != first.headers["etag"]
    assert second.content != first.content


async def test_a_picture_that_is_none_has_no_thumbnail_and_ends_nothing(site: Site) -> None:
    folder = write_session(site.sessions, "broken", 2)
    next(folder.glob("0000_*.png")).write_bytes(b"\x89PNG\r\n\x1a\n and no more")
    assert (await site.client.get("/session/broken/frames/0/thumbnail")).json()["error"] == "frame_corrupt"
    assert (await site.client.get("/session/broken/frames/1/thumbnail")).status_code == 200
    next(folder.glob("0001_*.png")).unlink()
    assert (await site.client.get("/session/broken/frames/1/thumbnail")).json()["error"] == "frame_missing"


async def test_many_thumbnails_at_once_and_a_process_that_was_killed(site: Site) -> None:
    write_session(site.sessions, "rush", 30)
    paths = [f"/session/rush/frames/{index}/thumbnail" for index in range(30)]
    answers = await asyncio.gather(*(site.client.get(path) for path in paths[:15]))
    assert {answer.status_code for answer in answers} == {200}
    for process in psutil.Process().children():
        if "thumbnail_worker" in " ".join(process.cmdline()):
            process.kill()
    answers = await asyncio.gather(*(site.client.get(path) for path in paths[15:]))
    assert {answer.status_code for answer in answers} == {200}


async def test_where_nothing_can_be_cached_thumbnails_are_made_all_the_same(
    site: Site, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "no-folder").write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(folder / "no-folder"))
    monkeypatch.setattr("tempfile.tempdir", str(folder))
    assert (await site.client.get("/samples/stream.jpg/thumbnail")).status_code == 200


async def test_the_page_is_isolated_so_that_its_clock_is_fine(site: Site) -> None:
    for path in ("/", "/web/js/main.js"):
        headers = (await site.client.get(path)).headers
        assert headers["cross-origin-opener-policy"] == "same-origin"
        assert headers["cross-origin-embedder-policy"] == "require-corp"
    for path in ("/samples", "/health"):
        assert "cross-origin-embedder-policy" not in (await site.client.get(path)).headers


async def test_points_of_a_gaze_are_passed_on(site: Site) -> None:
    address = f"ws://127.0.0.1:{site.port}/gaze"
    async with websockets.connect(address) as viewer, websockets.connect(address) as tracker:
        await _joined(site, tracker, viewer)
        await tracker.send('{"x": 2, "y": 0.5}')
        assert json.loads(await tracker.recv())["error"] == "invalid_request"
        for bad in ("", "no", "[]", '{"x": true, "y": 0}', '{"x": 0.1}', '{"x": NaN, "y": 0}'):
            await tracker.send(bad)
            assert json.loads(await tracker.recv())["error"] == "invalid_request"
        await tracker.send('{"x": 0.25, "y": 1, "time": 7}')
        assert json.loads(await viewer.recv()) == {"x": 0.25, "y": 1, "time": 7}


async def _joined(site: Site, tracker: websockets.ClientConnection, viewer: websockets.ClientConnection) -> None:
    """The server takes in each connection when it comes to it: send until a point arrives, then take in the rest."""

    async def arrives() -> bool:
        await tracker.send('{"x": 0, "y": 0}')
        return await _receives(viewer, 0.1)

    await eventually_async(arrives, 5, "a point arrives")
    while await _receives(viewer, 0.2):
        continue


async def _receives(viewer: websockets.ClientConnection, timeout_s: float) -> bool:
    try:
        async with asyncio.timeout(timeout_s):
            await viewer.recv()
    except TimeoutError:
        return False
    return True


def _files(folder: Path, pattern: str) -> list[Path]:
    return sorted(folder.rglob(pattern))


@pytest.mark.system
def test_with_thumbnails_the_api_stays_small(folder: Path) -> None:
    from tests.support.studio import Studio

    studio = Studio(folder)
    try:
        write_session(studio.sessions, "much", 3)
        Image.effect_noise((4096, 4096), 50).convert("RGB").save(next((studio.sessions / "much").glob("0000_*.png")))
        api = studio.start("api")
        for index in range(3):
            assert studio.http.get(f"/session/much/frames/{index}/thumbnail").status_code == 200
        assert studio.http.get("/").status_code == 200
        process = psutil.Process(api.pid)
        assert process.memory_info().rss < LIMIT_BYTES
        loaded = {Path(mapped.path).name.split(".")[0] for mapped in process.memory_maps()}
        assert not loaded & {"_imaging", "_multiarray_umath", "libtorch"}, "Pillow, numpy and torch are elsewhere"
        studio.stop_all()
        studio.assert_nothing_left()
    finally:
        studio.kill_all()
        studio.print_logs()
