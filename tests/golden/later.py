"""The later part of the scenario: re-runs, comparisons, archives, and frames that have to wait."""

from __future__ import annotations

import json
import signal
from typing import TYPE_CHECKING

from tests.golden import bus_asked, disk, http_asked
from tests.golden.wire import Answer
from tests.support.waiting import eventually

if TYPE_CHECKING:
    from tests.golden.whole import Whole

WAIT_S = 60.0


def remake(whole: Whole) -> None:
    changed = {
        "into": "again",
        "seed_offset": 3,
        "chain": True,
        "strength": 0.5,
        "prompts": {"default": ["a snail"], "sectors": {"BR": "a bee"}},
    }
    rest = [
        http_asked.with_json("start", "/session/plain/rerun", changed),
    ]
    whole.ask("http_rerun", rest)

    def over() -> Answer | None:
        answer = whole.http("GET", "/session/again/rerun")
        return answer if json.loads(answer.body)["status"] == "complete" else None

    answer = eventually(over, WAIT_S, "the re-run is over")
    assert answer is not None
    whole.book.note("http_rerun", "complete", answer.noted())
    refused = [
        http_asked.with_json("it exists", "/session/plain/rerun", changed),
        http_asked.with_json("resume what is complete", "/session/plain/rerun", {"into": "again", "resume": True}),
        http_asked.with_json("no id", "/session/plain/rerun", {"into": "../x"}),
        http_asked.with_json("nothing", "/session/plain/rerun", {}),
        http_asked.with_json("an unknown field", "/session/plain/rerun", {"into": "x", "seed": 1}),
        http_asked.with_json("another model", "/session/plain/rerun", {"into": "x", "model": "another"}),
        http_asked.with_json("prompts that are none", "/session/plain/rerun", {"into": "x", "prompts": {"a": 1}}),
        http_asked.plain("GET", "/session/plain/rerun", "status of no re-run"),
        http_asked.plain("DELETE", "/session/plain/rerun", "cancel no re-run"),
        http_asked.plain("DELETE", "/session/again/rerun", "cancel what is complete"),
    ]
    for asked in refused:
        whole.ask("http_rerun", [asked])
        if asked[0].startswith("resume"):  # it goes on, and finds that nothing is left to make
            eventually(over, WAIT_S, "the resumed re-run is over")
    disk.note_session(whole.book, "a re-run", whole.system.sessions, "again")
    whole.ask("http_sessions", [http_asked.plain("GET", "/session/again/entries", "entries of a re-run")])
    _compare(whole)
    _archive(whole)


def _compare(whole: Whole) -> None:
    def over() -> Answer | None:
        answer = whole.http("GET", "/session/compare?a=plain&b=again")
        return answer if answer.status == 200 else None

    first = whole.http("GET", "/session/compare?a=plain&b=again")
    whole.book.note("http_rerun", "a comparison begins", first.noted())
    answer = eventually(over, WAIT_S, "the comparison is made")
    assert answer is not None
    whole.book.note("http_rerun", "a comparison", answer.noted())


def _archive(whole: Whole) -> None:
    archive = whole.http("GET", "/session/plain/export")
    whole.book.note("http_sessions", "export", archive.noted())
    disk.note_archive(whole.book, "an export over HTTP", archive.body)
    sent = {"Content-Type": "application/gzip"}
    imports: tuple[http_asked.Asked, ...] = (
        ("import, it exists", "POST", "/session/import", archive.body, sent),
        ("import", "POST", "/session/import?session_id=taken_in", archive.body, sent),
        ("import, cut short", "POST", "/session/import?session_id=b", archive.body[:-40], sent),
        ("import, no archive", "POST", "/session/import?session_id=b", b"no archive", sent),
        ("import, nothing", "POST", "/session/import", b"", sent),
        ("import, no id", "POST", "/session/import?session_id=..%2F", archive.body, sent),
        http_asked.plain("GET", "/session/taken_in", "metadata of the import"),
        http_asked.plain("DELETE", "/session/taken_in", "delete"),
        http_asked.plain("GET", "/session/list", "all sessions"),
    )
    whole.ask("http_sessions", imports)


def spill(whole: Whole) -> None:
    """Frames that nobody records: pending, then in the journal, then in the spill, then in their session."""
    whole.ask("http_pending", [http_asked.plain("POST", "/session/start?session_id=waiting", "start")])
    disk.note_folder(whole.book, "the sessions folder while one is active", whole.system.sessions, depth=1)
    recorder = next(process for process in reversed(whole.system.processes) if process.name == "recorder")
    assert recorder.stop() == 0
    whole.ask(
        "http_pending",
        [
            http_asked.generating("pending"),
            http_asked.generating("pending too", seed=8, focus_sector="BR", client_id="headset"),
        ],
    )
    dealer = whole.dealer("generator")
    ((frame, _),) = [json.loads(dealer.ask("pending")[0])["frames"]]
    ref = {key: frame[key] for key in ("session_id", "epoch", "record_seq")}
    bus_asked.ask_all(
        whole.book,
        "requests_generator",
        dealer,
        [
            bus_asked.asked("pending, two frames", "pending"),
            bus_asked.asked("status, two frames wait", "status"),
            bus_asked.asked("fetch", "fetch", **ref),
            bus_asked.asked("input", "input", sha256=frame["input_sha256"]),
        ],
    )
    whole.ask("http_pending", [http_asked.plain("GET", "/session/status", "the recorder is away")])
    (journal,) = (whole.system.sessions / ".journal").glob("*.jsonl")
    assert journal.read_bytes().count(b'"waiting"') == 2, "it was written before the answers"
    disk.note_file(whole.book, "the journal", journal, having=b'"waiting"')
    disk.note_file(whole.book, "the session that was active", whole.system.sessions / ".active")
    generator = next(process for process in reversed(whole.system.processes) if process.name == "generator")
    assert generator.stop(signal.SIGTERM) == 0
    disk.note_spill(whole.book, "the spill", whole.system.sessions / ".spill")
    whole.ask("http_pending", [http_asked.generating("the generator is away")])
    # What the next recorder publishes at once may be before our subscription has reached it.
    whole.note_published()
    whole.system.start("recorder")
    eventually(lambda: not journal.exists(), WAIT_S, "the frames are recorded, and their journal is gone")
    whole.ask("http_pending", [http_asked.plain("GET", "/session/waiting", "the frames of the spill")])
    disk.note_folder(whole.book, "the sessions folder once all is recorded", whole.system.sessions, depth=1)
    whole.ask("http_pending", [http_asked.plain("POST", "/session/stop", "stop")])
