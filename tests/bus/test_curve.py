"""CURVE keys of a server: private, never written over, and whoever has none that is let in gets nothing."""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path

import pytest

from shared.bus.curve import CurveKeys, InvalidKeys, load_keys, make_keys
from shared.bus.envelope import Reply, Request
from shared.bus.publisher import Publisher
from shared.bus.rpc import Client, PeerGone
from shared.bus.server import Server
from shared.bus.subscriber import Subscriber
from tests.support.buses import Buses, first
from tests.support.samples import SAMPLES


async def echo(request: Request) -> Reply:
    return Reply({"heard": request.body.get("say")})


@pytest.fixture
def keys(tmp_path: Path) -> CurveKeys:
    make_keys(tmp_path / "keys")
    return load_keys(tmp_path / "keys")


def test_keys_are_private_and_never_written_over(tmp_path: Path) -> None:
    folder = tmp_path / "keys"
    make_keys(folder)
    assert folder.stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o777 for path in folder.glob("*.key_secret")} == {0o600}
    assert [path.name for path in (folder / "allowed").iterdir()] == ["client.key"]
    assert list((folder / "control").iterdir()) == []
    before = (folder / "server.key_secret").read_bytes()
    with pytest.raises(InvalidKeys, match="has keys already"):
        make_keys(folder)
    assert (folder / "server.key_secret").read_bytes() == before


@pytest.mark.parametrize("damage", ["missing", "empty", "public", "folder"])
def test_unusable_keys_are_refused_in_a_sentence(damage: str, tmp_path: Path) -> None:
    folder = tmp_path / "keys"
    make_keys(folder)
    secret = folder / "client.key_secret"
    secret.unlink()
    if damage == "empty":
        secret.touch()
    elif damage == "public":
        shutil.copy(folder / "client.key", secret)
    elif damage == "folder":
        shutil.rmtree(folder)
    with pytest.raises(InvalidKeys, match=r"client\.key_secret|server\.key_secret"):
        load_keys(folder)


async def test_with_keys_the_bus_works(tcp_buses: Buses, keys: CurveKeys) -> None:
    serving = asyncio.create_task(Server(tcp_buses.new(keys=keys), "generator", {"status": echo}).serve())
    publisher = Publisher(tcp_buses.new(keys=keys), "frames", on_join=lambda _: [SAMPLES["status"]])
    joins = asyncio.create_task(publisher.serve_joins())
    client = Client(tcp_buses.new(keys=keys), "generator")
    assert (await client.call("status", {"say": "secret"}, timeout_s=5)).body["heard"] == "secret"
    assert await first(Subscriber(tcp_buses.new(keys=keys), "frames"), "status", timeout_s=5)
    await client.close()
    serving.cancel()
    joins.cancel()


@pytest.mark.parametrize("who", ["a stranger's key", "no key"])
async def test_a_client_that_is_not_allowed_gets_nowhere(
    who: str, tcp_buses: Buses, keys: CurveKeys, tmp_path: Path
) -> None:
    asked: list[str] = []

    async def note(request: Request) -> Reply:
        asked.append(request.id)
        return Reply()

    serving = asyncio.create_task(Server(tcp_buses.new(keys=keys), "generator", {"status": note}).serve())
    publisher = Publisher(tcp_buses.new(keys=keys), "frames", on_join=lambda _: [SAMPLES["status"]])
    joins = asyncio.create_task(publisher.serve_joins())
    theirs = None
    if who == "a stranger's key":
        make_keys(tmp_path / "other")
        other = load_keys(tmp_path / "other")
        theirs = CurveKeys(
            keys.server_public, other.server_secret, other.client_public, other.client_secret, other.allowed
        )
    client = Client(tcp_buses.new(keys=theirs), "generator")
    with pytest.raises((PeerGone, TimeoutError)):
        await client.call("status", timeout_s=1)
    with pytest.raises(TimeoutError):
        await first(Subscriber(tcp_buses.new(keys=theirs), "frames"), "status", timeout_s=0.7)
    assert asked == []
    # One who is allowed is served meanwhile.
    friend = Client(tcp_buses.new(keys=keys), "generator")
    await friend.call("status", timeout_s=5)
    assert len(asked) == 1
    await client.close()
    await friend.close()
    serving.cancel()
    joins.cancel()
