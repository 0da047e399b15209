"""What bodies take of the API's memory while they come, and that it comes back."""

from __future__ import annotations

import base64
import sys
from contextlib import ExitStack

import pytest

from tests.support.processes import Process
from tests.support.studio import Studio
from tests.support.waiting import eventually
from tests.system.test_limits import open_many, status

pytestmark = [
    pytest.mark.system,
    pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc"),
]

MIB = 1024 * 1024
BUDGET_BYTES = 32 * MIB
HEAD = b"POST /generate HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
IMAGE = b'{"image_base64":"'


def resident_bytes(process: Process) -> int:
    with open(f"/proc/{process.pid}/status", encoding="ascii") as file:
        return next(int(line.split()[1]) * 1024 for line in file if line.startswith("VmRSS"))


@pytest.fixture
def api(quick: Studio) -> Process:
    return quick.run("api", [sys.executable, "-m", "services.api"], PARAFOVEA_UPLOAD_BYTES=str(BUDGET_BYTES), wait=True)


def test_half_sent_bodies_hold_no_more_than_they_may_together(quick: Studio, api: Process) -> None:
    before = resident_bytes(api)
    with ExitStack() as held:
        clients = open_many(held, quick.port, 16, HEAD % (96 * MIB) + IMAGE)
        for client in clients:
            client.settimeout(0.5)
            try:
                for _ in range(60):
                    client.sendall(b"A" * MIB)
            except TimeoutError:
                continue  # it is held back
        assert resident_bytes(api) - before < 4 * BUDGET_BYTES, "of 960 MiB that were offered"
        assert status(quick.port, "/health") == 200
    eventually(lambda: resident_bytes(api) < 1.5 * before, 60, "its memory comes back")


def test_what_large_bodies_took_comes_back(quick: Studio, api: Process) -> None:
    before = resident_bytes(api)
    content = IMAGE + base64.b64encode(bytes(30 * MIB)) + b'"}'
    with ExitStack() as held:
        for client in open_many(held, quick.port, 3, HEAD % len(content) + content):
            client.settimeout(60)
            assert client.recv(100).startswith(b"HTTP/1.1 422 ")
        keys = b"{" + b",".join(b'"k%08d":0' % number for number in range(1_500_000)) + b"}"
        for client in open_many(held, quick.port, 3, HEAD % len(keys) + keys):
            client.settimeout(60)
            assert client.recv(100).startswith(b"HTTP/1.1 422 ")
    eventually(lambda: resident_bytes(api) < 1.5 * before, 60, "its memory comes back")
