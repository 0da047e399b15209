"""One example of each published message, as a process would publish it."""

from __future__ import annotations

import hashlib
import struct
import zlib
from typing import Any

from shared.bus.gaze_messages import (
    ClockCompared,
    EyeMovement,
    GazeSamples,
    GazeStatus,
    HeldTrial,
    SwapDisplayed,
    SwapOrdered,
    TrialStep,
)
from shared.bus.message import Message
from shared.bus.messages import (
    Backlogged,
    FrameRecorded,
    Prepared,
    Progress,
    ReplayFrame,
    ReplayStatus,
    SessionStarted,
    SessionStopped,
    Status,
)
from shared.frame import Frame, Model, SessionStamp


def tiny_png(shade: int = 0) -> bytes:
    """A valid 1x1 grey PNG: each shade (0 to 255) has bytes of its own."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 0)
    pixels = zlib.compress(bytes([0, shade]))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


def frame(seq: int = 0, *, session_id: str | None = "s", record_seq: int | None = 0, payload: bytes = b"") -> Frame:
    """A frame message; ``payload`` gives its hash (default: of :func:`tiny_png`)."""
    return Frame(
        frame_id=f"frame-{seq}",
        epoch="epoch-1",
        seq=seq,
        session_id=session_id,
        session_created_at=1736155234.5 if session_id else None,
        record_seq=record_seq if session_id else None,
        request_id=f"request-{seq}",
        target_sector="BR",
        focus_sector="TL",
        grid_size=3,
        region=(341, 341, 512, 512),
        prompt="add a small ladybug",
        seed=7,
        steps=4,
        guidance_scale=1.0,
        strength=0.9,
        width=512,
        height=512,
        input_sha256="0" * 64,
        input_format="jpeg",
        model=Model(id="tiny", revision="abc", kind="inpaint", pipeline="P", scheduler="S"),
        device="cpu",
        dtype="float32",
        versions={"torch": "2.13.0"},
        queued_ms=0.4,
        generation_ms=812.0,
        timestamp=1736155240.2,
        sha256=hashlib.sha256(payload or tiny_png()).hexdigest(),
    )


OF_TRIAL: dict[str, Any] = {
    "epoch": "epoch-3",
    "trial_id": "t",
    "view": "default",
    "n": 12,
    "step_id": "12/0",
    "caused_by": "12",
    "t_ns": 100,
    "at": 1736155240.2,
}

SAMPLES: dict[str, Message] = {
    message.type: message
    for message in (
        frame(),
        Progress(request_id="request-0", client_id=None, step=1, steps=4),
        Prepared(
            prepared_id="prepared-0",
            view="wall",
            client_id=None,
            target_sector="BR",
            state="ready",
            picture_sha256="0" * 64,
            region=(341, 341, 512, 512),
            generation_ms=812.0,
        ),
        Status(
            epoch="epoch-1",
            state="ready",
            last_seq=0,
            sessions=(Backlogged(session_id="s", last_record_seq=0, frames=1),),
            queue=0,
            backlog_bytes=1000,
            backlog_limit_bytes=1 << 30,
        ),
        SessionStarted(epoch="epoch-2", session_id="s", created_at=1736155234.5),
        SessionStopped(epoch="epoch-2", session_id="s", reason="stopped"),
        FrameRecorded(
            session_id="s",
            frame_id="frame-0",
            frame_epoch="epoch-1",
            record_seq=0,
            index=0,
            filename="0000_BR.png",
            sha256="0" * 64,
            bytes=68,
        ),
        ReplayFrame(cursor="default", session_id="s", index=0, total=1, entry={"index": 0}),
        ReplayStatus(cursor="default", state="replaying", session_id="s", position=0, total=1),
        GazeSamples(epoch="epoch-3", trial_id="t", source="page", first_n=12, count=2),
        EyeMovement(**OF_TRIAL, step="eye", kind="blink", onset_ns=90, offset_ns=None, detected_ns=100),
        TrialStep(**OF_TRIAL, step="fixation", details={"sector": "TL", "x": 0.1, "y": 0.1, "since_ns": 10}),
        SwapOrdered(
            **OF_TRIAL,
            step="swap",
            display="display-1",
            ready="11",
            frame_id="frame-0",
            sha256="0" * 64,
            kind="change",
            target="BR",
            deadline_ns=50_000_100,
            deadline_ms=1234.5,
        ),
        SwapDisplayed(
            **OF_TRIAL,
            step="displayed",
            report="15",
            kind="change",
            frame_id="frame-0",
            sha256="0" * 64,
            target="BR",
            drawn_ns=20_000_000,
            flags=("no_gaze",),
        ),
        ClockCompared(
            **OF_TRIAL,
            step="clock",
            display="display-1",
            sent_ms=1.0,
            received_ns=50,
            answered_ns=60,
            returned_ms=1.5,
        ),
        GazeStatus(
            epoch="epoch-3",
            source="page",
            state="running",
            rate_hz=60.0,
            loss=0.0,
            age_s=0.01,
            trial_id="t",
            view="default",
            displays=("display-1",),
            held=(
                HeldTrial(
                    trial_id="t",
                    session=SessionStamp(session_id="s", created_at=1736155234.5),
                    next_n=16,
                    acknowledged=12,
                    ended=False,
                ),
            ),
        ),
    )
}
