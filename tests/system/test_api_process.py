"""The API as a process: how it refuses to start, how it stops, how much it holds."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import signal
import socket
import time

import httpx
import psutil
import pytest
import websockets

from tests.support.studio import Studio, flat_png
from tests.support.waiting import eventually

pytestmark = pytest.mark.system

RESIDENT_LIMIT_MIB = 120


def test_a_port_that_is_taken_is_said(quick: Studio) -> None:
    with socket.create_server(("127.0.0.1", quick.port)):
        process = quick.start("api", wait=False)
        assert process.wait() == 2
    assert f"127.0.0.1:{quick.port}" in process.err
    assert "PARAFOVEA_PORT" in process.err
    assert "Traceback" not in process.err


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ROOT_PATH", "/session"),
        ("ROOT_PATH", "/web/x"),
        ("ROOT_PATH", "no-slash"),
        ("ROOT_PATH", "/a b"),
        ("API_TOKEN", "gr\xfc\xdfe"),
        ("API_TOKEN", " s3same "),
        ("CORS_ORIGINS", "lab.example"),
    ],
)
def test_a_setting_that_would_only_fail_later_is_refused_now(quick: Studio, name: str, value: str) -> None:
    process = quick.start("api", wait=False, **{f"PARAFOVEA_{name}": value})
    assert process.wait() == 2
    assert f"PARAFOVEA_{name}" in process.err
    assert "Traceback" not in process.err
    if name == "API_TOKEN":
        assert value not in process.err, "a secret is not for the log"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_it_stops_within_two_seconds_whatever_is_open(quick: Studio, number: signal.Signals) -> None:
    quick.start_generator(sleep_ms=60_000)
    quick.start_recorder()
    api = quick.start_api()
    viewer = await websockets.connect(f"ws://127.0.0.1:{quick.port}/ws")
    assert json.loads(await viewer.recv())["type"] == "hello"
    body = {"image_base64": base64.b64encode(flat_png(64, 64)).decode(), "focus_sector": "TL"}
    half_sent, writer = await asyncio.open_connection("127.0.0.1", quick.port)
    writer.write(b"POST /generate HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\n{")
    async with httpx.AsyncClient(base_url=quick.url, timeout=30) as client:
        waiting = asyncio.create_task(client.post("/generate", json={**body, "prompt": "a bee"}))

        async def running() -> bool:
            return (await client.get("/health")).json()["processes"]["generator"]["running"] is not None

        deadline = time.monotonic() + 20
        while not await running():
            assert time.monotonic() < deadline
        begun = time.monotonic()
        api.send(number)
        answer = await waiting
        assert (answer.status_code, answer.json()["error"]) == (503, "generator_unavailable")
    assert await asyncio.to_thread(api.wait, 5) == 0
    assert time.monotonic() - begun < 2
    await viewer.wait_closed()
    assert viewer.close_code == 1001
    await half_sent.read()
    writer.close()
    assert "Traceback" not in api.err
    status = quick.ask("generator", "status")
    assert status is not None
    assert status["state"] == "ready"


def test_it_stays_small_under_large_pictures(quick: Studio) -> None:
    quick.start_everything()
    process = psutil.Process(quick.process("api").pid)
    quick.start_session("s")
    picture = os.urandom(3_000_000)
    padded = flat_png(512, 512)
    # A private chunk makes the file as large as a photograph's.
    chunk = len(picture).to_bytes(4) + b"prVt" + picture
    import zlib

    large = padded[:33] + chunk + zlib.crc32(chunk[4:]).to_bytes(4) + padded[33:]
    for seed in range(20):
        assert quick.post_generate(seed, image=large).status_code == 200
        quick.http.get(f"/session/s/frames/{seed}")
    eventually(lambda: process.memory_info().rss < RESIDENT_LIMIT_MIB * 1024 * 1024, 10)


def test_health_while_the_model_works(quick: Studio) -> None:
    quick.start_generator(sleep_ms=3000)
    quick.start_recorder()
    quick.start("replayer")
    quick.start("gaze")
    quick.start_api()

    def ok() -> bool:
        return quick.health()["status"] == "ok"

    eventually(ok, 10)

    def median_s() -> float:
        times = []
        for _ in range(50):
            begun = time.perf_counter()
            assert quick.http.get("/health").status_code == 200
            times.append(time.perf_counter() - begun)
        return sorted(times)[len(times) // 2]

    idle = median_s()
    import threading

    busy = threading.Thread(target=lambda: quick.post_generate(1))
    busy.start()
    eventually(lambda: quick.health()["processes"]["generator"]["running"], 5)
    during = median_s()
    still_running = quick.health()["processes"]["generator"]["running"] is not None
    busy.join()
    assert still_running
    assert during < max(5 * idle, 0.02)
