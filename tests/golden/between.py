"""What the processes send each other: where one would be stands a stand-in, which keeps what it is asked."""

from __future__ import annotations

import json
import socket
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from tests.golden import canned, commands, disk, http_asked, raw_json
from tests.golden.book import Book, distinct
from tests.golden.bus import Dealer, Frames, noted
from tests.golden.canned import number
from tests.golden.pictures import png
from tests.golden.stand_in import StandIn
from tests.support.processes import System
from tests.support.waiting import eventually

TOPIC = "between"
WAIT_S = 60.0
SOURCE = png()


def run(book: Book, folder: Path, settings: dict[str, str]) -> None:
    """Recorder, then replayer, then commands, each beside stand-ins, in one folder. The API has its own module."""
    system = System(folder, **settings)
    try:
        _recorder(book, system)
        _replayer(book, system)
        system.stop_all()
    finally:
        system.kill_all()
    _commands(book, folder, settings)


def answer(**body: Any) -> Any:
    return lambda header, payloads: (body, [])


def note_asked(book: Book, who: str, stand_in: StandIn, *, without: tuple[str, ...] = ()) -> None:
    """Each distinct request that was sent, by channel and type; how often it was sent hangs on time."""
    by_type: dict[tuple[str, str], list[Any]] = {}
    for channel, frames in list(stand_in.asked):
        each = noted(frames)
        by_type.setdefault((channel, each["header"]["type"]), []).append(each)
    for (channel, message_type), found in sorted(by_type.items()):
        if message_type not in without:
            book.note(TOPIC, f"{who} asks the {channel}: {message_type}", distinct(found))


def _recorder(book: Book, system: System) -> None:
    """Two frames that it has to ask for, and one that it hears."""
    frames = [canned.frame(seq, SOURCE) for seq in range(3)]

    def pending(header: dict[str, Any], payloads: Frames) -> tuple[dict[str, Any], Frames]:
        listed = [
            {
                **{key: fields[key] for key in ("session_id", "epoch", "record_seq", "frame_id")},
                "bytes": number(len(data)),
                "input_sha256": fields["input_sha256"],
            }
            for fields, data in frames[:2]
        ]
        return {
            "epoch": canned.EPOCH,
            "stopping": False,
            "frames": listed,
            "next_record_seq": {"golden": number(2)},
        }, []

    def fetch(header: dict[str, Any], payloads: Frames) -> tuple[dict[str, Any], Frames]:
        fields, data = frames[int(header["record_seq"])]
        return {**fields}, [data]

    with StandIn(system.bus_folder, ["generator"], ["frames"]) as generator:
        backlog = [{"session_id": "golden", "last_record_seq": number(1), "frames": number(2)}]
        state = canned.status(last_seq=number(1), sessions=backlog)
        generator.states["status|"] = {**state, "channel": "frames"}
        generator.answers = {
            ("generator", "pending"): pending,
            ("generator", "fetch"): fetch,
            ("generator", "input"): lambda header, payloads: (
                {"sha256": header["sha256"], "format": "png"},
                [SOURCE],
            ),
            ("generator", "ack"): lambda header, payloads: ({"released": number(len(header["frames"]))}, []),
        }
        process = system.start("recorder")
        eventually(lambda: acknowledged(generator) == 2, WAIT_S, "two frames are acknowledged")
        generator.states.clear()
        fields, data = frames[2]
        generator.publish("frames", {"type": "frame", **fields}, data)
        eventually(lambda: acknowledged(generator) == 3, WAIT_S, "three frames are acknowledged")
        asked = generator
        for message_type in ("pending", "fetch", "input"):
            found = distinct([noted(each) for each in asked.requests("generator", message_type)])
            book.note(TOPIC, f"the recorder asks the generator: {message_type}", found)
        found = [raw_json.parse(each[0]) for each in asked.requests("generator", "ack")]
        refs = [ref for each in found for ref in each["frames"]]
        first = noted(asked.requests("generator", "ack")[0])
        first["header"]["frames"] = "..."
        book.note(TOPIC, "the recorder asks the generator: ack", first)
        book.note(TOPIC, "the recorder acknowledges", distinct(refs))
        assert process.stop() == 0
    disk.note_session(book, "frames of a stand-in", system.sessions, "golden")


def acknowledged(generator: StandIn) -> int:
    """How many frames were."""
    refs = [ref for each in generator.requests("generator", "ack") for ref in raw_json.parse(each[0])["frames"]]
    return len({ref["record_seq"] for ref in refs})


def _replayer(book: Book, system: System) -> None:
    """A re-run that is made, and one that is given up while a frame is under way."""
    made: list[int] = []

    def generate(header: dict[str, Any], payloads: Frames) -> tuple[dict[str, Any], Frames] | None:
        if header["session"]["session_id"] != "again":
            return None
        made.append(len(made))
        fields, data = canned.frame(made[-1], payloads[0], session_id="again")
        return fields, [data]

    def start(header: dict[str, Any], payloads: Frames) -> tuple[dict[str, Any], Frames]:
        folder = system.sessions / header["session_id"]
        folder.mkdir()
        head = {"session_id": folder.name, "created_at": canned.CREATED_AT, "format": number(1), "sequence": []}
        (folder / "metadata.json").write_text(raw_json.compact({**header["extra"], **head}))
        return {"session_id": folder.name, "created_at": canned.CREATED_AT, "resumed": False}, []

    status = {key: value for key, value in canned.status().items() if key != "type"}
    with StandIn(system.bus_folder, ["generator", "recorder"], []) as others:
        others.answers = {
            ("generator", "status"): answer(**status),
            ("generator", "generate"): generate,
            ("generator", "cancel"): answer(found="running"),
            ("generator", "model"): answer(name="golden", model=status["model"]),
            ("recorder", "start"): start,
            ("recorder", "status"): answer(**canned.recorder_status()),
            ("recorder", "stop"): answer(session_id="again", recorded=number(3), pending=number(0)),
        }
        system.start("replayer")
        dealer = Dealer(others.context, system.bus_folder, "replayer")
        changes = {"seed_offset": number(5), "prompts": {"default": ["a bee"]}, "strength": number(0.5), "chain": True}
        book.note(
            TOPIC, "a re-run begins", noted(dealer.ask("rerun", {"session_id": "golden", "into": "again", **changes}))
        )

        def state(into: str) -> str:
            header: dict[str, Any] = json.loads(dealer.ask("rerun.status", {"session_id": into})[0])
            return str(header["state"])

        eventually(lambda: state("again") == "complete", WAIT_S, "the re-run is complete")
        book.note(TOPIC, "a re-run is complete", noted(dealer.ask("rerun.status", {"session_id": "again"})))
        dealer.ask("rerun", {"session_id": "golden", "into": "given_up"})
        others.wait("generator", "generate", 4)
        book.note(TOPIC, "a re-run is given up", noted(dealer.ask("rerun.cancel", {"session_id": "given_up"})))
        others.wait("generator", "cancel")
        others.wait("recorder", "stop", 2)
        note_asked(book, "the replayer", others)


def _commands(book: Book, folder: Path, settings: dict[str, str]) -> None:
    """Commands that have something done by a process."""
    system = _beside(folder, settings)
    status = {key: value for key, value in canned.status().items() if key != "type"}

    def generate(header: dict[str, Any], payloads: Frames) -> tuple[dict[str, Any], Frames]:
        fields, data = canned.frame(0, payloads[0], session_id=None)
        return fields | {"seq": number(-1), "record_seq": None}, [data]

    with StandIn(system.bus_folder, ["generator", "recorder", "replayer"], []) as others:
        others.answers = {
            ("generator", "status"): answer(**status),
            ("generator", "generate"): generate,
            ("replayer", "rerun"): answer(**canned.rerun(state="queued", done=number(0), skipped=[])),
            ("replayer", "rerun.status"): answer(**canned.rerun()),
        }
        exported = commands.parafovea(system, "export", "golden", "-o", "golden.tar.gz")
        assert exported.returncode == 0, exported.stderr
        asked = (
            ("import", "golden.tar.gz", "--as", "moved", "--json"),
            ("verify", "golden", "--json"),
            ("rerun", "golden", "--into", "again2", "--seed-offset", "1", "--json"),
        )
        with ThreadPoolExecutor(len(asked)) as pool:
            done = list(pool.map(lambda arguments: commands.parafovea(system, *arguments), asked))
        for arguments, each in zip(asked, done, strict=True):
            book.note(TOPIC, f"parafovea {' '.join(arguments)}", commands.told(each))
        note_asked(book, "a command", others)


def _beside(folder: Path, settings: dict[str, str]) -> System:
    """Another system with the same sessions."""
    inner = folder / "commands"
    inner.mkdir()
    return System(inner, **settings, PARAFOVEA_SESSIONS_DIR=str(folder / "sessions"))


def hang_up(port: int, asked: http_asked.Asked, until: Any) -> None:
    """Send a request, and go away once ``until`` returns."""
    _, method, target, body, headers = asked
    lines = [f"{method} {target} HTTP/1.1", f"Host: 127.0.0.1:{port}", f"Content-Length: {len(body or b'')}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.sendall("\r\n".join([*lines, "", ""]).encode() + (body or b""))
        until()
