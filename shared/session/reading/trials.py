"""A session's trials as they are read: a summary of each, and a row for each change. In bounded memory, also while they
are recorded; what cannot be understood is passed over, and ``check`` names it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from shared.gaze.record.lines import UnreadableLine, parse
from shared.gaze.trial.inputs import Began
from shared.session.reading.change_rows import COLUMNS as COLUMNS
from shared.session.reading.change_rows import ChangeRow as ChangeRow
from shared.session.reading.changes import Changes
from shared.session.reading.record import RecordFiles
from shared.session.reading.walk import Walk, Walked

MAX_SUMMARIES = 10_000
MAX_KINDS = 100
"""Of steps that are counted; a newer version may have more than this one."""


def summaries(folder: Path) -> list[dict[str, Any]]:
    """What is known of each trial, in their order; at most :data:`MAX_SUMMARIES`.

    Each has ``trial_id``; ``begun_at`` (Unix seconds) and ``config`` (as recorded), None where the beginning is lost;
    ``duration_s``; ``state`` (``complete``, ``interrupted``, or ``running``: it has no end), ``reason`` and ``by`` (who
    wrote its end, where that was not the gaze process); ``inputs``, ``samples`` and ``steps`` (how many, by name).

    Raises OSError: the files cannot be read.
    """
    found: dict[str, dict[str, Any]] = {}
    lines: dict[str, int] = {}
    began_ns: dict[str, int] = {}
    for walked in Walk(RecordFiles(folder), samples=False):
        trial_id = walked.trial_id
        if not trial_id or not walked.step:
            continue
        if trial_id not in found:
            if len(found) >= MAX_SUMMARIES:
                break
            found[trial_id] = _new(trial_id)
            lines[trial_id] = 0
            began_ns[trial_id] = walked.t_ns
        said = found[trial_id]
        _count(said["steps"], walked.step)
        said["inputs"] = max(said["inputs"], walked.n + 1)
        said["duration_s"] = round((walked.t_ns - began_ns[trial_id]) / 1e9, 6)
        lines[trial_id] += walked.is_input
        said["samples"] = max(0, said["inputs"] - lines[trial_id])
        if walked.step == "begin":
            said["begun_at"], said["config"] = walked.said.get("unix_s"), walked.said.get("config")
        elif walked.step == "end":
            said["state"] = walked.said.get("outcome")
            said["reason"], said["by"] = walked.said.get("reason"), walked.said.get("by")
    return list(found.values())


def rows(folder: Path) -> Iterator[ChangeRow]:
    """A row for each change of each trial, in their order. Raises OSError: the files cannot be read."""
    changes: Changes | None = None
    trial_id = ""
    for walked in Walk(RecordFiles(folder), samples=False):
        if walked.trial_id != trial_id and walked.trial_id:
            if changes is not None:
                yield from changes.finish()
            trial_id, changes = walked.trial_id, None
        yield from _take(trial_id, changes, walked)
        if changes is None:
            changes = _begun(walked)
    if changes is not None:
        yield from changes.finish()


def _take(trial_id: str, changes: Changes | None, walked: Walked) -> Iterator[ChangeRow]:
    if changes is None or walked.trial_id != trial_id or walked.text is None:
        return
    try:
        line = parse(walked.text)
    except UnreadableLine:
        return
    yield from changes.take(line)


def _begun(walked: Walked) -> Changes | None:
    """The changes of a trial that begins; None where this is no beginning."""
    if walked.step != "begin" or walked.text is None or not walked.trial_id:
        return None
    try:
        began = parse(walked.text).what
    except UnreadableLine:
        return None
    return Changes(walked.trial_id, began) if isinstance(began, Began) else None


def _new(trial_id: str) -> dict[str, Any]:
    return {
        "trial_id": trial_id,
        "begun_at": None,
        "duration_s": 0.0,
        "state": "running",
        "reason": None,
        "by": None,
        "inputs": 0,
        "samples": 0,
        "steps": {},
        "config": None,
    }


def _count(steps: dict[str, int], step: str) -> None:
    if step in steps or len(steps) < MAX_KINDS:
        steps[step] = steps.get(step, 0) + 1
