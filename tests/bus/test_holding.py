"""One holder a channel, and nothing left behind: sockets, locks, files, over ipc and TCP."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import zmq

from shared.bus.address import BusAddress, InvalidBusAddress
from shared.bus.channels import CHANNELS
from shared.bus.envelope import Reply, Request
from shared.bus.publisher import Publisher
from shared.bus.rpc import Client
from shared.bus.server import Server
from shared.bus.sockets import Bus
from shared.bus.subscriber import Subscriber
from shared.system.holder import AlreadyHeld, Holder
from tests.support.buses import MIB, Buses, first, loopback_host
from tests.support.processes import REPOSITORY
from tests.support.samples import SAMPLES
from tests.support.waiting import eventually

HOLD = """
import asyncio, sys
from shared.bus.address import BusAddress
from shared.bus.sockets import Bus

async def main():
    bus = Bus(BusAddress.parse(sys.argv[1]), budget_bytes=1 << 20)
    bus.bind("frames")
    print("held", flush=True)
    await asyncio.sleep(60)

asyncio.run(main())
"""


def hold_in_another_process(url: str) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, url], cwd=REPOSITORY, stdout=subprocess.PIPE, text=True, env={**os.environ}
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    return process


async def test_a_second_binder_is_refused_and_the_first_goes_on(buses: Buses) -> None:
    publisher = Publisher(buses.new(), "replays", on_join=lambda _: [SAMPLES["replay.status"]])
    joins = asyncio.create_task(publisher.serve_joins())
    with pytest.raises(AlreadyHeld, match=r"already holds the channel 'replays'.*stop that one first"):
        buses.new().bind("replays")
    message = await first(Subscriber(buses.new(), "replays"), "replay.status", timeout_s=5)
    assert message.header["cursor"] == "default"
    joins.cancel()


async def test_closing_leaves_no_files_and_lets_the_next_one_in(buses: Buses) -> None:
    folder = buses.address.folder
    assert folder is not None
    for _ in range(3):
        bus = buses.new()
        bus.bind("frames")
        bus.bind("generator")
        assert {path.name for path in folder.iterdir()} == {
            "frames",
            "frames.lock",
            "generator",
            "generator.lock",
        }
        assert folder.stat().st_mode & 0o777 == 0o700
        assert {path.stat().st_mode & 0o777 for path in folder.iterdir()} == {0o600}
        bus.close()
        assert list(folder.iterdir()) == []
    bus.close()


async def test_the_lock_of_a_killed_holder_can_be_taken(buses: Buses) -> None:
    holder = hold_in_another_process(str(buses.address))
    with holder:
        with pytest.raises(AlreadyHeld):
            buses.new().bind("frames")
        holder.send_signal(signal.SIGKILL)
        holder.wait(5)
    folder = buses.address.folder
    assert folder is not None
    assert (folder / "frames").exists(), "a killed process leaves its socket file"
    bus = buses.new()
    publisher = Publisher(bus, "frames", on_join=lambda _: [SAMPLES["status"]])
    joins = asyncio.create_task(publisher.serve_joins())
    assert await first(Subscriber(buses.new(), "frames"), "status", timeout_s=5)
    joins.cancel()


async def test_a_stale_file_in_the_place_of_a_socket_is_no_obstacle(buses: Buses) -> None:
    folder = buses.address.folder
    assert folder is not None
    folder.mkdir()
    (folder / "frames").write_text("not a socket")
    (folder / "frames.lock").touch()
    bus = buses.new()
    bus.bind("frames")
    bus.close()
    assert list(folder.iterdir()) == []


def test_a_claim_is_exclusive_and_leaves_nothing(tmp_path: Path) -> None:
    path = tmp_path / "sessions.lock"
    one = Holder(path, "the sessions")
    with pytest.raises(AlreadyHeld, match=r"already holds the sessions \(lock file .*sessions\.lock\)"):
        Holder(path, "the sessions")
    one.release()
    assert not path.exists()
    two = Holder(path, "the sessions")
    two.release()


def test_two_that_claim_at_once_never_both_hold(tmp_path: Path) -> None:
    """Many short claims by several processes: a counter file that is not atomic by itself stays right."""
    script = """
import sys, time
from pathlib import Path
from shared.system.holder import AlreadyHeld, Holder
folder, done = Path(sys.argv[1]), 0
while done < 60:
    try:
        held = Holder(folder / "x.lock", "x")
    except AlreadyHeld:
        continue
    inside = folder / "inside"
    assert not inside.exists(), "two hold at once"
    inside.touch()
    inside.unlink()
    held.release()
    done += 1
"""
    racing = [subprocess.Popen([sys.executable, "-c", script, str(tmp_path)], cwd=REPOSITORY) for _ in range(3)]
    assert [process.wait(60) for process in racing] == [0, 0, 0]


async def test_the_bus_works_over_tcp_on_loopback(tcp_buses: Buses) -> None:
    publisher = Publisher(tcp_buses.new(), "frames", on_join=lambda _: [SAMPLES["status"]])
    joins = asyncio.create_task(publisher.serve_joins())

    async def echo(request: Request) -> Reply:
        return Reply({"heard": request.body["say"]})

    serving = asyncio.create_task(Server(tcp_buses.new(), "generator", {"status": echo}).serve())
    client = Client(tcp_buses.new(), "generator")
    assert (await client.call("status", {"say": 1}, timeout_s=5)).body["heard"] == 1
    assert await first(Subscriber(tcp_buses.new(), "frames"), "status", timeout_s=5)
    await client.close()
    joins.cancel()
    serving.cancel()


async def test_a_tcp_port_that_is_taken_is_refused(tcp_buses: Buses) -> None:
    tcp_buses.new().bind("frames")
    with pytest.raises(zmq.ZMQError):
        tcp_buses.new().bind("frames")


def test_a_bus_that_leaves_the_machine_needs_keys() -> None:
    for url in ("tcp://0.0.0.0:5550", "tcp://*:5550", "tcp://192.0.2.7:5550"):
        with pytest.raises(InvalidBusAddress, match=r"can be reached from other machines.*parafovea keys"):
            Bus(BusAddress.parse(url), budget_bytes=MIB)


async def test_a_bus_closed_twice_is_closed() -> None:
    bus = Bus(BusAddress.parse(f"tcp://{loopback_host()}:5550"), budget_bytes=MIB, linger_ms=0)
    bus.bind("frames")
    bus.close()
    bus.close()


def test_a_process_that_ends_leaves_its_bus_folder_empty(folder: Path) -> None:
    holder = hold_in_another_process(f"ipc://{folder}/bus")
    with holder:
        holder.terminate()
        holder.wait(5)
    # SIGTERM without a handler is as abrupt as SIGKILL: files stay, and the next holder cleans them up.
    eventually(lambda: holder.returncode == -signal.SIGTERM)
    bus = Bus(BusAddress.parse(f"ipc://{folder}/bus"), budget_bytes=MIB)
    bus.bind("frames")
    bus.close()
    assert list((folder / "bus").iterdir()) == []


@pytest.mark.skipif(sys.platform == "win32", reason="Windows renames no folder with an open file in it")
def test_a_folder_that_was_renamed_keeps_no_lock(folder: Path) -> None:
    (folder / "here").mkdir()
    holder = Holder(folder / "here" / ".lock", "here")
    (folder / "here").rename(folder / "there")
    (folder / "here").mkdir()
    another = Holder(folder / "here" / ".lock", "the new folder of that name")
    holder.release()
    assert not (folder / "there" / ".lock").exists()
    with pytest.raises(AlreadyHeld):
        Holder(folder / "here" / ".lock", "held by the other, still")
    another.release()
    assert not list((folder / "here").iterdir())


@pytest.mark.skipif(sys.platform == "win32" or os.getuid() != 0, reason="only root can give a folder away")
async def test_nobody_binds_or_connects_in_a_folder_of_another_user(buses: Buses) -> None:
    folder = buses.address.folder
    assert folder is not None
    folder.mkdir()
    os.chown(folder, 54321, -1)
    bus = buses.new()
    for channel in CHANNELS:
        for use in (bus.bind, bus.connect, bus.connect_monitored):
            with pytest.raises(InvalidBusAddress, match="belongs to another user"):
                use(channel.name)
    assert list(folder.iterdir()) == []


async def test_whoever_connects_first_makes_the_folder(buses: Buses) -> None:
    """So that nobody else can make it meanwhile."""
    folder = buses.address.folder
    assert folder is not None
    buses.new().connect("generator")
    assert folder.stat().st_mode & 0o777 == 0o700
    assert list(folder.iterdir()) == []
