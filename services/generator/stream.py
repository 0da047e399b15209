"""The stream of frames: numbers each, and makes it whole.

A frame's pixels are encoded before (:mod:`services.generator.composing`); what is left is its text, which has its
numbers, and its hash. Numbers are given one frame at a time, and used up only once it is there: so the sequence has no
gaps even if something fails.
"""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import orjson

from services.generator.composing import Composed
from services.generator.engine import Edited, ModelInfo
from services.generator.measuring.eccentricity import eccentricity
from services.generator.pictures import Picture
from shared import sectors
from shared.bus.call import WithImage
from shared.bus.requests.generator import Generate
from shared.frame import Frame, FrameFields, Recipe
from shared.ids import new_id
from shared.sectors import Region
from shared.session.format.metadata import PNG_KEYWORD
from shared.system.worker import Worker

UNNUMBERED = -1
"""``seq`` of a frame that is made only to be compared and never published."""


@dataclass(frozen=True, slots=True)
class Material:
    """All that a frame is made of beside its number: who asked for what, what it gave, and how long that took."""

    request: Generate
    edited: Edited
    info: ModelInfo
    composed: Composed
    queued_ms: float
    generation_ms: float


@dataclass(frozen=True, slots=True)
class Made:
    """A frame and its PNG, the picture that it is, and the one that it was made from."""

    frame: Frame
    picture: Picture
    source: Picture

    @property
    def answer(self) -> WithImage[Frame]:
        return WithImage(self.frame, self.picture.encoded)


class FrameStream:
    """Numbers of one epoch.

    Attributes:
        epoch: one life of the generator.
        last_seq: number of the last published frame, -1 before the first.
        next_record_seq: by session, the number its next frame gets.
    """

    def __init__(self) -> None:
        self.epoch = new_id()[:16]
        self.last_seq = -1
        self.next_record_seq: dict[str, int] = {}
        self._thread = Worker("frames")
        self._numbering = asyncio.Lock()

    async def make(self, material: Material, commit: Callable[[Made], None]) -> Made:
        """Number a frame and make it whole.

        Args:
            commit: called on the event loop when it is, before any other frame gets a number; from here on the frame
                exists. Where it raises, there is no frame and its numbers stay free.
        """
        async with self._numbering:
            fields = self._fields(material)
            made = await self._thread.run(_finish, fields, material.composed)
            commit(made)
            self._use_up(made.frame)
            return made

    def close(self) -> None:
        """End the thread after the call it is in."""
        self._thread.close()

    def _use_up(self, frame: Frame) -> None:
        if frame.seq == UNNUMBERED:
            return
        self.last_seq = frame.seq
        if frame.session_id is not None and frame.record_seq is not None:
            self.next_record_seq[frame.session_id] = frame.record_seq + 1

    def _fields(self, material: Material) -> FrameFields:
        request, composed, edited, info = material.request, material.composed, material.edited, material.info
        source = composed.on
        session = request.session if request.publish else None
        seq = self.last_seq + 1 if request.publish else UNNUMBERED
        used: dict[str, Any] = {
            "steps": edited.steps,
            "guidance_scale": edited.guidance_scale,
            "strength": edited.strength,
        }
        return FrameFields(
            frame_id=f"{self.epoch}-{seq}" if request.publish else new_id(),
            epoch=self.epoch,
            seq=seq,
            session_id=session.session_id if session else None,
            session_created_at=session.created_at if session else None,
            record_seq=self.next_record_seq.get(session.session_id, 0) if session else None,
            **{**request.model_dump(include={*Recipe.model_fields, "request_id", "client_id", "origin"}), **used},
            requested=request.model_dump(include={*used, "strict"}, exclude_defaults=True),
            region=composed.region.as_tuple(),
            width=source.size[0],
            height=source.size[1],
            input_sha256=source.sha256,
            input_format=source.format,
            model=info.model,
            device=info.device,
            dtype=info.dtype,
            versions=info.versions,
            environment=info.environment,
            notes={**edited.notes, "change": change_notes(material)},
            queued_ms=round(material.queued_ms, 3),
            generation_ms=round(material.generation_ms, 3),
            timestamp=time.time(),
        )


def change_notes(material: Material) -> dict[str, Any]:
    """What kind of change a frame is, how large it is, and how far from where the viewer looked as it was made."""
    request, composed = material.request, material.composed
    focus, box = _focus(request), composed.size.get("box")
    away = eccentricity(Region(*box), focus, composed.on.size).notes() if box is not None and focus is not None else {}
    kind = "add" if material.info.model.kind == "layer" else "repaint"
    return {"kind": kind, **material.edited.change, **composed.size, **away}


def _focus(request: Recipe) -> tuple[float, float] | None:
    """The point that the viewer looks at, as far as it is known: the middle of a sector stands for it."""
    if request.focus_x is not None and request.focus_y is not None:
        return request.focus_x, request.focus_y
    if request.focus_sector is None:
        return None
    row, column = sectors.position(request.focus_sector, request.grid_size)
    return (column + 0.5) / request.grid_size, (row + 0.5) / request.grid_size


def _finish(fields: FrameFields, composed: Composed) -> Made:
    data = composed.encode({PNG_KEYWORD: orjson.dumps(fields.flat()).decode()})
    sha256 = hashlib.sha256(data).hexdigest()
    return Made(fields.named(sha256), composed.picture(sha256, data), composed.on)
