"""``parafovea decide``, over sessions whose trials were rehearsed."""

from __future__ import annotations

import json
from math import nan
from pathlib import Path

import pytest
from typer.testing import CliRunner

from cli.main import app
from shared.frame import SessionStamp
from shared.gaze.record import lines, samples
from shared.gaze.record.lines import Origin
from shared.gaze.sample import Sample
from shared.gaze.screen import ASSUMED_SCREEN
from shared.gaze.simulated.viewer import SimulatedViewer
from shared.session.check import check
from shared.session.writing.gaze_part import HeldPart, sort_part
from shared.session.writing.gaze_record import GazeRecord
from shared.session.writing.writer import SessionWriter
from shared.system.disk import Disk
from tests.support.frames import CREATED_AT
from tests.support.rehearsal import START_NS, Rehearsal, config

runner = CliRunner()
STAMP = SessionStamp(session_id="s", created_at=CREATED_AT)


def rehearsed(trial_id: str, seed: int) -> Rehearsal:
    rehearsal = Rehearsal(config(trial_id=trial_id, session=STAMP, seed=seed, policy={"dwell_ms": 300.0}))
    rehearsal.follow(SimulatedViewer(seed, ASSUMED_SCREEN), 15)
    rehearsal.end()
    return rehearsal


def part_of(rehearsal: Rehearsal) -> HeldPart:
    """All of a trial, as it would be fetched."""
    origin = Origin(rehearsal.config.trial_id, START_NS, 1_800_000_000.0)
    told: list[tuple[int, int, bytes]] = []
    records = bytearray()
    for n, taken in rehearsal.taken:
        if isinstance(taken, Sample):
            records += samples.encode(samples.NumberedSample(n, taken, nan))
        else:
            told.append((n, -1, lines.encode(lines.of_input(origin, n, taken))))
    for outcome in rehearsal.outcomes:
        n, _, number = outcome.id.partition("/")
        told.append((int(n), int(number), lines.encode(lines.of_outcome(origin, outcome))))
    text = b"".join(line for _, _, line in sorted(told))
    about = {"source": "simulated:1"}
    return HeldPart(rehearsal.config.trial_id, STAMP, 0, len(rehearsal.taken), True, about, text, bytes(records))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A session with two trials."""
    SessionWriter.create(Disk(), tmp_path, "s", CREATED_AT).close()
    record = GazeRecord(Disk(), tmp_path / "s")
    for trial_id, seed in (("first", 1), ("second", 2)):
        part = part_of(rehearsed(trial_id, seed))
        record.write(part, sort_part(part))
    return tmp_path / "s"


def decide(folder: Path, *more: str) -> tuple[int, str]:
    result = runner.invoke(app, ["decide", str(folder), *more])
    return result.exit_code, result.stdout


def test_what_was_decided_is_decided_again(folder: Path) -> None:
    code, told = decide(folder)
    assert code == 0
    first, second = told.splitlines()
    assert first.startswith("trial first: identical: ")
    assert second.startswith("trial second: identical: ")
    code, told = decide(folder, "--json")
    said = json.loads(told)
    assert (code, said["identical"]) == (0, True)
    assert all(trial["outcomes"] > 50 and trial["inputs"] > 3000 for trial in said["trials"])
    assert not [finding for finding in check(folder) if finding.severity != "note"]


def test_a_decision_that_was_altered_is_named(folder: Path) -> None:
    file = folder / "trials.jsonl"
    told = file.read_text().splitlines()
    at = next(n for n, line in enumerate(told) if '"step":"decision"' in line and '"trial_id":"second"' in line)
    line = json.loads(told[at])
    line["target"] = "MC"
    file.write_text("\n".join([*told[:at], json.dumps(line), *told[at + 1 :]]) + "\n")
    code, said = decide(folder)
    assert code == 1
    first, second = said.splitlines()
    assert "identical" in first
    assert second.startswith(f"trial second: DIFFERENT at {line['id']}, decision: target was 'MC', and is ")


def test_a_sample_that_was_altered_shows(folder: Path) -> None:
    file = folder / "gaze" / "0000.bin"
    data = bytearray(file.read_bytes())
    x_at = 24
    for record in range(500, 560):
        at = record * samples.RECORD_BYTES + x_at
        data[at : at + 4] = bytes.fromhex("cdcc4c3f")  # 0.8
    file.write_bytes(data)
    code, said = decide(folder)
    assert code == 1
    assert said.splitlines()[0].startswith("trial first: DIFFERENT at ")


def test_a_sample_that_is_gone_is_named(folder: Path) -> None:
    file = folder / "gaze" / "0000.bin"
    data = file.read_bytes()
    size = samples.RECORD_BYTES
    file.write_bytes(data[: 100 * size] + data[101 * size :])
    code, said = decide(folder)
    assert code == 1
    assert "trial first: cannot be decided again: input " in said
    assert "is missing" in said


def test_a_trial_of_another_version_is_named(folder: Path) -> None:
    file = folder / "trials.jsonl"
    file.write_text(file.read_text().replace('"decision_version":1', '"decision_version":7', 1))
    code, said = decide(folder)
    assert code == 1
    assert "decided by version 7 of detectors and decision, and this is version 1" in said


@pytest.mark.parametrize("name", ["nowhere", "empty"])
def test_where_there_is_no_trial_that_is_said(tmp_path: Path, name: str) -> None:
    (tmp_path / "empty").mkdir()
    assert decide(tmp_path / name)[0] == 3
