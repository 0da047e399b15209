"""What a key is good for: to listen, to send requests as well, or nothing. And a bad file is one key less, no more."""

from __future__ import annotations

import asyncio
import logging
import os
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from shared.bus.channels import BY_NAME, CHANNELS
from shared.bus.curve import CurveKeys, load_keys, make_keys
from shared.bus.envelope import Reply, Request
from shared.bus.publisher import Publisher
from shared.bus.rpc import Client, PeerGone
from shared.bus.server import Server
from shared.bus.subscriber import Subscriber
from tests.support.buses import Buses, first
from tests.support.samples import SAMPLES

REFUSED_S = 0.7
PUBLISHED = {"frames": "status", "recordings": "session.started", "replays": "replay.status", "gaze": "source"}


class Guarded:
    """Every channel of a server with keys, and clients with keys of their own.

    Attributes:
        asked: the requests that were carried out, by channel.
    """

    def __init__(self, buses: Buses, folder: Path) -> None:
        make_keys(folder)
        self.buses = buses
        self.folder = folder
        self.own = load_keys(folder)
        self.asked: list[str] = []
        self._tasks: list[asyncio.Task[None]] = []
        self._clients: list[Client] = []

    def serve(self) -> None:
        """Bind all channels, with the keys that are there now."""
        bus = self.buses.new(keys=self.own)
        for channel in CHANNELS:
            if channel.pattern == "publish":
                sample = SAMPLES[PUBLISHED[channel.name]]
                work = Publisher(bus, channel.name, lambda kind, s=sample: [s] if kind == s.type else []).serve_joins()  # type: ignore[misc]
            else:
                work = Server(bus, channel.name, {"status": self._note(channel.name)}).serve()  # type: ignore[arg-type]
            self._tasks.append(asyncio.create_task(work))

    def _note(self, channel: str) -> object:
        async def note(request: Request) -> Reply:
            self.asked.append(channel)
            return Reply()

        return note

    def client_keys(self, name: str, *folders: str) -> CurveKeys:
        """A key pair of somebody's own; its public half lies in these folders of the server's."""
        make_keys(self.folder.parent / name)
        theirs = load_keys(self.folder.parent / name)
        for folder in folders:
            shutil.copy(self.folder.parent / name / "client.key", self.folder / folder / f"{name}.key")
        return CurveKeys(self.own.server_public, b"", theirs.client_public, theirs.client_secret, theirs.allowed)

    async def hears(self, channel: str, keys: CurveKeys | None) -> bool:
        subscriber = Subscriber(self.buses.new(keys=keys), channel)
        try:
            await first(subscriber, PUBLISHED[channel], REFUSED_S if keys is not self.own else 10)
        except TimeoutError:
            return False
        return True

    async def is_answered(self, channel: str, keys: CurveKeys | None) -> bool:
        client = Client(self.buses.new(keys=keys), channel)
        self._clients.append(client)
        try:
            await client.call("status", timeout_s=REFUSED_S if keys is not self.own else 10)
        except (PeerGone, TimeoutError):
            return False
        return True

    async def may(self, keys: CurveKeys | None) -> set[str]:
        """The channels that somebody gets anything from."""
        return {
            channel.name
            for channel in CHANNELS
            if await (self.hears if channel.pattern == "publish" else self.is_answered)(channel.name, keys)
        }

    async def close(self) -> None:
        for client in self._clients:
            await client.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


@pytest.fixture
async def guarded(tcp_buses: Buses, tmp_path: Path) -> AsyncIterator[Guarded]:
    made = Guarded(tcp_buses, tmp_path / "server")
    yield made
    await made.close()


ALL = {channel.name for channel in CHANNELS}
GAZE = {"gaze", "gaze-control"}
PUBLISHING = {name for name in ALL if BY_NAME[name].pattern == "publish"}
LISTENING = PUBLISHING - GAZE
CONTROL = ALL - GAZE


@pytest.mark.parametrize(
    ("folders", "expected"),
    [
        ((), set()),
        (("allowed",), LISTENING),
        (("control",), CONTROL),
        (("allowed", "control"), CONTROL),
        (("gaze",), GAZE),
        (("control", "gaze"), ALL),
    ],
    ids=["no folder", "allowed", "control", "both", "gaze", "control and gaze"],
)
async def test_a_key_opens_what_its_folder_says(folders: tuple[str, ...], expected: set[str], guarded: Guarded) -> None:
    theirs = guarded.client_keys("wall", *folders)
    guarded.serve()
    assert await guarded.may(theirs) == expected
    assert set(guarded.asked) == expected - PUBLISHING, "nothing of one who is refused is carried out"
    assert await guarded.may(guarded.own) == ALL, "the server's own processes go on"


async def test_without_a_key_there_is_nothing(guarded: Guarded) -> None:
    guarded.serve()
    assert await guarded.may(None) == set()
    assert guarded.asked == []


async def test_the_servers_public_key_is_no_key(guarded: Guarded) -> None:
    """It is given to everybody."""
    shutil.copy(guarded.folder / "server.key", guarded.folder.parent / "known.key")
    theirs = guarded.client_keys("wall")
    guarded.serve()
    pretending = CurveKeys(
        guarded.own.server_public, b"", guarded.own.server_public, theirs.client_secret, theirs.allowed
    )
    assert await guarded.may(pretending) == set()


async def test_a_set_of_before_works_and_its_other_keys_listen(
    guarded: Guarded, caplog: pytest.LogCaptureFixture
) -> None:
    (guarded.folder / "control").rmdir()
    theirs = guarded.client_keys("wall", "allowed")
    with caplog.at_level(logging.WARNING):
        guarded.serve()
    assert await guarded.may(theirs) == LISTENING
    assert await guarded.may(guarded.own) == ALL
    said = [record.getMessage() for record in caplog.records if "may send no requests" in record.getMessage()]
    assert len(said) == 1
    assert str(guarded.folder / "control") in said[0]


async def test_the_servers_own_key_needs_no_folder(guarded: Guarded) -> None:
    for folder in ("allowed", "control", "gaze"):
        shutil.rmtree(guarded.folder / folder)
    guarded.serve()
    assert await guarded.may(guarded.own) == ALL


async def test_files_that_are_no_keys_are_named_and_shut_nobody_out(
    guarded: Guarded, caplog: pytest.LogCaptureFixture
) -> None:
    theirs = guarded.client_keys("wall", "control")
    bad = {
        "empty.key": b"",
        "text.key": b"not a key\n",
        "binary.key": bytes(range(256)) * 10,
        "short.key": b'public-key = "abc"\n',
        "no-z85.key": b'public-key = "' + b"~" * 40 + b'"\n',
        "high.key": b'public-key = "' + b"#" * 40 + b'"\n',
        "latin.key": 'public-key = "\xe9"\n'.encode("latin-1"),
        "large.key": b"#" * (1 << 20),
    }
    for folder in ("allowed", "control", "gaze"):
        for name, data in bad.items():
            (guarded.folder / folder / name).write_bytes(data)
        (guarded.folder / folder / "folder.key").mkdir()
        (guarded.folder / folder / "gone.key").symlink_to("nowhere")
        os.mkfifo(guarded.folder / folder / "pipe.key")
        (guarded.folder / folder / "README").write_text("who may come in")
    with caplog.at_level(logging.ERROR):
        guarded.serve()
    assert await guarded.may(theirs) == CONTROL
    assert await guarded.may(guarded.own) == ALL
    for folder in ("allowed", "control", "gaze"):
        for name in (*bad, "folder.key", "gone.key", "pipe.key"):
            assert caplog.text.count(str(guarded.folder / folder / name)) == 1
    assert "README" not in caplog.text


async def test_a_folder_that_cannot_be_read_is_named(guarded: Guarded, caplog: pytest.LogCaptureFixture) -> None:
    theirs = guarded.client_keys("wall", "control")
    shutil.rmtree(guarded.folder / "allowed")
    (guarded.folder / "allowed").write_text("no folder")
    guarded.serve()
    assert str(guarded.folder / "allowed") in caplog.text
    assert await guarded.may(theirs) == CONTROL


async def test_a_key_counts_after_the_next_start(guarded: Guarded) -> None:
    guarded.serve()
    theirs = guarded.client_keys("wall", "control")
    assert await guarded.may(theirs) == set()


async def test_who_is_refused_is_named_by_the_key_now_and_then(
    guarded: Guarded, caplog: pytest.LogCaptureFixture
) -> None:
    theirs = guarded.client_keys("wall", "allowed")
    guarded.serve()
    assert not await guarded.is_answered("recorder", theirs)
    said = [record.getMessage() for record in caplog.records if theirs.client_public.decode() in record.getMessage()]
    assert said
    assert "may not control" in said[0]
    assert len(said) < 10
