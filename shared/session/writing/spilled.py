"""What the spill's files must say before any of it is believed."""

from __future__ import annotations

from shared import fields
from shared.frame import Body


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
