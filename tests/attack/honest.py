"""An honest client beside the attack: it has pictures made, replays, and holds every answer to its word."""

from __future__ import annotations

import threading
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import httpx

from tests.attack.place import Place
from tests.attack.tally import REFUSALS
from tests.support.studio import Answered
from tests.support.waiting import eventually

SESSION = "honest"
EVERY_S = 0.3
PATIENCE_S = 150.0
STEERED = frozenset({"session_not_active", "session_busy", "superseded", "cancelled"})
"""What somebody else may do to a shared server: begin or end a session."""


@dataclass
class Ledger:
    """What the honest client was told.

    Attributes:
        answered: frames that it got.
        unrecorded: of those, frames made while an attacker had ended the session.
        elsewhere: of those, frames that were given to a session that an attacker had begun.
        refused: errors that say what is not possible now, by code.
        broken: answers that were wrong.
    """

    answered: list[Answered] = field(default_factory=list)
    unrecorded: int = 0
    elsewhere: int = 0
    asked: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    broken: list[str] = field(default_factory=list)
    recorded: int = 0
    lost: int = 0


class Honest:
    """Works in a thread until it is stopped."""

    def __init__(self, place: Place) -> None:
        self._place = place
        self._client = httpx.Client(base_url=place.url, timeout=PATIENCE_S)
        self._known = {
            name: [path.read_bytes() for path in sorted((place.sessions / name).glob("[0-9]*.png"))]
            for name in ("rec_0",)
        }
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._run, name="honest", daemon=True)
        self.ledger = Ledger()

    def start(self) -> None:
        self._begin()
        self._thread.start()

    def stop(self) -> None:
        self._ending.set()
        self._thread.join()
        self._client.close()

    def warm_up(self) -> None:
        """Use everything once, so that what a process needs only then is in its memory before it is measured."""
        self._begin()
        for number in range(5):
            self._make(number)
        self._replay()
        for path in (
            "/session/rec_0/export",
            "/session/rec_0/frames/0/thumbnail",
            "/session/rec_0/entries",
            "/openapi.json",
        ):
            self._get(path)
        archive = self._get("/session/rec_0/export")
        if archive is not None:
            self._client.post("/session/import", params={"session_id": "fuzz_warm"}, content=archive.content)
            self._client.delete("/session/fuzz_warm")
        with suppress(AssertionError):
            eventually(lambda: self._client.get("/session/compare?a=rec_0&b=rec_1").status_code == 200, 60)

    def settle(self, timeout_s: float) -> None:
        """Wait until each frame that was answered with this session is recorded, or named as lost."""
        ours = [frame for frame in self.ledger.answered if frame.session_id == SESSION]
        self.ledger.unrecorded = sum(frame.session_id is None for frame in self.ledger.answered)
        self.ledger.elsewhere = sum(frame.session_id not in (None, SESSION) for frame in self.ledger.answered)
        try:
            eventually(partial(self._is_settled, ours), timeout_s, "each honest frame is recorded or named as lost")
        except AssertionError as error:
            self.ledger.broken.append(str(error))
        recorded = {entry["frame_id"]: entry["filename"] for entry in self._place.metadata(SESSION)["sequence"]}
        twice = len(self._place.frame_ids(SESSION)) - len(recorded)
        if twice:
            self.ledger.broken.append(f"{twice} frames were recorded twice")
        for frame in ours:
            if frame.frame_id not in recorded:
                self.ledger.lost += 1
                continue
            path: Path = self._place.sessions / SESSION / recorded[frame.frame_id]
            if path.read_bytes() == frame.png:
                self.ledger.recorded += 1
            else:
                self.ledger.broken.append(f"{path.name} is not what was answered")

    def _is_settled(self, ours: list[Answered]) -> bool:
        known = {*self._place.frame_ids(SESSION), *self._place.metadata(SESSION).get("lost", [])}
        return {frame.frame_id for frame in ours} <= known

    def _run(self) -> None:
        number = 100
        while not self._ending.wait(EVERY_S):
            number += 1
            try:
                self._make(number)
                if number % 5 == 0:
                    self._replay()
                if number % 7 == 0:
                    self._list()
            except Exception as error:
                self.ledger.broken.append(f"{type(error).__name__}: {error}")

    def _begin(self) -> None:
        answer = self._client.post("/session/start", params={"session_id": SESSION, "resume": "true"})
        self._refusal(answer, "session/start")

    def _make(self, seed: int) -> None:
        self.ledger.asked += 1
        try:
            answer = self._place.post_generate(seed)
        except httpx.TransportError as error:
            self.ledger.broken.append(f"/generate: {type(error).__name__}: {error}")
            return
        if self._refusal(answer, "generate"):
            return
        frame = Answered.of(answer)
        self.ledger.answered.append(frame)
        if answer.headers["X-Seed"] != str(seed) or answer.headers["X-Prompt"] != f"frame {seed}":
            self.ledger.broken.append(f"asked for seed {seed}, was given {dict(answer.headers)}")
        if frame.session_id != SESSION:
            self._begin()

    def _replay(self) -> None:
        """Replay a session with a cursor of its own: the very bytes, in order."""
        cursor = {"cursor": "an honest one"}
        if self._refusal(self._client.post("/session/replay/rec_0", params=cursor), "replay"):
            return
        for at, known in enumerate(self._known["rec_0"]):
            answer = self._client.get("/session/replay/next", params=cursor)
            if not self._refusal(answer, "replay/next") and answer.content != known:
                self.ledger.broken.append(f"frame {at} of rec_0 is replayed as something else")

    def _list(self) -> None:
        answer = self._get("/session/list")
        if answer is not None and not {"rec_0", SESSION} <= set(answer.json()["sessions"]):
            self.ledger.broken.append(f"the list of sessions lacks one: {answer.text[:500]}")

    def _get(self, path: str) -> httpx.Response | None:
        answer = self._client.get(path)
        return None if self._refusal(answer, path) else answer

    def _refusal(self, answer: httpx.Response, what: str) -> bool:
        """Whether it is an error; one that an honest client must not get is noted."""
        if answer.status_code == 200:
            return False
        code = (
            str(answer.json().get("error"))
            if answer.headers.get("content-type", "").startswith("application/json")
            else ""
        )
        if code in REFUSALS or code in STEERED:
            self.ledger.refused[code] += 1
        else:
            self.ledger.broken.append(f"{what}: {answer.status_code} {answer.text[:300]}")
        return True
