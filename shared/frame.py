"""A frame: what it was to be (its recipe), what it became and how (its provenance), and which one it is (its key).

The types stand here once. In a bus header, in a PNG's own text, in a session's entry and in the answer to a request a
frame is one flat JSON object with the same keys in the same order: :meth:`FrameFields.flat` writes it, and validating
reads it. Keys that this version does not know are kept, and written again as they came.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Self

from pydantic import ConfigDict, Field, model_validator

from shared import fields, sectors
from shared.body import Body, is_none
from shared.bounds import problem_of
from shared.change import Change, Magnitude

MAX_EXTRA_CHARS = 512 * 1024
"""Of all that a frame says of itself; ours have about 2,000."""


class SessionStamp(Body):
    """Which session a frame is for: its id, and when it was begun, in Unix seconds."""

    session_id: fields.SessionId
    created_at: fields.UnixSeconds


class FrameRef(Body):
    """A frame's place: the ``record_seq``-th of a session in one life (``epoch``) of the generator, from 0."""

    session_id: fields.SessionId
    epoch: fields.Epoch
    record_seq: fields.RecordSeq


class FrameKey(FrameRef):
    """A frame's place and name. A copied session holds the same places; the name is one frame's for good."""

    frame_id: fields.FrameId


class FrameOrigin(Body):
    """The frame of another session that a frame of a re-run was made after."""

    session_id: fields.SessionId
    index: fields.Index
    frame_id: fields.FrameId | None = None


class LoadedLora(Body):
    """A LoRA file that a model was loaded with, and how much of it is added."""

    file: fields.Name
    sha256: fields.Sha256
    weight: fields.Finite


class Model(Body):
    """Which model made a frame.

    ``revision``: the hub's commit, or a hash over all files of the folder; ``files_sha256``: over those alone that were
    loaded, so that the same model is the same wherever it lies. None where a frame is older than it.
    """

    model_config = ConfigDict(frozen=True, extra="allow")

    id: fields.Name
    revision: fields.Name
    files_sha256: fields.Name | None = Field(None, exclude_if=is_none)
    kind: fields.Name
    pipeline: fields.Name
    scheduler: fields.Name
    loras: tuple[LoadedLora, ...] | None = Field(None, exclude_if=is_none)

    @model_validator(mode="after")
    def _is_small(self) -> Self:
        if problem := problem_of(self.model_extra, fields.MAX_DETAILS_CHARS):
            raise ValueError(problem)
        return self


def is_same_model(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Whether two frames' ``model`` are the same: by the files that were loaded where both say, else by revision."""
    by = "files_sha256" if one.get("files_sha256") and other.get("files_sha256") else "revision"
    return one.get(by) == other.get(by) and one.get("kind") == other.get("kind")


class Recipe(Body):
    """What to make of an input: with it the frame can be made again.

    ``focus`` is where the viewer looked, ``target`` what is changed: sectors of a grid of ``grid_size`` squared, and
    ``focus_x``, ``focus_y`` from 0 (left, top) to 1. None leaves steps, guidance and strength to the model. ``change``
    is what was asked for in place of a prompt, ``magnitude`` how large it was to be.
    """

    grid_size: fields.GridSize
    target_sector: fields.Sector
    focus_sector: fields.Sector | None = None
    focus_x: fields.Finite | None = None
    focus_y: fields.Finite | None = None
    prompt: fields.Prompt
    negative_prompt: fields.Prompt | None = None
    seed: fields.Seed
    steps: fields.Count | None = None
    guidance_scale: fields.Finite | None = None
    strength: fields.Finite | None = None
    change: Change | None = Field(None, exclude_if=is_none)
    magnitude: Magnitude | None = Field(None, exclude_if=is_none)

    @model_validator(mode="after")
    def _is_of_its_grid(self) -> Self:
        for sector in (self.target_sector, self.focus_sector):
            if sector is not None and sector not in sectors.names(self.grid_size):
                raise ValueError(f"a grid of {self.grid_size} has no sector {sector}")
        return self


class Provenance(Body):
    """How a frame came to be: for whom, from which input, by which model on which machine, when and how fast."""

    request_id: fields.RequestId
    client_id: fields.ClientId | None = None
    region: fields.Region
    """Left, top, right, bottom of what may differ from the input, in pixels."""
    requested: fields.Details = Field(default_factory=dict)
    """The settings that the request named itself; what it left to the model is absent."""
    origin: FrameOrigin | None = None
    """Of a frame of a re-run: the frame that it was made after."""
    width: fields.Pixels
    height: fields.Pixels
    input_sha256: fields.Sha256
    """Of the input image's bytes as they came."""
    input_format: fields.ImageFormat
    model: Model
    device: fields.Name
    dtype: fields.Name
    versions: fields.Versions
    environment: fields.Details = Field(default_factory=dict)
    notes: fields.Details = Field(default_factory=dict)
    queued_ms: fields.Milliseconds
    generation_ms: fields.Milliseconds
    timestamp: fields.UnixSeconds
    """When it was made."""


class FrameFields(Provenance, Recipe):
    """All that is known of a frame before it is encoded: what its PNG's own text says."""

    model_config = ConfigDict(frozen=True, extra="allow")

    frame_id: fields.FrameId
    epoch: fields.Epoch
    """One life of the generator."""
    seq: fields.Seq
    """Its number in the epoch's stream of frames; -1 for one that is not published."""
    session_id: fields.SessionId | None
    session_created_at: fields.UnixSeconds | None = None
    record_seq: fields.RecordSeq | None
    """Its number in the epoch among the frames of its session; None without a session."""

    steps: fields.Count
    """Those really run."""

    ORDER: ClassVar[tuple[str, ...]] = (
        *("frame_id", "epoch", "seq", "session_id", "session_created_at", "record_seq", "request_id", "client_id"),
        *("target_sector", "focus_sector", "focus_x", "focus_y", "grid_size", "region", "prompt", "negative_prompt"),
        *("seed", "steps", "guidance_scale", "strength", "requested", "origin", "width", "height"),
        *("input_sha256", "input_format", "model", "device", "dtype", "versions", "environment", "notes"),
        *("queued_ms", "generation_ms", "timestamp"),
    )

    @model_validator(mode="after")
    def _lies_in_its_picture(self) -> Self:
        left, top, right, bottom = self.region
        if not (left < right <= self.width and top < bottom <= self.height):
            raise ValueError("the region does not lie in the picture")
        if problem := problem_of(self.model_extra, MAX_EXTRA_CHARS):
            raise ValueError(problem)
        return self

    @property
    def key(self) -> FrameKey | None:
        """Its place in its session, and its name; None for a frame that is not recorded."""
        if self.session_id is None or self.record_seq is None:
            return None
        return FrameKey(
            session_id=self.session_id, epoch=self.epoch, record_seq=self.record_seq, frame_id=self.frame_id
        )

    def named(self, sha256: str) -> Frame:
        """The frame, once its PNG is there."""
        values = {name: getattr(self, name) for name in FrameFields.model_fields}
        return Frame.model_construct(**values, sha256=sha256, **(self.model_extra or {}))


class Frame(FrameFields):
    """A frame and the hash of its PNG: a message of the bus, whose payload is that PNG, and the answer to a request."""

    type: ClassVar[str] = "frame"

    sha256: fields.Sha256
    """Of the PNG's bytes."""

    ORDER: ClassVar[tuple[str, ...]] = (*FrameFields.ORDER, "sha256")
