"""Trials that were recorded before changes could be made ahead: decided again to the letter, and read as they were.

``trials_before_ahead.tar.gz`` holds a session of five trials, one with each trigger, as they were recorded then, with
samples; and ``rows.json``: the rows that it read of them.
"""

from __future__ import annotations

import tarfile
from pathlib import Path

import pytest

from shared.json_loads import loads
from shared.session.check import check
from shared.session.reading.deciding import decide_again
from shared.session.reading.trials import rows

DATA = Path(__file__).parent / "data" / "trials_before_ahead.tar.gz"


@pytest.fixture
def unpacked(tmp_path: Path) -> Path:
    with tarfile.open(DATA) as archive:
        archive.extractall(tmp_path, filter="data")
    return tmp_path


def test_they_are_decided_again_to_the_letter(unpacked: Path) -> None:
    again = list(decide_again(unpacked / "before_ahead"))
    assert [trial.trial_id for trial in again] == ["blink", "key", "at_once", "blackout", "saccade"]
    assert [(trial.problem, trial.difference) for trial in again] == [(None, None)] * 5
    assert sum(trial.outcomes for trial in again) > 300


def test_their_rows_are_as_they_were(unpacked: Path) -> None:
    before = loads((unpacked / "rows.json").read_bytes())
    now = [row.flat() for row in rows(unpacked / "before_ahead")]
    assert [{name: row[name] for name in old} for row, old in zip(now, before, strict=True)] == before
    assert {row["prepared"] for row in now} == {False}


def test_check_finds_them_whole(unpacked: Path) -> None:
    found = list(check(unpacked / "before_ahead"))
    assert {finding.severity for finding in found} == {"note"}
    assert all("the session does not have its frame" in finding.sentence for finding in found)
