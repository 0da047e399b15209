"""``parafovea decide``: were the recorded decisions made from the recorded gaze?"""

from __future__ import annotations

from typing import Annotated

import typer

from cli.output import fail, say, say_json, session_folder
from shared.process.settings import load_settings
from shared.session.reading.deciding import TrialAgain, decide_again

DIFFERENT = 1


def decide(
    session: Annotated[str, typer.Argument(help="A session's id, or the path of its folder.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Run detectors and decisions of every trial again, from the recording alone, and compare.

    Exit code 0: identical. 1: different, or not to be decided again; the first difference is named. 3: there is no such
    session, or no trial in it.
    """
    folder = session_folder(load_settings(), session)
    if not folder.is_dir():
        fail(f"there is no session {session!r}; looked for {folder}")
    try:
        trials = list(decide_again(folder))
    except OSError as error:
        fail(f"not read: {error}")
    if not trials:
        fail(f"{folder} holds no trial; trials are recorded between POST /trial/begin and /trial/end")
    is_identical = all(trial.is_identical for trial in trials)
    if as_json:
        say_json({"identical": is_identical, "trials": [_as_json(trial) for trial in trials]})
    else:
        for trial in trials:
            say(f"trial {trial.trial_id}: {_said(trial)}")
    if not is_identical:
        raise typer.Exit(DIFFERENT)


def _said(trial: TrialAgain) -> str:
    if trial.difference is not None:
        return f"DIFFERENT at {trial.difference}"
    if trial.problem is not None:
        return f"cannot be decided again: {trial.problem}"
    return f"identical: {trial.outcomes} outcomes of {trial.inputs} inputs"


def _as_json(trial: TrialAgain) -> dict[str, object]:
    difference = trial.difference
    return {
        "trial_id": trial.trial_id,
        "identical": trial.is_identical,
        "inputs": trial.inputs,
        "outcomes": trial.outcomes,
        "problem": trial.problem,
        "difference": None
        if difference is None
        else {"id": difference.id, "recorded": difference.recorded, "again": difference.again, "said": str(difference)},
    }
