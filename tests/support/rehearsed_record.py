"""A rehearsed trial in a session's folder, as the recorder would have written it."""

from __future__ import annotations

from pathlib import Path

from shared.frame import SessionStamp
from shared.gaze.record import lines, samples
from shared.gaze.record.lines import Origin
from shared.gaze.sample import Sample
from shared.gaze.trial.inputs import Began
from shared.gaze.trial.outcomes import Outcome, number_of
from shared.session.format.trial_files import about_of
from shared.session.writing.gaze_part import HeldPart, sort_part
from shared.session.writing.gaze_record import GazeRecord
from shared.system.disk import Disk
from tests.support.rehearsal import Rehearsal


def record_trial(folder: Path, rehearsal: Rehearsal) -> None:
    """Add a trial that has ended to a session, which is there."""
    began = rehearsal.taken[0][1]
    assert isinstance(began, Began)
    config = began.config
    origin = Origin(config.trial_id, began.t_ns, began.unix_s)
    came: dict[int, list[Outcome]] = {}
    for outcome in rehearsal.outcomes:
        came.setdefault(number_of(outcome.id), []).append(outcome)
    told, records = [], []
    for n, taken in rehearsal.taken:
        if isinstance(taken, Sample):
            records.append(samples.encode(samples.NumberedSample(n, taken)))
        else:
            told.append(lines.of_input(origin, n, taken))
        told += [lines.of_outcome(origin, outcome) for outcome in came.get(n, ())]
    part = HeldPart(
        trial_id=config.trial_id,
        session=config.session or SessionStamp(session_id=folder.name, created_at=began.unix_s),
        from_n=0,
        next_n=len(rehearsal.taken),
        ended=rehearsal.trial.is_over,
        about=about_of(config.flat()),
        lines=b"".join(map(lines.encode, told)),
        records=b"".join(records),
    )
    GazeRecord(Disk(), folder).write(part, sort_part(part))
