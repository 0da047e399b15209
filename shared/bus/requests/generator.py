"""What is asked of the generator, and what it answers. Images ride behind the header, as payloads."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from shared import fields
from shared.body import Body, is_none
from shared.bus.call import DISK_S, Call, Nothing
from shared.bus.messages import Heartbeat, Loading
from shared.change import AskedChange, Engine
from shared.frame import Frame, FrameKey, FrameOrigin, FrameRef, Model, Recipe, SessionStamp

DRAWN_SEEDS = 2**53
"""A seed that is drawn, or worked out from such a one, is below this: R, JavaScript and jq read JSON's numbers as
doubles, which are exact up to here."""
BACKGROUND_TIMEOUT_S = 600.0
"""Background jobs wait behind every live one; one that got no turn in this time is asked for again."""


class AskedRecipe(Recipe):
    """A recipe that is asked for is held to what models take; one that was recorded may have come from anywhere."""

    target_sector: fields.SectorOfGrid
    focus_sector: fields.SectorOfGrid | None = None
    focus_x: fields.Fraction | None = None
    focus_y: fields.Fraction | None = None
    steps: fields.Steps | None = None
    guidance_scale: fields.Guidance | None = None
    strength: fields.Strength | None = None
    change: AskedChange | None = Field(None, exclude_if=is_none)
    engine: Engine | None = Field(None, exclude_if=is_none)
    """None: the one that changes what is there, where ``change`` or the prompt asks for that, else the model."""


class Generate(AskedRecipe):
    """``generate``: make one frame. The payload is the input image as it came, or empty where ``image_sha256`` names a
    recent picture: an earlier input or frame. Answered with :class:`Frame`."""

    request_id: fields.RequestId
    client_id: fields.ClientId | None = None
    supersede: fields.Flag = False
    session: SessionStamp | None = None
    strict: fields.Flag = False
    """Refuse the request rather than leave anything of its prompt undone."""
    timeout_ms: fields.WaitMs
    """How long the caller still waits: a job whose caller has given up is dropped."""
    priority: Literal["live", "background"] = "live"
    publish: fields.Flag = True
    """False for a job that is made only to be compared: answered, not published, not recorded."""
    origin: FrameOrigin | None = None
    """The frame that a re-run makes again in another way."""
    image_sha256: fields.Sha256 | None = None
    model: fields.Name | None = None
    """Of a background job: the model that is to make it, by the name that ``model.have`` was asked with. None: the one
    that makes frames now."""

    ORDER: ClassVar[tuple[str, ...]] = (
        *("request_id", "client_id", "supersede", "session", "grid_size", "target_sector", "focus_sector"),
        *("focus_x", "focus_y", "prompt", "negative_prompt", "seed", "steps", "guidance_scale", "strength"),
        *("strict", "timeout_ms", "priority", "publish", "origin", "image_sha256"),
        "model",
    )


class Cancel(Body):
    """``cancel``: drop a job by the id of its request. Cancelling one that is done or unknown changes nothing."""

    request_id: fields.RequestId


class CancelAnswer(Body):
    """Where the job was: ``queued``, ``running``, or ``unknown`` (done, or never seen)."""

    found: Literal["queued", "running", "unknown"]


class ListedFrame(FrameKey):
    """A frame that the generator holds until it is acknowledged."""

    bytes: fields.Count
    input_sha256: fields.Sha256


class Listing(Body):
    """The answer to ``pending``: all unacknowledged frames of this epoch, in order of ``record_seq`` within a session.

    What is below a session's first pending number has been acknowledged. ``next_record_seq`` has, by session, the
    number that its next frame will get.
    """

    epoch: fields.Epoch
    stopping: fields.Flag
    frames: Annotated[tuple[ListedFrame, ...], fields.those_that_fit(ListedFrame)]
    next_record_seq: Annotated[
        dict[fields.SessionId, fields.RecordSeq], fields.those_that_fit(tuple[fields.SessionId, fields.RecordSeq])
    ]


class Fetch(FrameRef):
    """``fetch``: one unacknowledged frame. Answered with the fields of a ``frame`` message and its PNG as payload, or
    ``not_found`` where the frame has been acknowledged or belongs to another epoch."""


class InputRequest(Body):
    """``input``: an input image by its hash. Answered with :class:`Input` and its bytes as payload or ``not_found``."""

    sha256: fields.Sha256


class Input(Body):
    sha256: fields.Sha256
    format: fields.ImageFormat


class Acknowledge(Body):
    """``ack``: these frames are on disk for good. May be repeated; frames unknown here are passed over.

    Errors: ``forbidden`` where the proof is none; then nothing is let go.
    """

    frames: Annotated[tuple[FrameRef, ...], fields.AT_ONCE, fields.FIRST_ERROR]
    proof: fields.Proof = ""
    """That the recorder says so: see :mod:`shared.bus.acknowledging`."""


class Acknowledged(Body):
    """How many frames the acknowledgement let go."""

    released: fields.Count


class AskedModel(Body):
    """``model.change``: make frames with another model from now on; ``model.have``: have it at hand for background jobs
    that name it. ``model``: one of the ``choices`` of ``model``.

    ``model.change`` is answered at once, with :class:`ModelState`; ``model.have`` with :class:`HadModel` once the model
    was loaded; where it had to make room since, a job has it loaded again.

    Errors: ``invalid_request`` where it may not be asked for; of ``model.have`` also ``generator_loading`` while it is
    being loaded, ``generator_unavailable`` where it cannot be.
    """

    model: fields.Name


class ModelState(Body):
    """The answer to ``model`` and ``model.change``.

    Attributes:
        name: by which the model that makes frames was asked for; None before there is one.
        model: what it is.
        loading: another one on its way.
        failure: why the last one that was asked for did not come.
        choices: names that may be asked for.
        resident: names of the models that are in memory.
    """

    name: fields.Name | None = None
    model: Model | None = None
    loading: Loading | None = None
    failure: fields.Said | None = None
    choices: tuple[fields.Name, ...] = ()
    resident: tuple[fields.Name, ...] = ()


class HadModel(Body):
    """The answer to ``model.have``."""

    model: Model


class VocabularyObject(Body):
    """One thing that a model with a closed vocabulary draws."""

    name: fields.Name
    plural: fields.Name
    synonyms: tuple[fields.Name, ...]
    nearest: tuple[fields.Name, ...]
    """Words for other things, for which it stands in; said so when it does."""
    colours: tuple[fields.Name, ...]
    """Those that it can be asked for in; without one it has its own."""
    place: Literal["sky", "ground", "any"]
    styles: tuple[fields.Name, ...]


class VocabularyAnswer(Body):
    """The answer to ``vocabulary``: what the model can be asked for. ``objects`` None: any text.

    Errors: ``generator_loading``, ``generator_unavailable``.
    """

    model: Model
    objects: tuple[VocabularyObject, ...] | None = None
    colours: dict[fields.Name, tuple[fields.Name, ...]] = Field(default_factory=dict)
    """By colour, the words for it."""
    sizes: dict[fields.Name, tuple[fields.Name, ...]] = Field(default_factory=dict)
    numbers: dict[fields.Name, fields.Count] = Field(default_factory=dict)
    """Words for a number of objects; numerals do as well."""
    most: fields.Count | None = None
    """More objects than that do not go into one sector."""
    styles: tuple[fields.Name, ...] = ()
    """Words for manners of drawing."""
    fallback: fields.Name | None = None
    """What is drawn where nothing of a prompt is known."""


GENERATE = Call("generator", "generate", Generate, Frame)
CANCEL = Call("generator", "cancel", Cancel, CancelAnswer)
STATUS = Call("generator", "status", Nothing, Heartbeat)
PENDING = Call("generator", "pending", Nothing, Listing)
FETCH = Call("generator", "fetch", Fetch, Frame, DISK_S)
INPUT = Call("generator", "input", InputRequest, Input, DISK_S)
ACKNOWLEDGE = Call("generator", "ack", Acknowledge, Acknowledged)
MODEL = Call("generator", "model", Nothing, ModelState)
CHANGE_MODEL = Call("generator", "model.change", AskedModel, ModelState)
HAVE_MODEL = Call("generator", "model.have", AskedModel, HadModel)
VOCABULARY = Call("generator", "vocabulary", Nothing, VocabularyAnswer)
