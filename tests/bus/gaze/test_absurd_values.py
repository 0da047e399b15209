"""The gaze process is asked what no honest peer asks: it answers or refuses, and the trial goes on."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any

import pytest

from shared.errors import InternalError, ParafoveaError
from tests.bus.gaze.conftest import PICTURE, PROMPTS, Rig
from tests.support.absurd_fields import assert_quiet

TIMES = {"sent_ms": 1.0, "received_ns": 1, "answered_ns": 2, "returned_ms": 2.0}
REPORT = {"display": "d", "trial_id": "t", "swap": "1/0", "drawn_ms": 1.0, "frame_ms": 1.0, "next_frame_ms": 2.0}
POINT = {"x": 0.5, "y": 0.5, "t": 1.0, "confidence": 1.0, "pupil": 3.0, "open": 1.0, "valid": True}
SCREEN = {"px": [1920, 1080], "m": [0.5, 0.3], "distance_m": 0.6}
BOX = {"left": 0.0, "top": 0.0, "width": 1.0, "height": 1.0, "page_px": [100, 100], "screen_px": [200, 200]}
BEGIN: dict[str, Any] = {
    "view": "v",
    "grid_size": 3,
    "policy": {"name": "random"},
    "trigger": {"name": "key"},
    "prompts": PROMPTS,
    "model": {"steps": 1},
    "seed": 1,
    "catch_rate": 0.1,
    "sham_rate": 0.1,
    "participant": "p",
    "fields": {"a": 1},
    "record": False,
    "replace": False,
}
RIGHT: dict[str, dict[str, Any]] = {
    "source": {"source": "page"},
    "screen": SCREEN,
    "trial.begin": BEGIN,
    "trial.end": {"trial_id": "t"},
    "trial.response": {"key": "a", "display": "d", "at_ms": 1.0, "at": 1.0},
    "picture": {"sha256": "0" * 64},
    "view": {"display": "d", "view": "other", **BOX, "is_full_screen": True, "refresh_ms": 16.7},
    "points": {"source": "page", "display": "d", "points": [POINT]},
    "ready": {"display": "d", "trial_id": "t", "frame": "1"},
    "displayed": REPORT,
    "missed": {**REPORT, "reason": "late"},
    "key": {"key": "a", "display": "d", "at_ms": 1.0, "at": 1.0},
    "ping": {"display": "d", "sent_ms": 1.0},
    "clock": {"display": "d", **TIMES},
    "gone": {"display": "e", "reason": "closed"},
    "fetch": {"trial_id": "t", "from_n": 0, "limit_bytes": 1},
    "ack": {"trial_id": "t", "next_n": 1, "proof": "p"},
}
ABSURD: list[Any] = [
    *(None, True, -1, 0, 1e300, -1e300, 2**64 - 1, 0.5, "", "x", "a\nb", "\x1b[2J", "../..", "x" * 200_000),
    *([], {}, [1], ["x"], {"a": {"b": 1}}, [[]] * 100, [{}] * 2000, [POINT] * 1001, {"name": "x"}, {"default": []}),
]


@pytest.fixture(autouse=True)
def _quiet(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    caplog.set_level(logging.INFO)
    yield
    assert_quiet(caplog)


async def tried(rig: Rig, message_type: str, body: dict[str, Any]) -> None:
    """Ask; a refusal is as good as an answer, and neither is an error of ours."""
    refusal: ParafoveaError | None = None
    try:
        await rig.call(message_type, *([PICTURE] if message_type == "trial.begin" else []), **body)
    except ParafoveaError as error:
        refusal = error
    assert not isinstance(refusal, InternalError), str(body)[:500]
    assert refusal is None or len(refusal.detail) < 3000


@pytest.mark.parametrize("message_type", sorted(RIGHT))
async def test_absurd_values_end_no_trial(rig: Rig, message_type: str) -> None:
    await rig.start()
    trial_id = await rig.begin()
    await rig.show()
    right = RIGHT[message_type]
    for value in ABSURD:
        for field in right:
            await tried(rig, message_type, {**right, field: value})
        for field in POINT:
            if message_type == "points":
                await tried(rig, message_type, {**right, "points": [{**POINT, field: value}]})
    status = await rig.ask("status")
    if message_type not in ("trial.begin", "trial.end"):
        assert status["trial_id"] == trial_id
    if status["trial_id"] is not None:
        assert (await rig.ask("trial.end"))["state"] == "complete"
