"""What runs out or fills up around a process: descriptors, pipes that nobody empties, encodings without an umlaut."""

from __future__ import annotations

import asyncio
import fcntl
import http.client
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import IO, Any

import pytest

from shared.bus.message import Message
from shared.bus.publisher import Publisher
from shared.session.writing.writer import SessionWriter
from shared.system.disk import Disk
from tests.support.buses import Buses
from tests.support.frames import CREATED_AT, pending_frame
from tests.support.processes import Process, System
from tests.support.samples import frame, tiny_png
from tests.support.studio import Studio
from tests.support.waiting import eventually, eventually_async

pytestmark = [pytest.mark.system, pytest.mark.skipif(sys.platform == "win32", reason="needs POSIX limits and pipes")]

HEAD = b"GET / HTTP/1.1\r\nHost: localhost\r\n"
BODY = b"POST /generate HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n{"
WEBSOCKET = (
    b"GET %s HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
)
LOG_LIMIT_BYTES = 60_000


def limited(system: System, name: str, descriptors: int) -> Process:
    """A service that may open so many files, and no more."""
    command = f"ulimit -n {descriptors}; exec {sys.executable} -m services.{name}"
    return system.run(name, ["bash", "-c", command], wait=True)


def status(port: int, path: str) -> int:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    try:
        connection.request("GET", path)
        return connection.getresponse().status
    finally:
        connection.close()


def open_many(held: ExitStack, port: int, count: int, said: bytes) -> list[socket.socket]:
    opened = []
    for _ in range(count):
        client = held.enter_context(socket.create_connection(("127.0.0.1", port), timeout=20))
        try:
            client.sendall(said)
        except OSError:  # cut off already, for others
            continue
        opened.append(client)
    return opened


@pytest.mark.parametrize("descriptors", [128, 300])
@pytest.mark.parametrize("said", [b"", HEAD, BODY, WEBSOCKET % b"/ws", WEBSOCKET % b"/gaze"])
def test_more_clients_than_descriptors(quick: Studio, descriptors: int, said: bytes) -> None:
    api = limited(quick, "api", descriptors)
    with ExitStack() as held:
        for _ in range(4):
            open_many(held, quick.port, descriptors // 2, said)
            assert status(quick.port, "/health") == 200
        used = len(os.listdir(f"/proc/{api.pid}/fd")) if sys.platform.startswith("linux") else 0
        assert used < descriptors - 10
        assert status(quick.port, "/health") == 200
    assert len(api.err) < LOG_LIMIT_BYTES
    assert "Traceback" not in api.err
    eventually(lambda: status(quick.port, "/") == 200, 10, "the page is back")


def test_websockets_beyond_their_number_are_told_so(quick: Studio) -> None:
    limited(quick, "api", 300)
    with ExitStack() as held:
        opened = open_many(held, quick.port, 120, WEBSOCKET % b"/ws")
        answers = [client.recv(400) for client in opened]
        refused = [answer for answer in answers if answer.startswith(b"HTTP/1.1 503 ")]
        accepted = [answer for answer in answers if answer.startswith(b"HTTP/1.1 101 ")]
        assert accepted
        assert refused
        assert b"too_many_connections" in refused[0]
        assert status(quick.port, "/") == 200, "they leave room for others"


def test_a_soft_limit_is_raised_to_what_the_system_allows(quick: Studio) -> None:
    command = f"ulimit -Sn 64; exec {sys.executable} -m services.api"
    api = quick.run("api", ["bash", "-c", command], wait=True)
    with ExitStack() as held:
        opened = open_many(held, quick.port, 200, BODY)
        assert len(opened) == 200
        assert status(quick.port, "/") == 200
    assert "Traceback" not in api.err


def test_metrics_with_more_clients_than_descriptors(system: System) -> None:
    metrics = limited(system, "metrics", 64)
    with ExitStack() as held:
        open_many(held, system.metrics_port, 60, b"GET /")
        eventually(lambda: status(system.metrics_port, "/metrics") == 200, 30)
    assert len(metrics.err) < LOG_LIMIT_BYTES
    assert "Traceback" not in metrics.err


@contextmanager
def unread_pipe() -> Iterator[tuple[int, int]]:
    """A pipe that is full, and that nobody reads."""
    read, write = os.pipe()
    try:
        flags = fcntl.fcntl(write, fcntl.F_GETFL)
        fcntl.fcntl(write, fcntl.F_SETFL, flags | os.O_NONBLOCK)
        try:
            while True:
                os.write(write, b"x" * 4096)
        except BlockingIOError:
            fcntl.fcntl(write, fcntl.F_SETFL, flags)
        yield read, write
    finally:
        os.close(read)
        os.close(write)


def start(system: System, command: list[str], *, out: int | IO[Any], err: int | IO[Any]) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        command, cwd=system.folder, env=system.environment(), stdin=subprocess.DEVNULL, stdout=out, stderr=err
    )


@pytest.mark.parametrize("name", ["api", "recorder", "replayer", "gaze", "metrics"])
def test_a_process_whose_log_nobody_reads_answers_and_stops(system: System, name: str) -> None:
    with unread_pipe() as (_, write):
        process = start(system, [sys.executable, "-m", f"services.{name}"], out=subprocess.DEVNULL, err=write)
        try:
            eventually(lambda: system.is_ready(name), 60)
            process.send_signal(signal.SIGTERM)
            assert process.wait(15) == 0
        finally:
            process.kill()
            process.wait()


@pytest.mark.parametrize("command", [["services.logger"], ["cli.main", "tap"]])
async def test_a_printer_that_nobody_reads_stops_when_told(system: System, buses: Buses, command: list[str]) -> None:
    joined = False

    def on_join(message_type: str) -> list[Message]:
        nonlocal joined
        joined = True
        return []

    publisher = Publisher(buses.new(), "frames", on_join=on_join)

    joins = asyncio.create_task(publisher.serve_joins())
    with unread_pipe() as (_, write):
        process = start(system, [sys.executable, "-m", *command], out=write, err=subprocess.DEVNULL)
        try:
            await eventually_async(lambda: joined, 60)
            for seq in range(3000):
                await publisher.publish(frame(seq), tiny_png())
            process.send_signal(signal.SIGTERM)
            assert await asyncio.to_thread(process.wait, 15) == 0
        finally:
            process.kill()
            process.wait()
            joins.cancel()


ENCODINGS: list[dict[str, str]] = [
    {"PYTHONIOENCODING": "ascii"},
    {"PYTHONIOENCODING": "cp1252"},
    {"LC_ALL": "C", "LANG": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
]


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("command", [["cli.main", "tap"], ["cli.main", "tap", "--json"], ["services.logger"]])
async def test_what_passes_is_printed_in_any_encoding(
    system: System, buses: Buses, encoding: dict[str, str], command: list[str]
) -> None:

    publisher = Publisher(buses.new(), "frames", on_join=lambda _: [])
    joins = asyncio.create_task(publisher.serve_joins())
    process = system.run("printer", [sys.executable, "-m", *command], **encoding)
    prompt = "a bee → eine Biene, größer, 蜂 🐝"

    async def printed() -> bool:
        assert process.exit_code is None, process.err
        await publisher.publish(frame(1).model_copy(update={"prompt": prompt}), tiny_png())
        return process.out.count("\n") > 0

    await eventually_async(printed, 60)
    joins.cancel()
    assert process.stop(signal.SIGINT) == 0
    assert "Traceback" not in process.err
    raw = process.out_path.read_bytes()
    text = raw.decode("cp1252" if encoding.get("PYTHONIOENCODING") == "cp1252" else "ascii")
    line = text.splitlines()[0]
    if command[-1] in ("--json", "services.logger"):
        assert json.loads(line)["prompt"] == prompt
    else:
        assert "a bee \\u2192 eine Biene" in line


COMMANDS: list[Callable[[System], list[str]]] = [
    lambda system: ["--help"],
    lambda system: ["rerun", "--help"],
    lambda system: ["bus"],
    lambda system: ["bus", "--json"],
    lambda system: ["settings"],
    lambda system: ["settings", "--json"],
    lambda system: ["check", "größe→蜂"],
    lambda system: ["compare", "größe→蜂", "b"],
    lambda system: ["verify", "größe→蜂"],
    lambda system: ["export", "größe→蜂"],
    lambda system: ["import", "größe→蜂.tar"],
    lambda system: ["rerun", "größe→蜂", "--into", "ü"],
    lambda system: ["tap", "größe→蜂"],
    lambda system: ["nöbody"],
]


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("number", range(len(COMMANDS)))
def test_no_command_ends_with_a_traceback_for_an_encoding(
    system: System, encoding: dict[str, str], number: int
) -> None:
    arguments = COMMANDS[number](system)
    settings = {"PARAFOVEA_SECTOR_PROMPTS": "größe→蜂.json"}
    process = system.run("command", [sys.executable, "-m", "cli.main", *arguments], **settings, **encoding)
    assert process.wait(60) in (0, 2, 3)
    assert "Traceback" not in process.err
    assert "Error" not in process.err.replace("Error ─", "").replace("Error -", "")


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("arguments", [["compare", "a", "b"], ["compare", "a", "b", "--json"], ["check", "a"]])
def test_sessions_with_any_prompt_are_compared_in_any_encoding(
    system: System, encoding: dict[str, str], arguments: list[str]
) -> None:
    for session_id in "ab":
        writer = SessionWriter.create(Disk(), system.sessions, session_id, CREATED_AT)
        writer.append([pending_frame(0, session_id=session_id, prompt=f"größe → 蜂 {session_id}")])
        writer.close()
    process = system.run("command", [sys.executable, "-m", "cli.main", *arguments], **encoding)
    assert process.wait(60) == 0, process.err
    assert "Traceback" not in process.err
    if "--json" in arguments:
        assert json.loads(process.out)["frames"][0]["prompt_a"] == "größe → 蜂 a"


@pytest.mark.parametrize("arguments", [["bus"], ["settings"], ["settings", "--json"], ["keys", "k"], ["--help"]])
def test_no_command_complains_when_nobody_reads(system: System, arguments: list[str]) -> None:
    command = " ".join([sys.executable, "-m", "cli.main", *arguments])
    process = system.run("command", ["bash", "-c", f"{command} | true"])
    process.wait(60)
    assert process.err == ""
