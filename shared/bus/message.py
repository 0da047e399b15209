"""What every published message has, and the protocol version."""

from __future__ import annotations

from time import monotonic_ns
from time import time as unix_time
from typing import ClassVar

from pydantic import Field

from shared import fields
from shared.body import Body
from shared.ids import new_id

PROTOCOL_VERSION = 1


class Envelope(Body):
    """What every header has beside ``type``."""

    v: fields.Version = PROTOCOL_VERSION
    id: fields.MessageId = Field(default_factory=new_id)
    time: fields.UnixSeconds = Field(default_factory=unix_time)
    """When it was sent."""
    monotonic_ns: fields.Count = Field(default_factory=monotonic_ns)


class Message(Body):
    """What is published beside frames: the message's own fields. The envelope is added where it is sent."""

    type: ClassVar[str]
