"""A client that has changes made ahead, over HTTP."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from benchmarks.timed import Answer, NotMade, Server

POLL_S = 0.01
DEADLINE_S = 60.0


@dataclass(frozen=True, slots=True)
class Standing:
    """How a preparation stands; ``answer``: of a ready one its sector."""

    state: str
    answer: Answer


class Ahead:
    """One view of one server."""

    def __init__(self, server: Server, view: str) -> None:
        self.server = server
        self._view = view

    def prepare(self, picture: bytes | str, targets: Sequence[str], **fields: Any) -> dict[str, str]:
        """Have these sectors changed, each; their ids, by sector. ``picture``: its bytes, or its hash."""
        named = (
            {"image_sha256": picture}
            if isinstance(picture, str)
            else {"image_base64": base64.b64encode(picture).decode()}
        )
        body = {**named, "target_sectors": list(targets), "view": self._view, **fields}
        answer = self.server.ask("POST", "/prepare", json.dumps(body).encode())
        if answer.status != 202:
            raise NotMade(f"/prepare: {answer.status} {answer.body[:300]!r}")
        return {one["target_sector"]: one["id"] for one in json.loads(answer.body)["prepared"]}

    def standing(self, prepared_id: str) -> Standing:
        """How one stands."""
        answer = self.server.ask("GET", f"/prepared/{prepared_id}")
        if answer.status == 200:
            return Standing("ready", answer)
        told = json.loads(answer.body)
        return Standing(told["state"] if answer.status == 202 else told["error"], answer)

    def settled(self, prepared_id: str) -> Standing:
        """The same, once it is ready or never will be. Raises TimeoutError: it is neither after a minute."""
        until = time.monotonic() + DEADLINE_S
        while time.monotonic() < until:
            standing = self.standing(prepared_id)
            if standing.answer.status != 202:
                return standing
            time.sleep(POLL_S)
        raise TimeoutError(f"{prepared_id} is still {standing.state} after {DEADLINE_S:g} s")

    def commit(self, prepared_id: str, **query: str) -> Answer:
        """Make a frame of it: what was answered, an error too."""
        asked = "&".join(f"{name}={value}" for name, value in query.items())
        return self.server.ask("POST", f"/commit/{prepared_id}?{asked}")


def until(holds: Callable[[], bool], what: str) -> None:
    """Wait for a condition. Raises TimeoutError: it does not hold after a minute."""
    end = time.monotonic() + DEADLINE_S
    while not holds():
        if time.monotonic() > end:
            raise TimeoutError(f"not after {DEADLINE_S:g} s: {what}")
        time.sleep(POLL_S / 10)
