"""The scenario: what is done with a system whose every process is real, one thing after another."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from websockets.sync.client import ClientConnection, connect

from shared.frame import FrameKey
from shared.session.writing.journal import Journal, JournaledFrame
from shared.system.disk import Disk
from tests.golden import bus_asked, commands, disk, http_asked, later, raw_json, wire
from tests.golden.book import Book, distinct
from tests.golden.bus import ANSWER_S, Dealer, Frames, Listener, noted
from tests.golden.pictures import describe
from tests.golden.wire import Answer
from tests.support.processes import System
from tests.support.waiting import eventually


class Whole:
    """One system, who asks it, and who listens.

    Args:
        book: takes what comes.
        system: with nothing started yet.
    """

    def __init__(self, book: Book, system: System) -> None:
        self.book = book
        self.system = system
        self._listener = Listener(system.bus_folder)
        self._other_generator = Journal(Disk(), system.sessions, "e")

    @contextmanager
    def started(self) -> Iterator[None]:
        """Start every process, and listen. The model takes its time to load."""
        lost = FrameKey(session_id="plain", epoch="e", record_seq=0, frame_id="e-0")
        self._other_generator.write([JournaledFrame(lost)])
        with self._listener:
            for name in ("generator", "recorder", "replayer", "gaze", "api"):
                self.system.start(name, wait=False)
            yield

    def run(self) -> None:
        """Go through all of it, once everybody answers."""
        for process in self.system.processes:
            self.system.wait_ready(process)
        eventually(lambda: self._health()["status"] == "ok", ANSWER_S, "all is well")
        self._listener.wait("frames", "status", 1)
        with connect(f"ws://127.0.0.1:{self.system.port}/ws", max_queue=None, close_timeout=1) as viewer:
            self._note_rest()
            self._record()
            self._replay()
            self._ask_on_the_bus()
            later.remake(self)
            self._note_viewer(viewer)
        self._note_gaze()
        commands.run(self.book, self.system)
        later.spill(self)

    # -- HTTP ---------------------------------------------------------------------------------------------------------

    def http(self, method: str, target: str, body: bytes | None = None, headers: Any = None) -> Answer:
        return wire.http(self.system.port, method, target, body, headers)

    def _health(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.http("GET", "/health").body)
        return found

    def ask(self, topic: str, asked: Iterable[http_asked.Asked]) -> None:
        for name, method, target, body, headers in asked:
            if (method, target) == ("GET", "/health") or "details" in target:
                self._settled()
            answer = self.http(method, target, body, headers)
            self.book.note(topic, name, bus_asked.shortened(answer.noted()))

    def _settled(self) -> None:
        """Until the API has heard that the generator has nothing to do."""
        last_seq = max((json.loads(frames[1])["seq"] for frames in self._listener.of("frames", "frame")), default=-1)

        def idle() -> bool:
            health = self._health()
            generator, recorder = health["processes"]["generator"], health["processes"]["recorder"]
            is_quiet = generator["last_seq"] == last_seq and not generator["running"] and not generator["sessions"]
            return is_quiet and recorder["state"] == "ok"

        eventually(idle, ANSWER_S, "the generator is idle")

    def _note_rest(self) -> None:
        document = self.http("GET", "/openapi.json")
        self.book.note("openapi", "headers", dict(document.headers) | {"content-length": "..."})
        self.book.note("openapi", "document", raw_json.parse(document.body))
        self.ask("http_rest", http_asked.REST)
        self.ask("http_generate", [asked for asked in http_asked.GENERATED if asked[0] in http_asked.REAL])
        self.ask("http_generate", http_asked.REFUSED)
        self.ask("http_sessions", http_asked.NO_SESSION)

    def _record(self) -> None:
        self.ask("http_sessions", [http_asked.plain("POST", "/session/start?session_id=plain", "start")])
        self.ask("http_sessions", http_asked.RECORDED)
        self.ask("http_sessions", http_asked.WHILE_ACTIVE)
        disk.note_session(self.book, "while it is recorded", self.system.sessions, "plain")
        self.ask("http_sessions", http_asked.STOPPED)
        self.ask("http_no_session", http_asked.of_no_session())
        self.ask("http_methods", http_asked.of_every_operation(json.loads(self.http("GET", "/openapi.json").body)))
        frame = self.http("GET", "/session/plain/frames/0")
        tag = {"If-None-Match": frame.header("etag")}
        self.ask("http_sessions", [("a frame that is known", "GET", "/session/plain/frames/0", None, tag)])
        disk.note_session(self.book, "stopped", self.system.sessions, "plain")

    def _replay(self) -> None:
        self.ask("http_replay", http_asked.REPLAYED)
        self.http("POST", "/session/replay/plain?cursor=film")
        playing = self.http("POST", "/session/replay/play?cursor=film&speed=100")
        told = raw_json.parse(playing.body)
        told["position"] = "<n>"  # it plays already
        self.book.note("http_replay", "play", playing.noted(told))

        def over() -> Answer | None:
            answer = self.http("GET", "/session/replay/status?cursor=film")
            return answer if json.loads(answer.body)["status"] == "complete" else None

        answer = eventually(over, ANSWER_S, "the playback is over")
        assert answer is not None
        self.book.note("http_replay", "a playback is over", answer.noted())

    # -- the bus ------------------------------------------------------------------------------------------------------

    def _lose_a_frame(self) -> None:
        """A generator that nobody has heard of ends, and had made a frame."""
        self._other_generator.close()

        def named() -> bool:
            metadata = json.loads((self.system.sessions / "plain" / "metadata.json").read_bytes())
            return metadata.get("lost") == ["e-0"] and "open" not in metadata

        eventually(named, ANSWER_S, "its frame is named as lost")

    def _ask_on_the_bus(self) -> None:
        for channel, items in (
            ("generator", bus_asked.GENERATOR),
            ("recorder", bus_asked.RECORDER),
            ("replayer", bus_asked.REPLAYER),
        ):
            dealer = self.dealer(channel)
            bus_asked.ask_all(self.book, f"requests_{channel}", dealer, items)
            bus_asked.ask_malformed(self.book, f"requests_{channel}", dealer)
            if channel == "recorder":
                self._lose_a_frame()
        dealer = self.dealer("replayer")
        dealer.ask("start", {"cursor": "bus film", "session_id": "plain"})
        for name, message_type, fields in (
            ("play", "play", {"speed": 0.01, "loop": True}),
            ("pause what plays", "pause", {}),
            ("play on", "play", {}),
            ("stop what plays", "stop", {}),
        ):
            reply = noted(dealer.ask(message_type, {"cursor": "bus film", **fields}))
            reply["header"]["position"] = "<n>"  # it plays meanwhile
            self.book.note("requests_replayer", name, reply)

    def dealer(self, channel: str) -> Dealer:
        return Dealer(self._listener.context, self.system.bus_folder, channel)

    def note_published(self) -> None:
        """All that was heard so far."""
        topic = "published"
        for message_type in ("frame", "progress"):
            found = distinct([_published(frames) for frames in self._listener.of("frames", message_type)])
            for number, each in enumerate(found):
                self.book.note(topic, f"{message_type} {number}", each)
        for name in ("loading", "ready", "stopping"):
            told = _published(self._first_status(name))
            if name == "loading":  # how far it is hangs on the moment
                told["header"]["loading"] = "<how far>"
            self.book.note(topic, f"the first status: {name}", told)
        for channel in ("recordings", "replays"):
            heard = [_published(frames) for frames in list(self._listener.heard[channel])]
            named: dict[str, int] = {}
            for each in distinct([each for each in heard if _hangs_on_no_moment(each["header"])]):
                kind = each["topic"].rstrip("|")
                named[kind] = named.get(kind, -1) + 1
                self.book.note(topic, f"{kind} {named[kind]}", each)

    def _first_status(self, state: str) -> Frames:
        def heard() -> Frames | None:
            told = f'"state":"{state}"'.encode()
            return next((frames for frames in self._listener.of("frames", "status") if told in frames[1]), None)

        found = eventually(heard, ANSWER_S, f"a status: {state}")
        assert found is not None
        return found

    # -- WebSockets ---------------------------------------------------------------------------------------------------

    def _note_viewer(self, viewer: ClientConnection) -> None:
        """What a viewer was told: of each type the first, and what came behind it."""
        told: dict[str, Any] = {}
        wanted = {"hello", "frame", "progress", "status", "session.started", "session.stopped", "frame.recorded"}
        wanted |= {"replay.frame", "replay.status"}
        behind: str | None = None
        while wanted - told.keys() or behind is not None:
            message = viewer.recv(timeout=ANSWER_S)
            if isinstance(message, bytes):
                if behind is not None:
                    told[behind]["behind it"] = describe(message)
                    behind = None
                continue
            value = raw_json.read(message.encode())
            kind = str(value.get("type"))
            behind = kind if kind in ("frame", "replay.frame") and kind not in told else None
            if kind == "status":
                if value["running"] or value["waiting"] or value["sessions"] or value["making"]:
                    continue  # what is under way hangs on the moment
                value["last_seq"] = "<n>"
            if "id" in value:
                value["id"] = "<message-id>"
            told.setdefault(kind, {"message": value})
        for kind in sorted(told):
            self.book.note("websockets", f"/ws {kind}", told[kind])

    def _note_gaze(self) -> None:
        gaze = f"ws://127.0.0.1:{self.system.port}/gaze"
        with connect(gaze, close_timeout=1) as page, connect(f"{gaze}?listen=true", close_timeout=1) as tracker:
            points: list[str] = []
            tracker.send('{"x": 0.31, "y": 0.62, "pupil": [1.0, 2]}')
            points.append(str(page.recv(timeout=ANSWER_S)))
            tracker.send('{"x": 2}')
            refusal = str(tracker.recv(timeout=ANSWER_S))
            page.send('{"y":1,"x":0}')
            points.append(str(tracker.recv(timeout=ANSWER_S)))
        self.book.note("websockets", "/gaze points", points)
        self.book.note("websockets", "/gaze refusal", refusal)


def _published(frames: Frames) -> dict[str, Any]:
    return {"topic": frames[0].decode(), **noted(frames[1:])}


def _hangs_on_no_moment(header: dict[str, Any]) -> bool:
    """Whether a message of a replay is there in every run. Where a cursor that plays by itself stands hangs on time."""
    if header.get("cursor") == "film" and header["type"] == "replay.status":
        header["position"] = "<n>"
    return header.get("cursor") != "bus film"
