"""``parafovea eyes``, from file to lines."""

from __future__ import annotations

import json
from math import isfinite
from pathlib import Path

import pytest
from typer.testing import CliRunner

from cli.main import app
from shared.gaze.sample import Sample
from tests.unit.shared.gaze.eyes_moving import jump, rest, shut

runner = CliRunner()
SCREEN = ["--rate", "500", "--screen-px", "1024x768", "--screen-m", "0.38x0.30", "--distance-m", "0.67"]


def written(folder: Path, samples: list[Sample]) -> str:
    file = folder / "trace.csv"
    rows = [f"{one.t_ns / 1e9},{one.x},{one.y}" for one in samples]
    file.write_text("\n".join(["t,x,y", *rows]) + "\n")
    return str(file)


@pytest.fixture
def trace(tmp_path: Path) -> str:
    return written(tmp_path, jump(10, 500) + shut(800, 950) + rest(950, 1200, x=0.58) + shut(1200, 1800))


def test_one_json_object_an_event(trace: str) -> None:
    result = runner.invoke(app, ["eyes", trace, *SCREEN, "--json"])
    assert (result.exit_code, result.stderr) == (0, "")
    events = [json.loads(line) for line in result.stdout.splitlines()]
    assert [one["kind"] for one in events] == ["fixation", "saccade", "fixation", "blink", "fixation", "lost"]
    assert all(one["onset_s"] <= one["offset_s"] for one in events)
    assert all(one["onset_s"] <= one["detected_s"] <= one["noticed_s"] for one in events)
    assert all(isfinite(value) for one in events for name, value in one.items() if name != "kind")
    saccade, blink = events[1], events[3]
    assert saccade["amplitude_deg"] == pytest.approx(10, abs=0.5)
    assert (blink["onset_s"], blink["offset_s"], "x" in blink) == (0.8, 0.95, False)
    assert (events[-1]["onset_s"], events[-1]["offset_s"]) == (1.2, 1.798)


def test_a_row_an_event_and_a_screen_that_is_assumed(trace: str) -> None:
    result = runner.invoke(app, ["eyes", trace])
    assert result.exit_code == 0
    assert "is assumed" in result.stderr
    rows = [line.split("\t") for line in result.stdout.splitlines()]
    assert [row[0] for row in rows] == ["fixation", "saccade", "fixation", "blink", "fixation", "lost"]
    assert rows[3] == ["blink", "0.800", "0.950", "150", "-", "-", "-", "-"]


def test_samples_that_run_backwards_are_counted(tmp_path: Path) -> None:
    first = rest(0, 300)
    result = runner.invoke(app, ["eyes", written(tmp_path, first + first[5:7] + rest(300, 400)), *SCREEN])
    assert result.exit_code == 0
    assert "2 samples were left out" in result.stderr
    assert "line 152" in result.stderr
    assert len(result.stdout.splitlines()) == 1


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--rate", "0"], "--rate has to be"),
        (["--rate", "nan"], "--rate has to be"),
        (["--screen-px", "1024"], "--screen-px has to be width and height"),
        (["--screen-px", "0x768"], "--screen-px has to be"),
        (["--screen-m", "1.2.3x1"], "--screen-m has to be"),
        (["--distance-m", "-1"], "--distance-m has to be"),
        (["--distance-m", "inf"], "--distance-m has to be"),
    ],
)
def test_options_that_are_wrong(trace: str, options: list[str], said: str) -> None:
    result = runner.invoke(app, ["eyes", trace, *options])
    assert (result.exit_code, result.stdout) == (2, "")
    assert said in result.stderr
    assert "Traceback" not in result.stderr


@pytest.mark.parametrize("content", [b"", b"\x89PNG\r\n\x1a\n\x00\xff", b"t,x,y\n0,a,1\n", b"a,b\n1,2\n"])
def test_files_that_are_wrong(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "wrong.csv").write_bytes(content)
    result = runner.invoke(app, ["eyes", str(tmp_path / "wrong.csv"), *SCREEN, "--json"])
    assert (result.exit_code, result.stdout) == (2, "")
    assert "is no gaze trace" in result.stderr


def test_files_that_are_not_there(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "none.csv"):
        result = runner.invoke(app, ["eyes", str(path), *SCREEN])
        assert result.exit_code == 2
        assert f"cannot read {path}" in result.stderr
