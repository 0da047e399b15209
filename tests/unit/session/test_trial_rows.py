"""What is read of trials: a summary of each, a row for each change, and the command that prints them."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from cli.main import app
from shared.gaze.trial import inputs, steps
from shared.session.reading.change_rows import COLUMNS
from shared.session.reading.trials import rows, summaries
from shared.session.writing.gaze_part import sort_part
from shared.session.writing.gaze_record import GazeRecord
from shared.session.writing.writer import SessionWriter
from shared.system.disk import Disk
from tests.support.frames import CREATED_AT
from tests.support.synthetic_trial import HASH, MS, UNIX_S, SyntheticTrial


def record(root: Path, *trials: SyntheticTrial) -> Path:
    SessionWriter.create(Disk(), root, "s", CREATED_AT).close()
    found = GazeRecord(Disk(), root / "s")
    for trial in trials:
        found.write(trial.part(), sort_part(trial.part()))
    return root / "s"


def test_a_row_has_each_stage(root: Path) -> None:
    (row,) = rows(record(root, SyntheticTrial().whole()))
    assert (row.trial_id, row.participant, row.change, row.kind, row.outcome) == (
        "trial-a",
        "P01",
        1,
        "change",
        "shown",
    )
    assert (row.trigger, row.focus, row.target, row.seed) == ("blink", "TL", "BR", 11)
    assert (row.frame_id, row.sha256) == ("frame-epoch-a-0", HASH)
    assert row.prompt == 'a "small" bird, and\nanother one'
    assert (row.fixation_s, row.decision_s, row.request_s) == (pytest.approx(-0.78), 0.02, 0.02)
    assert (row.frame_s, row.ready_s, row.trigger_onset_s) == (0.06, 0.06, 0.06)
    assert (row.trigger_detected_s, row.swap_s, row.drawn_s, row.next_frame_s) == (0.084, 0.084, 0.094, 0.104)
    assert (row.fixation_to_decision_ms, row.request_to_frame_ms, row.frame_to_ready_ms) == (800.0, 40.0, 0.0)
    assert (row.ready_to_trigger_ms, row.trigger_to_swap_ms, row.swap_to_drawn_ms) == (24.0, 0.0, 10.0)
    assert row.trigger_to_next_frame_ms == 20.0
    assert (row.eye_kind, row.eye_onset_s, row.eye_end_s) == ("blink", 0.06, 0.144)
    assert row.since_end_ms == -40.0, "it was on its way while the eyes were closed"
    assert (row.gaze_x, row.gaze_y, row.eccentricity_deg, row.seen_risk) == (0.2, 0.3, 9.5, False)
    assert (row.is_late, row.misses, row.error_ms, row.reason) == (False, 0, 0.3, None)
    assert row.flat()["field_condition"] == "blink"


def test_changes_that_came_to_nothing(root: Path) -> None:
    trial = SyntheticTrial().begin()
    for number in range(3):
        last = trial.sample()
        decided = trial.outcome(steps.Decided(caused_by=last, t_ns=trial.t_ns, policy="listed", target="BR"))
        if number == 1:
            trial.sample()
            trial.outcome(steps.Abandoned(caused_by=decided, t_ns=trial.t_ns, reason="looked at"))
    nothing = trial.sample()
    trial.outcome(steps.Decided(caused_by=nothing, t_ns=trial.t_ns, policy="listed", target=None, reason="no target"))
    found = list(rows(record(root, trial.end())))
    assert [(row.change, row.outcome, row.reason) for row in found] == [
        (1, "open", None),
        (2, "abandoned", "looked at"),
        (3, "open", None),
    ]


def test_misses_are_counted_and_the_last_trigger_counts(root: Path) -> None:
    trial = SyntheticTrial().begin().change()
    at = next(index for index, (_, line) in enumerate(trial.lines) if b'"step":"report"' in line)
    del trial.lines[at:], trial.records[-20:]
    trial.next_n -= 21
    swap = next(json.loads(line)["id"] for _, line in trial.lines if b'"step":"swap"' in line)
    report = trial.take(inputs.Reported(t_ns=trial.t_ns, swap=swap, display="d1", was_shown=False, reason="late"))
    trial.outcome(steps.Missed(caused_by=swap, t_ns=trial.t_ns, report=report, reason="late"))
    (row,) = rows(record(root, trial.end()))
    assert (row.outcome, row.misses, row.reason, row.next_frame_s) == ("missed", 1, "late", None)


def test_a_summary_of_each_trial(root: Path) -> None:
    one, other = SyntheticTrial("trial-a").whole(2), SyntheticTrial("trial-b").begin().change()
    folder = record(root, one, other)
    found = summaries(folder)
    assert [said["trial_id"] for said in found] == ["trial-a", "trial-b"]
    assert (found[0]["state"], found[1]["state"]) == ("complete", "running")
    assert found[0]["begun_at"] == UNIX_S
    assert found[0]["config"]["participant"] == "P01"
    assert found[0]["samples"] == len(one.records)
    assert found[0]["inputs"] == one.next_n
    assert found[0]["steps"]["displayed"] == 2
    assert found[0]["duration_s"] == pytest.approx((one.t_ns - 5000 * MS) / 1e9)
    GazeRecord(Disk(), folder).close_trial()
    assert summaries(folder)[1]["by"] == "recorder"
    assert summaries(root / "nothing") == []


def test_lines_that_nobody_understands_cost_themselves_alone(root: Path) -> None:
    folder = record(root, SyntheticTrial().whole(), SyntheticTrial("trial-b").whole())
    text = (folder / "trials.jsonl").read_bytes()
    (folder / "trials.jsonl").write_bytes(text.replace(b'"sector":"TL"', b'"sector":3', 1) + b"nonsense\n")
    found = list(rows(folder))
    assert [row.fixation_s is None for row in found] == [True, False]


# -- the command ------------------------------------------------------------------------------------------------------


def run(*arguments: str) -> tuple[int, str, str]:
    done = CliRunner().invoke(app, ["trials", *arguments])
    return done.exit_code, done.stdout, done.stderr


def test_csv_is_read_without_options(root: Path) -> None:
    other = SyntheticTrial("trial-b", fields={"note": "ä, b", "list": [1]}).whole()
    code, out, _ = run(str(record(root, SyntheticTrial().whole(2), other)), "--csv")
    assert code == 0
    assert "\r" not in out
    found = list(csv.DictReader(io.StringIO(out)))
    assert list(found[0]) == [*COLUMNS, "field_condition", "field_block", "field_note", "field_list"]
    assert [row["change"] for row in found] == ["1", "2", "1"]
    assert [row["field_block"] for row in found] == ["2", "2", ""]
    assert found[2]["field_note"] == "ä, b"
    assert (found[0]["seen_risk"], found[0]["reason"]) == ("FALSE", "")
    assert float(found[0]["trigger_to_next_frame_ms"]) == 20.0


def test_pandas_reads_it(root: Path) -> None:
    pandas = pytest.importorskip("pandas")
    _, out, _ = run(str(record(root, SyntheticTrial().whole(3))), "--csv")
    frame = pandas.read_csv(io.StringIO(out))
    assert frame["seen_risk"].dtype == bool
    assert frame["trigger_to_next_frame_ms"].mean() == 20.0
    assert frame["prompt"][0].endswith("\nanother one")


def test_json_and_the_table_for_people(root: Path) -> None:
    folder = record(root, SyntheticTrial().whole(), SyntheticTrial("trial-b").begin().end())
    code, out, _ = run(str(folder), "--json")
    one, other = map(json.loads, out.splitlines())
    assert (code, one["changes"][0]["target"], other["changes"]) == (0, "BR", [])
    code, out, _ = run(str(folder))
    assert code == 0
    assert "trial trial-a of P01: begun" in out
    assert "20.0" in out


def test_no_trials_and_no_session(root: Path) -> None:
    assert run(str(record(root)))[:2] == (0, "no trials\n")
    code, _, said = run(str(root / "nothing"))
    assert (code, "there is no session" in said) == (2, True)
    assert run(str(root / "s"), "--csv", "--json")[0] == 2
