"""What a re-run asks for: each frame of the parent, in order, with what is changed. Pure of sockets and files."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from shared.bus.requests.generator import Generate
from shared.bus.requests.replayer import RerunChanges
from shared.errors import InvalidRequest
from shared.fields import MAX_SEED, FrameId, fits
from shared.prompts import Cycle, InvalidPrompts, from_json
from shared.refusals import request_of
from shared.remaking import background_job, engine_of
from shared.session.format.entries import Entry
from shared.session.format.layout import parse_frame_name
from shared.session.format.recipes import NoRecipe, recipe_of

Shown = tuple[Entry, str | None]
"""An entry; where it cannot be understood, what the name of its file says, and what is wrong."""


def changes_of(wanted: RerunChanges | dict[str, Any]) -> RerunChanges:
    """The changes that a request asks for, or that the head of a re-run's session names. Raises InvalidRequest: they
    are not what they should be."""
    changes = request_of(RerunChanges, **(wanted if isinstance(wanted, dict) else wanted.model_dump()))
    try:
        prompts = None if changes.prompts is None else from_json(changes.prompts).to_json()
    except InvalidPrompts as error:
        raise InvalidRequest(f"prompts: {error}", fields={"prompts": str(error)}) from None
    return changes.model_copy(update={"prompts": prompts})


@dataclass(frozen=True, slots=True)
class Step:
    """One frame to make, and the ``entry`` of the parent's.

    Attributes:
        request: what to ask for, but for the session; or None, with the reason in ``problem``.
        fed_by: index of the parent's frame whose new version is the input; None: the recorded input.
    """

    entry: Entry
    request: Generate | None
    problem: str | None = None
    fed_by: int | None = None

    @property
    def index(self) -> int:
        """Of the parent's frame."""
        return self.entry.index


def steps(parent: str, into: str, entries: Iterable[Shown], changes: RerunChanges) -> Iterator[Step]:
    """A step for each entry of the parent, as :meth:`SessionReader.shown_from` gives them.

    All of them, those that are made already too: the prompts cycle through the whole session, so a re-run that goes on
    takes up where it would have been.
    """
    cycle = None if changes.prompts is None else Cycle(from_json(changes.prompts))
    for entry, problem in entries:
        if problem is not None:
            yield Step(entry, None, problem)
            continue
        prompt = entry.prompt
        if cycle is not None:
            draw = cycle.take(str(entry.target_sector))
            prompt = draw.prompt if draw is not None else None
        yield _step(parent, into, entry, prompt, changes)


def _step(parent: str, into: str, entry: Entry, prompt: str | None, changes: RerunChanges) -> Step:
    if prompt is None:
        return Step(entry, None, f"the prompts have none for the sector {entry.target_sector}")
    told = entry.requested or {}
    # What was left to the model is left to it again, which may be another one.
    settings = {key: told.get(key) for key in ("steps", "guidance_scale", "strength")}
    if changes.strength is not None:
        settings["strength"] = changes.strength
    index, frame_id = entry.index, entry.frame_id
    origin = {"session_id": parent, "index": index, "frame_id": frame_id if fits(FrameId, frame_id) else None}
    # New prompts take the place of what was asked for in another way.
    told_anew = {"prompt": prompt} if changes.prompts is None else {"prompt": prompt, "change": None}
    try:
        recipe = recipe_of({**entry.fields, **told_anew})
        request = background_job(
            recipe,
            **settings,
            engine=engine_of(entry.fields) if changes.prompts is None else None,
            strict=told.get("strict") is True,
            seed=(recipe.seed + changes.seed_offset) % (MAX_SEED + 1),
            request_id=f"rerun-{into}-{index}",
            # A try that was given up, and is under way still, is dropped for the next one.
            client_id=f"rerun-{into}",
            supersede=True,
            origin=origin,
        )
    except NoRecipe as error:
        return Step(entry, None, str(error))
    return Step(entry, request, fed_by=_fed_by(entry) if changes.chain else None)


def _fed_by(entry: Entry) -> int | None:
    parsed = parse_frame_name(entry.input_file) if entry.input_file is not None else None
    return parsed.index if parsed is not None else None
