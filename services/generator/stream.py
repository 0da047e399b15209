"""The stream of frames: numbers each, encodes it once, and publishes it.

Numbers are given just before a frame is encoded, since the PNG carries them, and used up only when it is: so the
sequence has no gaps even if an encoding fails. One frame is encoded at a time, in the order of the runs.
"""

from __future__ import annotations

import hashlib
import time

import orjson

from services.generator import png
from services.generator.inference import Run
from shared.bus.call import WithImage
from shared.frame import Frame, FrameFields, Recipe
from shared.ids import new_id
from shared.session.format.metadata import PNG_KEYWORD
from shared.system.worker import Worker

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

    async def encode(self, run: Run) -> WithImage[Frame]:
        """Turn a run into its frame. The caller commits it, or drops it and its numbers stay free.

        Calls must not overlap: each takes the numbers that follow the last committed ones.
        """
        fields = self._fields(run)
        decoded = run.job.decoded
        assert decoded is not None
        pixels = run.edited.pixels

        def work() -> tuple[bytes, str]:
            text = {PNG_KEYWORD: orjson.dumps(fields.flat()).decode()}
            data = png.encode(pixels, text, decoded.icc_profile, decoded.colour)
            return data, hashlib.sha256(data).hexdigest()

        data, sha256 = await self._encoder.run(work)
        return WithImage(fields.named(sha256), data)

    def commit(self, frame: Frame) -> None:
        """Use a frame's numbers up: from here on it exists."""
        if frame.seq == UNNUMBERED:
            return
        self.last_seq = frame.seq
        if frame.session_id is not None and frame.record_seq is not None:
            self.next_record_seq[frame.session_id] = frame.record_seq + 1

    def _fields(self, run: Run) -> FrameFields:
        request, decoded, edited, info = run.job.request, run.job.decoded, run.edited, run.info
        assert decoded is not None
        session = request.session if request.publish else None
        seq = self.last_seq + 1 if request.publish else UNNUMBERED
        used = {"steps": edited.steps, "guidance_scale": edited.guidance_scale, "strength": edited.strength}
        return FrameFields(
            frame_id=f"{self.epoch}-{seq}" if request.publish else new_id(),
            epoch=self.epoch,
            seq=seq,
            session_id=session.session_id if session else None,
            session_created_at=session.created_at if session else None,
            record_seq=self.next_record_seq.get(session.session_id, 0) if session else None,
            **{**request.model_dump(include={*Recipe.model_fields, "request_id", "client_id", "origin"}), **used},
            requested=request.model_dump(include={*used, "strict"}, exclude_defaults=True),
            region=run.region.as_tuple(),
            width=decoded.width,
            height=decoded.height,
            input_sha256=run.job.input_sha256,
            input_format=decoded.format,
            model=info.model,
            device=info.device,
            dtype=info.dtype,
            versions=info.versions,
            environment=info.environment,
            notes=edited.notes,
            queued_ms=round(run.queued_ms, 3),
            generation_ms=round(run.generation_ms, 3),
            timestamp=time.time(),
        )
