"""Everything on a bus on TCP, without keys and with them: recorded, acknowledged, and by nobody else."""

from __future__ import annotations

import asyncio
import json
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from shared.bus.curve import CurveKeys, load_keys, make_keys
from shared.bus.rpc import Client
from shared.bus.sockets import Bus
from shared.errors import Forbidden
from tests.support.buses import loopback_host, short_folder
from tests.support.studio import TIMEOUT_S, Studio, studio_in
from tests.support.waiting import eventually

pytestmark = pytest.mark.system


@pytest.fixture(params=["without keys", "with keys"])
def studio(request: pytest.FixtureRequest) -> Iterator[Studio]:
    with short_folder() as folder:
        settings = {"PARAFOVEA_BUS": f"tcp://{loopback_host()}:5550"}
        if request.param == "with keys":
            make_keys(folder / "keys")
            settings["PARAFOVEA_CURVE_KEYS"] = str(folder / "keys")
        with studio_in(folder, **settings) as made:
            yield made


def ask(studio: Studio, keys: CurveKeys | None, message_type: str, body: dict[str, Any]) -> dict[str, Any]:
    """Ask the generator as one of the keys."""

    async def work() -> dict[str, Any]:
        bus = Bus(studio.address, budget_bytes=1 << 20, keys=keys, linger_ms=0)
        client = Client(bus, "generator")
        try:
            return (await client.call(message_type, body, timeout_s=10)).body
        finally:
            await client.close()
            bus.close()

    return asyncio.run(work())


def another_key(folder: Path, name: str) -> CurveKeys:
    """One that may control, and is not the server's own."""
    make_keys(folder / name)
    theirs = load_keys(folder / name)
    shutil.copy(folder / name / "client.key", folder / "keys" / "control" / f"{name}.key")
    own = load_keys(folder / "keys")
    return CurveKeys(
        own.server_public, theirs.server_secret, theirs.client_public, theirs.client_secret, theirs.allowed
    )


def test_frames_are_acknowledged_by_the_recorder_and_by_nobody_else(studio: Studio) -> None:
    has_keys = "PARAFOVEA_CURVE_KEYS" in studio.settings
    theirs = another_key(studio.folder, "wall") if has_keys else None
    tap = studio.run("tap", [sys.executable, "-m", "cli.main", "tap", "--json", "status"])
    studio.start_generator(wait=False)
    recorder = studio.start_recorder(wait=False)
    studio.start_api()
    studio.start_session("s")
    frames = [studio.generate(1)]
    studio.wait_recorded("s", frames)
    eventually(lambda: ask(studio, theirs, "status", {})["sessions"] == [], TIMEOUT_S, "it is acknowledged")

    assert recorder.stop() == 0
    frames.append(studio.generate(2))
    pending = ask(studio, theirs, "pending", {})["frames"]
    assert [frame["frame_id"] for frame in pending] == [frames[1].frame_id]
    for proof in ({}, {"proof": "0" * 64}):
        with pytest.raises(Forbidden):
            ask(studio, theirs, "ack", {"frames": pending, **proof})
    assert ask(studio, theirs, "pending", {})["frames"] == pending

    studio.start_recorder(wait=False)
    studio.wait_recorded("s", frames)
    eventually(lambda: ask(studio, theirs, "status", {})["sessions"] == [], TIMEOUT_S, "it is acknowledged")
    secret = studio.sessions / ".recorder.secret"
    assert secret.exists() != has_keys
    assert studio.http.get("/session/list").json()["sessions"] == ["s"]
    eventually(lambda: tap.out.splitlines(), TIMEOUT_S, "the tap shows what passes")
    assert json.loads(tap.out.splitlines()[0])["state"] == "ready"
    assert tap.stop() == 0
