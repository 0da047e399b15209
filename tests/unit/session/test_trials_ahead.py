"""The record of changes that were made ahead: their rows, their chains, and deciding them again."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from cli.main import app
from shared.gaze.screen import ASSUMED_SCREEN
from shared.gaze.simulated.viewer import SimulatedViewer
from shared.gaze.trial import inputs, steps
from shared.session.check import check
from shared.session.reading.deciding import decide_again
from shared.session.reading.trials import ChangeRow, rows
from shared.session.writing.gaze_part import sort_part
from shared.session.writing.gaze_record import GazeRecord
from shared.session.writing.writer import SessionWriter
from shared.system.disk import Disk
from tests.support import synthetic_ahead as ahead
from tests.support.frames import CREATED_AT, pending_frame, tiny_png
from tests.support.rehearsal import config
from tests.support.rehearsal_ahead import AheadRehearsal, Faults
from tests.support.rehearsed_record import record_trial
from tests.support.synthetic_trial import HASH, MS, PICTURE, PROMPT, SEED, SyntheticTrial


def session(root: Path, **fields: object) -> Path:
    """One with the frame that a synthetic change names."""
    writer = SessionWriter.create(Disk(), root, "s", CREATED_AT)
    writer.append([pending_frame(0, input=tiny_png(), **{"prompt": PROMPT, "seed": SEED, **fields})])
    writer.close()
    return root / "s"


def record(folder: Path, trial: SyntheticTrial) -> Path:
    part = trial.part()
    GazeRecord(Disk(), folder).write(part, sort_part(part))
    return folder


def of(root: Path, trial: SyntheticTrial) -> list[ChangeRow]:
    return list(rows(record(session(root), trial)))


# -- rows -------------------------------------------------------------------------------------------------------------


def test_a_row_has_each_stage(root: Path) -> None:
    (row,) = of(root, ahead.change(SyntheticTrial().begin()).end())
    assert (row.change, row.kind, row.outcome, row.prepared) == (1, "change", "shown", True)
    assert (row.trigger, row.focus, row.target, row.prompt, row.seed) == ("blink", "TL", "BR", PROMPT, SEED)
    assert (row.frame_id, row.sha256) == ("frame-epoch-a-0", HASH)
    assert (row.fixation_s, row.fixation_to_decision_ms) == (None, None)
    assert (row.request_s, row.made_s, row.ready_s) == (0.0, 0.04, 0.048)
    assert (row.trigger_detected_s, row.decision_s, row.commit_s, row.frame_s, row.swap_s) == (
        *(0.072, 0.072, 0.072),
        *(0.076, 0.076),
    )
    assert (row.request_to_frame_ms, row.frame_to_ready_ms) == (40.0, 8.0), "what model and display took"
    assert (row.ready_to_trigger_ms, row.commit_ms, row.trigger_to_swap_ms) == (24.0, 4.0, 4.0)
    assert (row.trigger_to_next_frame_ms, row.misses, row.last_miss) == (20.0, 0, None)


def test_what_was_made_again_for_another_picture_has_the_time_that_the_model_took(root: Path) -> None:
    trial = SyntheticTrial().begin()
    asked, _ = ahead.prepare(trial)
    trial.sample(10)
    made = trial.take(inputs.PreparedChanged(t_ns=trial.t_ns, prepare=asked, state="ready", picture_sha256=PICTURE))
    trial.sample(1)
    ready = trial.take(inputs.DisplayReady(t_ns=trial.t_ns, frame=made, display="d1"))
    ahead.commit(trial, ahead.blink(trial), asked, ready)
    (row,) = of(root, trial.end())
    assert (row.request_to_frame_ms, row.frame_to_ready_ms, row.outcome) == (40.0, 4.0, "open")
    assert (row.trigger, row.eye_kind) == ("blink", "blink")


def test_chances_at_which_nothing_could_be_shown_are_counted_with_the_next_change(root: Path) -> None:
    trial = SyntheticTrial().begin()
    asked, ready = ahead.prepare(trial)
    for reason in ("nothing is prepared yet", "nothing is ready: 1 being made"):
        missed = ahead.blink(trial)
        trial.outcome(steps.Missed(caused_by=missed, t_ns=trial.t_ns, report=None, reason=reason))
    trigger, detected_ns = ahead.blink(trial), trial.t_ns
    request = ahead.commit(trial, trigger, asked, ready)
    made = {"frame_id": trial.frame_id, "sha256": HASH, "target": "BR", "generation_ms": 35.0}
    trial.sample(20)
    trial.take(inputs.FrameMade.model_validate({"t_ns": trial.t_ns, "request": request, **made}))
    trial.outcome(steps.Missed(caused_by=trigger, t_ns=trial.t_ns, report=None, reason="the commit came too late"))
    later = ahead.blink(trial)
    trial.outcome(steps.Missed(caused_by=later, t_ns=trial.t_ns, report=None, reason="looked at"))
    trigger, detected_ns = ahead.blink(trial), trial.t_ns
    (row,) = of(root, ahead.shown(trial, trigger, ready, detected_ns).end())
    assert (row.outcome, row.misses, row.last_miss, row.reason) == ("shown", 4, "looked at", None)
    assert (row.commit_ms, row.trigger_to_swap_ms) == (80.0, 0.0)
    assert row.trigger_detected_s == pytest.approx((detected_ns - 5000 * MS) / 1e9), "the last one"
    told = " ".join(CliRunner().invoke(app, ["trials", str(root / "s")], env={"COLUMNS": "300"}).stdout.split())
    assert "shown, after 4 missed (the last: looked at)" in told


def test_controls_have_no_frame(root: Path) -> None:
    trial = SyntheticTrial().begin()
    asked, ready = ahead.prepare(trial)
    control = {"frame_id": None, "sha256": PICTURE, "prepared_id": None}
    for kind in ("sham", "catch"):
        ahead.shown(trial, ahead.blink(trial), ready, trial.t_ns, kind=kind, **control)
    request = ahead.commit(trial, ahead.blink(trial), asked, ready)
    failed = trial.take(inputs.RequestFailed(t_ns=trial.t_ns, request=request, code="stale", detail="no"))
    trial.outcome(steps.Abandoned(caused_by=failed, t_ns=trial.t_ns, reason="stale: no"))
    sham, catch, change = of(root, trial.end())
    assert [(row.change, row.kind, row.outcome) for row in (sham, catch, change)] == [
        (1, "sham", "shown"),
        (2, "catch", "shown"),
        (3, "change", "abandoned"),
    ]
    assert (sham.frame_id, sham.frame_s, sham.commit_ms, sham.sha256, sham.target) == (None, None, None, PICTURE, "BR")
    assert (sham.prepared, sham.ready_s, sham.trigger_to_next_frame_ms) == (True, 0.048, 20.0)
    assert (change.frame_id, change.reason, change.prepared) == (None, "stale: no", True)


def test_the_command_prints_them(root: Path) -> None:
    folder = record(session(root), ahead.change(SyntheticTrial().begin()).end())
    out = CliRunner().invoke(app, ["trials", str(folder), "--csv"]).stdout
    (row,) = csv.DictReader(io.StringIO(out))
    assert (row["prepared"], row["commit_ms"], row["made_s"], row["last_miss"]) == ("TRUE", "4.0", "0.04", "")


# -- check ------------------------------------------------------------------------------------------------------------


def lost(folder: Path) -> str:
    return " | ".join(f"{each.file}: {each.sentence}" for each in check(folder) if each.severity == "lost")


def test_a_whole_chain(root: Path) -> None:
    assert lost(record(session(root), ahead.change(SyntheticTrial().begin()).end())) == ""


@pytest.mark.parametrize(
    ("fields", "differ"),
    [
        ({"prompt": "another"}, "prompt"),
        ({"seed": 3}, "seed"),
        ({"target_sector": "TL"}, "target_sector"),
        ({"input": tiny_png(7)}, "input_sha256"),
    ],
)
@pytest.mark.parametrize("is_ahead", [True, False])
def test_a_frame_that_is_not_what_was_asked_for(
    root: Path, fields: dict[str, object], differ: str, is_ahead: bool
) -> None:
    writer = SessionWriter.create(Disk(), root, "s", CREATED_AT)
    fields = {"prompt": PROMPT, "seed": SEED, "input": tiny_png(), **fields}
    writer.append([pending_frame(0, **fields)])  # type: ignore[arg-type]
    writer.close()
    trial = SyntheticTrial().begin()
    said = lost(record(root / "s", (ahead.change(trial) if is_ahead else trial.change()).end()))
    assert "it is not what step" in said
    assert said.endswith(f"asked for: {differ} differ")


def test_a_frame_that_the_session_does_not_have(root: Path) -> None:
    folder = record(session(root), ahead.change(SyntheticTrial(frame_id="frame-of-nobody").begin()).end())
    notes = [each.sentence for each in check(folder) if each.severity == "note"]
    assert "trial trial-a: the session does not have its frame frame-of-nobody" in notes


@pytest.mark.parametrize(
    ("step", "old", "new", "said"),
    [
        ("prepared", '"prepare":"1/0"', '"prepare":"1"', "prepare of step 12 names 1, which is no prepare"),
        ("ready", '"frame":"12"', '"frame":"3"', "frame of step 15 names 3, which is no frame or prepared"),
        ("commit", '"prepare":"1/0"', '"prepare":"12"', "prepare of step 21/2 names 12, which is no prepare"),
        ("commit", '"ready":"15"', '"ready":"12"', "ready of step 21/2 names 12, which is no ready"),
        ("commit", f'"on":"{PICTURE}"', f'"on":"{HASH}"', "on of step 21/2 is not as in step 12"),
        ("commit", '"target_sector":"BR"', '"target_sector":"TR"', "target_sector of step 21/2 is not as in step 1/0"),
        ("commit", "trial-a-p0", "trial-a-p7", "prepared_id of step 21/2 is not as in step 1/0"),
        (
            "commit",
            '"caused_by":"21/1"',
            '"caused_by":"21/0"',
            "step 21/2 names 21/0, which is no trigger",
        ),
        ("prepare", '"target_sector":"BR"', '"target_sector":"TR"', "target of step 23/0 is not as in step 1/0"),
        ("frame", '"target":"BR"', '"target":"TR"', "target of step 23 is not as in step 21/2"),
        ("frame", '"request":"21/2"', '"request":"1/0"', "request of step 23 names 1/0, which is no request or commit"),
        ("frame", '"request":"21/2"', '"request":"1/0"', "step 23/0 shows a frame that no commit has made"),
        ("swap", '"ready":"15"', '"ready":"23"', "ready of step 23/0 names 23, which is no ready"),
        ("swap", "frame-epoch-a-0", "frame-epoch-a-1", "frame_id of step 23/0 is not as in step 23"),
        ("swap", f'"on":"{PICTURE}"', f'"on":"{HASH}"', "on of step 23/0 is not as in step 21/2"),
        ("swap", "trial-a-p0", "trial-a-p7", "step 23/0 shows a frame that no commit has made"),
        (
            "swap",
            '"frame_id":"frame-epoch-a-0"',
            '"frame_id":null',
            "step 23/0 shows another picture, and",
        ),
        ("swap", '"caused_by":"21/1"', '"caused_by":"21/2"', "caused_by of step 23/0 names 21/2, which is no trigger"),
        ("displayed", '"target":"BR"', '"target":"TR"', "target of step 28/0 is not as in step 23/0"),
        (
            "displayed",
            '"caused_by":"23/0"',
            '"caused_by":"21/1"',
            "step 28/0 names 21/1, which is no swap",
        ),
        ("displayed", '"caused_by":"23/0"', '"caused_by":"23/9"', "was caused by '23/9', which is not there"),
    ],
)
def test_a_chain_that_does_not_hold_together(root: Path, step: str, old: str, new: str, said: str) -> None:
    folder = record(session(root), ahead.change(SyntheticTrial().begin()).end())
    path = folder / "trials.jsonl"
    lines = path.read_text().splitlines(keepends=True)
    (at,) = [number for number, line in enumerate(lines) if json.loads(line)["step"] == step]
    assert old in lines[at]
    caused = {"prepared": "prepare", "ready": "frame", "frame": "request"}.get(step)
    lines[at] = lines[at].replace(old, new)
    if caused is not None and f'"{caused}"' in old:
        lines[at] = lines[at].replace(old.replace(caused, "caused_by"), new.replace(caused, "caused_by"))
    path.write_text("".join(lines))
    assert said in lost(folder)


def test_one_that_is_committed_twice(root: Path) -> None:
    trial = SyntheticTrial().begin()
    asked, ready = ahead.prepare(trial)
    for number in range(2):
        ahead.commit(trial, ahead.blink(trial), asked, ready)
        trial.sample(number)
    assert "step 27/2 commits what step 21/2 did" in lost(record(session(root), trial.end()))


# -- whole trials -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("trigger", ["blink", "saccade", "blackout", "at_once"])
def test_a_rehearsed_trial_is_whole_and_decided_again_to_the_letter(root: Path, trigger: str) -> None:
    rehearsal = AheadRehearsal(
        config(trigger={"name": trigger, "interval_s": 2.0}, sham_rate=0.2, catch_rate=0.1, seed=4),
        faults=Faults(prepare=0.05, commit=0.1, missed=0.1),
        repaints=True,
    )
    rehearsal.follow(SimulatedViewer(2, ASSUMED_SCREEN, 125.0), 15)
    rehearsal.end()
    SessionWriter.create(Disk(), root, "s", CREATED_AT).close()
    record_trial(root / "s", rehearsal)
    (again,) = decide_again(root / "s")
    assert (again.problem, again.difference, again.outcomes) == (None, None, len(rehearsal.outcomes))
    assert lost(root / "s") == ""
    found = list(rows(root / "s"))
    assert sum(row.kind == "change" for row in found) == len(rehearsal.all(steps.Committed))
    assert sum(row.outcome == "shown" for row in found) == len(rehearsal.all(steps.Displayed)) > 2
    assert all(row.prepared and row.request_to_frame_ms and row.ready_s is not None for row in found)
    assert [row.change for row in found] == list(range(1, len(found) + 1))
