"""What is asked of the generator ahead: changes that are finished before they are needed.

A *preparation* is an edit of one sector that is made for the picture of a *view*, and waits. A view is what a display
shows: it has a name, a picture, and a lease that each call about it renews. To *commit* a preparation makes a frame of
it, the same one that ``generate`` would have made of that picture, and from then on the view shows that frame.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from shared import fields
from shared.body import Body
from shared.bus.call import DISK_S, Call, Nothing
from shared.bus.requests.generator import AskedRecipe, Input
from shared.frame import Frame, SessionStamp

MAX_TARGETS = 9
LEASE_S = 60.0
"""So long a view, or a preparation without one, is kept without a call about it."""

PreparedState = Literal["queued", "running", "composing", "ready", "stale", "failed", "committed", "dropped"]
"""``composing``: the model is done, and the sector is put into the picture; ``stale``: the picture has changed where
the model had looked, or another model makes pictures, for good. The last four are final."""


class Wanted(AskedRecipe):
    """One change to prepare. ``prepared_id``: chosen by who asks, as a request's id is."""

    prepared_id: fields.RequestId


class Prepare(Body):
    """``prepare``: make changes ahead. The payload is the picture as it came, or empty where ``image_sha256`` names one
    that is known. Answered with :class:`Preparations`, at once.

    Where ``view`` is given, that view shows this picture from now on; what was prepared for it before is kept where it
    is as it would be made now. All of ``wanted`` are of one grid.

    Errors: those of ``generate`` before a job is accepted; ``unknown_image``; ``queue_full``: too many are waiting, or
    kept.
    """

    view: fields.Name | None = None
    client_id: fields.ClientId | None = None
    image_sha256: fields.Sha256 | None = None
    supersede: fields.Flag = False
    """Give up what was prepared for this view, or this client, before."""
    strict: fields.Flag = False
    timeout_ms: fields.WaitMs
    """How long a model may take for one, from its start."""
    wanted: Annotated[tuple[Wanted, ...], Field(min_length=1, max_length=MAX_TARGETS)]


class PreparedAnswer(Body):
    """How a preparation stands.

    Attributes:
        picture_sha256: the picture that it is made for now; None before that is known.
        region: left, top, right, bottom of its sector in that picture.
        code, detail: of a failed one, the error; of a stale or dropped one ``detail`` says why.
        width, height: of the picture.
    """

    prepared_id: fields.RequestId
    view: fields.Name | None = None
    client_id: fields.ClientId | None = None
    target_sector: fields.Sector
    state: fields.Word
    picture_sha256: fields.Sha256 | None = None
    region: fields.Region | None = None
    width: fields.Pixels | None = None
    height: fields.Pixels | None = None
    seed: fields.Seed
    prompt: fields.Prompt
    generation_ms: fields.Milliseconds | None = None
    code: fields.Word | None = None
    detail: fields.Said | None = None


class Preparations(Body):
    """The answer to ``prepare``: in the order in which they were asked for."""

    picture_sha256: fields.Sha256
    prepared: tuple[PreparedAnswer, ...]


class PreparedRequest(Body):
    """``prepared``: how a preparation stands; of a ready one the payload is its sector as a PNG that is to be laid over
    the picture, with that picture's colour profile. Renews its lease. ``prepared.drop``: give it up.

    Errors: ``not_found``: it was committed, dropped, or never asked for.
    """

    prepared_id: fields.RequestId
    with_sector: fields.Flag = True
    """False: only how it stands."""


class Commit(Body):
    """``commit``: make a frame of a preparation. Answered with :class:`Frame` and its PNG, as ``generate`` is; without
    the PNG where ``with_picture`` is False. One that is still being made is waited for.

    Attributes:
        on: the picture that the change goes onto. None: the view's, or without a view the one it was prepared for.
        focus_sector, focus_x, focus_y: where the viewer looks now; all None: as it was prepared.

    Errors: ``not_found``; ``stale``: the view shows another picture than ``on``, or the change cannot go onto it;
    ``unknown_image``; the error of a failed preparation; ``recording_backlog_full``; ``generation_timeout``.
    """

    prepared_id: fields.RequestId
    request_id: fields.RequestId
    on: fields.Sha256 | None = None
    session: SessionStamp | None = None
    focus_sector: fields.Sector | None = None
    focus_x: fields.Fraction | None = None
    focus_y: fields.Fraction | None = None
    with_picture: fields.Flag = True
    timeout_ms: fields.WaitMs


class PictureRequest(Body):
    """``picture``: a recent picture by its hash, as it came or was made. Answered with :class:`Input` and its bytes.

    Errors: ``unknown_image``.
    """

    sha256: fields.Sha256


PREPARE = Call("generator", "prepare", Prepare, Preparations, DISK_S)
PREPARED = Call("generator", "prepared", PreparedRequest, PreparedAnswer, DISK_S)
DROP_PREPARED = Call("generator", "prepared.drop", PreparedRequest, Nothing)
COMMIT = Call("generator", "commit", Commit, Frame)
PICTURE = Call("generator", "picture", PictureRequest, Input, DISK_S)
