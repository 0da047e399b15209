"""The API with nobody behind it, then with stand-ins: what it asks of whom, and how it answers what they say."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.golden import canned, http_asked
from tests.golden.between import TOPIC, answer, hang_up, note_asked
from tests.golden.book import Book, distinct
from tests.golden.bus import Frames, noted
from tests.golden.canned import number
from tests.golden.http_asked import Asked, generating, plain, with_json
from tests.golden.pictures import png
from tests.golden.stand_in import StandIn
from tests.golden.wire import Answer, http
from tests.support.processes import System
from tests.support.waiting import eventually

WAIT_S = 60.0
ERRORS = "http_errors"

_READINESS: tuple[Asked, ...] = (plain("GET", "/ready"), generating("generate"))
_NOBODY: tuple[Asked, ...] = (
    *_READINESS,
    plain("GET", "/session/status"),
    plain("POST", "/session/start?session_id=a"),
    plain("GET", "/session/list"),
    plain("GET", "/health"),
)
_REPLAYING: tuple[Asked, ...] = (
    plain("POST", "/session/replay/golden"),
    plain("GET", "/session/replay/next"),
    plain("GET", "/session/replay/previous?cursor=wall"),
    plain("POST", "/session/replay/seek?index=1e0"),
    plain("POST", "/session/replay/play?speed=2&loop=true"),
    plain("POST", "/session/replay/play?cursor=wall"),
    plain("POST", "/session/replay/pause"),
    plain("GET", "/session/replay/status"),
    plain("POST", "/session/replay/stop"),
    with_json("rerun", "/session/golden/rerun", {"into": "again"}),
    with_json(
        "rerun, all said",
        "/session/golden/rerun",
        {
            "into": "again",
            "prompts": {"default": ["a"]},
            "seed_offset": -1.0,
            "strength": 1,
            "model": "m",
            "chain": True,
        },
    ),
    plain("GET", "/session/again/rerun"),
    plain("DELETE", "/session/again/rerun"),
)


class ApiAlone:
    """One API, and whoever stands behind it.

    Args:
        system: with nothing started.
    """

    def __init__(self, book: Book, folder: Path, settings: dict[str, str]) -> None:
        self._book = book
        self._system = System(folder, **settings)
        self._recorder: dict[str, Any] = canned.recorder_status()
        self._sent = 0

    def run(self) -> None:
        """All of it."""
        try:
            self._system.start("api")
            self._without_anybody()
            channels = ["generator", "recorder", "replayer"]
            with StandIn(self._system.bus_folder, channels, ["frames", "recordings", "replays"]) as others:
                self._others = others
                others.answers = {
                    ("recorder", "status"): self._tell_recorder_status,
                    ("replayer", "status"): answer(**canned.cursor(state="idle", session_id=None, total=number(0))),
                }
                gaze = self._system.start("gaze")
                self._states()
                self._generating()
                self._refusals()
                self._recording()
                self._replaying()
                note_asked(self._book, "the API", others, without=("generate", "status"))
                self._note_status()
                assert gaze.stop() == 0
            assert self._system.stop_all() == {"api": 0}
        except BaseException:
            self._system.print_logs()
            raise
        finally:
            self._system.kill_all()

    def _ask(self, asked: Asked, before: str) -> Answer:
        name, method, target, body, headers = asked
        found = http(self._system.port, method, target, body, headers)
        self._book.note(ERRORS, f"{before}: {name}", found.noted())
        return found

    def _health(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(http(self._system.port, "GET", "/health").body)
        return found

    def _without_anybody(self) -> None:
        def all_missed() -> bool:
            reasons = self._health()["reasons"]
            return len(reasons) == 4 and not any("not answered yet" in reason for reason in reasons)

        eventually(all_missed, WAIT_S, "the API misses all four")
        for asked in _NOBODY:
            self._ask(asked, "nobody is there")

    def _tell_recorder_status(self, header: dict[str, Any], payloads: Frames) -> tuple[dict[str, Any], Frames]:
        return {**self._recorder, "recorded": [False for _ in header["frames"]]}, []

    # -- the generator ------------------------------------------------------------------------------------------------

    def _tell(self, **changes: Any) -> None:
        """Publish a heartbeat, and wait until the API has it; ``last_seq`` tells which."""
        self._sent += 1
        told = canned.status(last_seq=number(self._sent), **changes)
        self._others.states["status|"] = {**told, "channel": "frames"}

        def heard() -> bool:
            self._others.publish("frames", told)
            return bool(self._health()["processes"]["generator"].get("last_seq") == self._sent)

        eventually(heard, WAIT_S, f"the API has heard of {changes}")

    def _states(self) -> None:
        eventually(lambda: self._health()["processes"]["replayer"]["state"] == "ok", WAIT_S, "the replayer is seen")
        eventually(lambda: self._health()["processes"]["recorder"]["state"] == "ok", WAIT_S, "the recorder is seen")
        eventually(lambda: self._health()["processes"]["gaze"]["state"] == "ok", WAIT_S, "the gaze process is seen")
        states: dict[str, dict[str, Any]] = {
            "loading": {"state": "loading", "model": None, "device": None, "dtype": None},
            "failed": {"state": "failed", "detail": "no such model"},
            "stopping": {"state": "stopping"},
            "a state of a newer version": {"state": "dreaming"},
            "a full queue": {"queue": number(8)},
            "ready": {"new_field": {"a": [number(1.0)]}},
        }
        for name, changes in states.items():
            self._tell(**changes)
            for asked in _READINESS[: 1 if name == "ready" else 2]:
                self._ask(asked, name)
            self._ask(plain("GET", "/health"), name)

    def _generate(self, header: dict[str, Any], payloads: Frames) -> tuple[dict[str, Any], Frames]:
        session = header["session"]
        fields, data = canned.frame(0, payloads[0], session_id=session and session["session_id"])
        return fields, [data]

    def _generating(self) -> None:
        """Each request of a client, and what becomes of it."""
        self._others.answers["generator", "generate"] = self._generate
        self._others.answers["generator", "vocabulary"] = answer(model=canned.MODEL)
        asked: tuple[Asked, ...] = (
            generating("no setting", steps=...),
            generating("a prompt of the sector", prompt=...),
            *(each for each in http_asked.GENERATED if each[0] != "a prompt of the sector"),
            generating(
                "all fields", supersede=True, strict=True, client_id="c", steps=2, strength=0.5, guidance_scale=2
            ),
        )
        for each in asked:
            name, method, target, body, headers = each
            assert http(self._system.port, method, target, body, headers).status == 200
            sent = self._others.requests("generator", "generate")[-1]
            self._book.note(TOPIC, f"the API asks the generator: generate, {name}", noted(sent))
        self._ask(plain("GET", "/vocabulary"), "a model that takes any text")

    def _refusals(self) -> None:
        for code in canned.CODES:
            self._others.answers["generator", "generate"] = answer(**canned.refusal(code))
            self._ask(generating("generate"), code)
        for message_type, asked, codes in (
            ("start", plain("POST", "/session/start"), canned.RECORDER_CODES),
            ("next", plain("GET", "/session/replay/next"), canned.REPLAYER_CODES),
        ):
            channel = "recorder" if message_type == "start" else "replayer"
            for code in codes:
                self._others.answers[channel, message_type] = answer(**canned.refusal(code))
                self._ask(asked, code)
        self._others.answers["generator", "generate"] = answer(what="is this")
        self._ask(generating("generate"), "an answer that cannot be understood")
        # A client that goes away takes its job with it.
        self._others.answers["generator", "generate"] = lambda header, payloads: None
        count = len(self._others.requests("generator", "generate"))
        hang_up(
            self._system.port,
            generating("goes away"),
            lambda: self._others.wait("generator", "generate", count + 1),
        )
        self._others.wait("generator", "cancel")

    # -- the recorder -------------------------------------------------------------------------------------------------

    def _recording(self) -> None:
        """A session, a frame that stays pending, a recorder that comes back, a generator that does not."""
        stamp = {"session_id": "golden", "created_at": canned.CREATED_AT}
        self._others.answers["recorder", "start"] = answer(**stamp, resumed=False)
        self._others.answers["recorder", "stop"] = answer(session_id="golden", recorded=number(1), pending=number(0))
        self._others.answers["generator", "generate"] = self._generate
        self._ask(plain("POST", "/session/start?session_id=golden"), "with a recorder")
        self._recorder = canned.recorder_status(active=stamp)
        self._ask(plain("POST", "/session/start?session_id=golden&resume=true"), "with a recorder")
        self._ask(generating("a frame of a session"), "with a recorder")
        self._book.note(
            TOPIC,
            "the API asks the generator: generate, in a session",
            noted(self._others.requests("generator", "generate")[-1]),
        )
        eventually(self._asks_after, WAIT_S, "the API asks after the frame")
        self._recorder = canned.recorder_status(epoch="00000000000000e3")
        self._others.answers["recorder", "resume"] = answer(**stamp, resumed=True)
        self._others.wait("recorder", "resume")
        self._tell(epoch="00000000000000e4")
        self._recorder = canned.recorder_status(epoch="00000000000000e3", active=stamp, gone=[True])
        eventually(lambda: self._health()["lost"], WAIT_S, "the frame is lost")
        self._ask(plain("GET", "/health"), "a frame is lost")
        self._tell(epoch="00000000000000e4", backlog_bytes=number(1000))
        self._ask(plain("GET", "/ready"), "a full backlog")
        self._ask(plain("POST", "/session/stop"), "with a recorder")
        self._recorder = canned.recorder_status(epoch="00000000000000e3", stopped="golden", error="the disk is gone")
        self._others.answers["recorder", "delete"] = answer()
        self._ask(plain("DELETE", "/session/golden"), "with a recorder")
        eventually(lambda: self._health()["processes"]["recorder"]["state"] == "trouble", WAIT_S, "trouble is seen")
        self._ask(plain("GET", "/session/status"), "a recorder in trouble")
        self._ask(plain("GET", "/health"), "a recorder in trouble")

    def _asks_after(self) -> bool:
        return any(b'"frame_id"' in each[0] for each in self._others.requests("recorder", "status"))

    def _note_status(self) -> None:
        """``status`` is asked all the time; what is asked along hangs on the moment."""
        for channel in ("recorder", "replayer"):
            found = distinct([noted(each) for each in self._others.requests(channel, "status")])
            self._book.note(TOPIC, f"the API asks the {channel}: status", found)

    # -- the replayer -------------------------------------------------------------------------------------------------

    def _replaying(self) -> None:
        for message_type in ("start", "seek", "play", "pause", "stop", "status"):
            self._others.answers["replayer", message_type] = answer(**canned.cursor())
        entry = canned.frame(0, png())[0] | {"index": number(0), "filename": "0000_BR.png", "mine": [number(1.0)]}
        shown = {"complete": False, "cursor": "default", "session_id": "golden", "entry": entry}
        self._others.answers["replayer", "next"] = lambda header, payloads: (shown, [png()])
        self._others.answers["replayer", "previous"] = answer(**{**shown, "complete": True, "entry": None})
        for message_type in ("rerun", "rerun.status", "rerun.cancel"):
            self._others.answers["replayer", message_type] = answer(**canned.rerun())
        for asked in _REPLAYING:
            self._ask(asked, "with a replayer")
