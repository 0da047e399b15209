"""What the spill's files must say before any of it is believed, and the frame that one of them holds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import PrivateAttr, ValidationError

from shared import fields
from shared.body import Body
from shared.bus.envelope import own_fields
from shared.bus.message import Envelope
from shared.frame import Frame


class InputFields(Body):
    """Of an input image."""

    sha256: fields.Sha256


class SpilledFields(InputFields):
    """What a frame's way to the disk goes by."""

    session_id: fields.SessionId
    session_created_at: fields.UnixSeconds | None = None
    epoch: fields.Epoch
    record_seq: fields.RecordSeq
    frame_id: fields.FrameId
    target_sector: fields.Sector
    input_sha256: fields.Sha256 | None = None
    timestamp: fields.UnixSeconds | None = None


class StoredFrame(Frame):
    """A frame as a file says it, in the file's order.

    One that an earlier version wrote may lack what this one says: then of its attributes those of
    :class:`SpilledFields` are there alone, with ``input_sha256`` empty and ``timestamp`` 0 where the file has none.
    """

    _said: dict[str, Any] = PrivateAttr(default_factory=dict)

    @classmethod
    def read(cls, header: Mapping[str, Any]) -> StoredFrame:
        """The frame of a file's header. Raises ValidationError where not even what its way to the disk goes by is
        there."""
        said = own_fields(header)
        try:
            made = cls.model_validate(said)
        except ValidationError:
            least = SpilledFields.model_validate(said)
            known: dict[str, Any] = {
                **least.model_dump(),
                "input_sha256": least.input_sha256 or "",
                "timestamp": least.timestamp or 0.0,
            }
            made = cls.model_construct(**known)
        made._said = said
        return made

    def flat(self) -> dict[str, Any]:
        return dict(self._said)


def spilled_header(frame: Frame) -> dict[str, Any]:
    """What a frame's file says: the fields of its message."""
    return {**Envelope().model_dump(), **frame.flat()}
