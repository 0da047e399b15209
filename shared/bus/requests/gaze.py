"""What is asked of the gaze process, and what it answers."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from shared import fields
from shared.body import Body
from shared.bus.call import DISK_S, Call, Nothing
from shared.bus.gaze_messages import GazeStatus
from shared.bus.requests.preparing import MAX_TARGETS
from shared.gaze.trial import config
from shared.gaze.trial.config import Name
from shared.gaze.trial.inputs import StepId

MAX_SOURCE_CHARS = 1000

SourceName = Annotated[str, Field(min_length=1, max_length=MAX_SOURCE_CHARS, pattern=fields.NO_CONTROLS)]


class ChooseSource(Body):
    """``source``: take samples from another source from now on. Answered with :class:`GazeStatus`.

    Errors: ``invalid_request`` (there is no such source, or its file cannot be used)."""

    source: SourceName


class SetScreen(config.ScreenSize):
    """``screen``: what degrees are worked out from, from the next trial on. Answered with :class:`GazeStatus`."""


class BeginTrial(Body):
    """``trial.begin``: begin a trial; the payload is the picture. Answered with :class:`TrialState`.

    Errors: ``trial_active``; ``invalid_request``; ``unreadable_image``; ``session_not_active`` (it is to be recorded
    and no session is active); ``recorder_unavailable``; ``gaze_backlog_full``.
    """

    view: Name = "default"
    grid_size: fields.GridSize = 3
    policy: config.Policy = config.Policy()
    trigger: config.Trigger = config.Trigger()
    prompts: config.TrialPrompts = config.TrialPrompts()
    model: config.ModelOptions = config.ModelOptions()
    seed: fields.Seed | None = None
    """Drawn where it is left out; the record has it."""
    catch_rate: fields.Fraction = 0.0
    sham_rate: fields.Fraction = 0.0
    participant: config.Code | None = None
    fields_: Annotated[dict[str, Any], fields.bounded(config.MAX_FIELDS_CHARS)] = Field(
        default_factory=dict, alias="fields"
    )
    record: fields.Flag = True
    """False for a trial that is not recorded, with or without an active session."""
    replace: fields.Flag = False
    """End a trial that is under way, as interrupted, instead of being refused."""
    gives_way: fields.Flag = False
    """This trial is ended, as interrupted, by whoever begins another one: a page's own, that nobody asked for."""

    def flat(self) -> dict[str, Any]:
        """It as a JSON object; :attr:`fields_` is ``fields`` there."""
        return self.model_dump(by_alias=True)


class TrialRequest(Body):
    """``trial.end``: end the trial; without an id the one under way. Answered with :class:`TrialState`.

    Errors: ``trial_not_active``."""

    trial_id: fields.MessageId | None = None


class PreparedChange(Body):
    """A change that is made ahead.

    Attributes:
        prepare: id of the ``prepare`` that asked for it.
        prepared_id: its name at the generator, by which its sector is fetched.
        made: id of the ``prepared`` that said that it is made: what a display says ``ready`` of; None: it is not.
        picture_sha256: of a made one, the picture that its sector goes onto.
    """

    prepare: StepId
    prepared_id: fields.RequestId
    target: fields.Sector
    made: StepId | None = None
    picture_sha256: fields.Sha256 | None = None
    ready: fields.Flag = False
    """Whether the display that counts can draw it at once."""


class TrialState(Body):
    """The trial that is under way, or was last; what it is set up with, and how it stands.

    Attributes:
        state: ``running``, ``complete`` or ``interrupted``; ``none`` before the first.
        picture_sha256: of what is on view.
        phase: ``resting``, ``asking`` (the generator is at work), ``made`` (the display is not ready), ``ready`` (it
            waits for a trigger), ``committing`` (one of the changes that are ready is being made the picture) or
            ``swapping``.
        prepared: the changes that are being made ahead, or are ready.
        counts: by step, how many there have been.
    """

    trial_id: fields.MessageId | None = None
    state: fields.Word = "none"
    session_id: fields.SessionId | None = None
    view: fields.Word | None = None
    display: fields.Word | None = None
    picture_sha256: fields.Sha256 | None = None
    phase: fields.Word | None = None
    focus: fields.Sector | None = None
    target: fields.Sector | None = None
    pending_sha256: fields.Sha256 | None = None
    """Of a picture that a display should get ready; ``pending_frame`` is the id of its ``frame`` step."""
    pending_frame: StepId | None = None
    prepared: Annotated[tuple[PreparedChange, ...], Field(max_length=MAX_TARGETS), fields.FIRST_ERROR] = ()
    counts: dict[fields.Word, fields.Count] = Field(default_factory=dict)
    config: dict[str, Any] = Field(default_factory=dict)
    """As :class:`shared.gaze.trial.config.TrialConfig` has it."""


class PictureRequest(Body):
    """``picture``: a picture of the trial by its hash: on view, or made and not yet shown. Answered with
    :class:`Picture` and its bytes as payload, or ``not_found``."""

    sha256: fields.Sha256


class Picture(Body):
    sha256: fields.Sha256
    format: fields.ImageFormat


class FetchTrial(Body):
    """``fetch``: what of a trial is held, from a number on. Answered with :class:`TrialPart`, whose payload is JSON
    lines, as ``trials.jsonl``, ``eyes.jsonl`` and ``clocks.jsonl`` have them, a newline, and the samples' records of 48
    bytes; ``not_found`` where the trial is not held."""

    trial_id: fields.MessageId
    from_n: fields.Count
    limit_bytes: fields.Count = 1 << 20


class TrialPart(Body):
    """Inputs ``from_n`` to ``next_n - 1`` with all that came of them.

    Attributes:
        lines_bytes: the lines' part of the payload; the records follow.
        about: what ``gaze.json`` says of the trial: source, screen, detectors.
        ended: nothing comes after ``next_n``.
    """

    trial_id: fields.MessageId
    from_n: fields.Count
    next_n: fields.Count
    lines_bytes: fields.Count
    ended: fields.Flag
    about: fields.Details = Field(default_factory=dict)


class AcknowledgeTrial(Body):
    """``ack``: a trial's inputs below ``next_n`` are on disk for good, or their session is. May be repeated. Errors:
    ``forbidden`` where the proof is none."""

    trial_id: fields.MessageId
    next_n: fields.Count
    proof: fields.Proof = ""


STATUS = Call("gaze-control", "status", Nothing, GazeStatus)
SOURCE = Call("gaze-control", "source", ChooseSource, GazeStatus, DISK_S)
SCREEN = Call("gaze-control", "screen", SetScreen, GazeStatus)
STATE = Call("gaze-control", "trial", Nothing, TrialState)
BEGIN = Call("gaze-control", "trial.begin", BeginTrial, TrialState, DISK_S)
END = Call("gaze-control", "trial.end", TrialRequest, TrialState)
PICTURE = Call("gaze-control", "picture", PictureRequest, Picture, DISK_S)
FETCH = Call("gaze-control", "fetch", FetchTrial, TrialPart, DISK_S)
ACKNOWLEDGE = Call("gaze-control", "ack", AcknowledgeTrial, Nothing)
