"""The stream of frames: numbers each, encodes it once, and publishes it.

Numbers are given just before a frame is encoded, since the PNG carries them, and used up only when it is: so the
sequence has no gaps even if an encoding fails. One frame is encoded at a time, in the order of the runs.
"""

from __future__ import annotations

import hashlib
import time
from typing import Any

import orjson

from services.generator import png
from services.generator.engine import ModelInfo
from services.generator.inference import Run
from services.generator.jobs import Answer
from services.generator.worker import Worker
from shared.bus.messages import Frame, Model, new_id
from shared.bus.requests import Generated

TEXT_KEYWORD = "parafovea"
"""Keyword of the ``iTXt`` chunk that holds a frame's fields as one JSON object."""

UNNUMBERED = -1
"""``seq`` of a frame that is made only to be compared and never published."""


class FrameStream:
    """Numbers of one epoch, and the encoder.

    Attributes:
        epoch: one life of the generator.
        last_seq: number of the last published frame, -1 before the first.
        next_record_seq: by session, the number its next frame gets.
    """

    def __init__(self, encoder: Worker) -> None:
        self.epoch = new_id()[:16]
        self.last_seq = -1
        self.next_record_seq: dict[str, int] = {}
        self._encoder = encoder

    async def encode(self, run: Run) -> tuple[Frame, Answer]:
        """Turn a run into its frame. The caller commits it, or drops it and its numbers stay free.

        Calls must not overlap: each takes the numbers that follow the last committed ones.
        """
        fields = self._fields(run)
        decoded = run.job.decoded
        assert decoded is not None
        pixels = run.edited.pixels

        def work() -> tuple[bytes, str]:
            text = {TEXT_KEYWORD: orjson.dumps(fields).decode()}
            data = png.encode(pixels, text, decoded.icc_profile, decoded.colour)
            return data, hashlib.sha256(data).hexdigest()

        data, sha256 = await self._encoder.run(work)
        frame = Frame(**fields, sha256=sha256)
        return frame, Answer(Generated(**fields, sha256=sha256), data)

    def commit(self, frame: Frame) -> None:
        """Use a frame's numbers up: from here on it exists."""
        if frame.seq == UNNUMBERED:
            return
        self.last_seq = frame.seq
        if frame.session_id is not None and frame.record_seq is not None:
            self.next_record_seq[frame.session_id] = frame.record_seq + 1

    def _fields(self, run: Run) -> dict[str, Any]:
        request, decoded, edited, info = run.job.request, run.job.decoded, run.edited, run.info
        assert decoded is not None
        session = request.session if request.publish else None
        seq = self.last_seq + 1 if request.publish else UNNUMBERED
        return {
            "frame_id": f"{self.epoch}-{seq}" if request.publish else new_id(),
            "epoch": self.epoch,
            "seq": seq,
            "session_id": session.session_id if session else None,
            "session_created_at": session.created_at if session else None,
            "record_seq": self.next_record_seq.get(session.session_id, 0) if session else None,
            **request.model_dump(
                include={
                    "request_id",
                    "client_id",
                    "target_sector",
                    "focus_sector",
                    "focus_x",
                    "focus_y",
                    "grid_size",
                    "prompt",
                    "negative_prompt",
                    "seed",
                    "origin",
                }
            ),
            "region": run.region.as_tuple(),
            "steps": edited.steps,
            "guidance_scale": edited.guidance_scale,
            "strength": edited.strength,
            "requested": request.model_dump(
                include={"steps", "guidance_scale", "strength", "strict"}, exclude_defaults=True
            ),
            "width": decoded.width,
            "height": decoded.height,
            "input_sha256": run.job.input_sha256,
            "input_format": decoded.format,
            "model": model_of(info).model_dump(),
            "device": info.device,
            "dtype": info.dtype,
            "versions": info.versions,
            "environment": info.environment,
            "notes": edited.notes,
            "queued_ms": round(run.queued_ms, 3),
            "generation_ms": round(run.generation_ms, 3),
            "timestamp": time.time(),
        }


def model_of(info: ModelInfo) -> Model:
    """What messages say of the model."""
    return Model(**{key: getattr(info, key) for key in Model.model_fields})
