"""``parafovea verify`` as it is called: what it prints, and the code it ends with."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from cli.main import app
from tests.support.recorded import OtherEngine, record_pictures

runner = CliRunner()


@pytest.mark.parametrize(("off_by", "verdict", "code"), [(0, "identical", 0), (1, "close", 0), (9, "different", 1)])
def test_of_another_renderer_what_is_close_is_reproduced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, off_by: int, verdict: str, code: int
) -> None:
    monkeypatch.chdir(tmp_path)
    folder = record_pictures(tmp_path)  # by a version that had no number yet

    def load(settings: Any) -> OtherEngine:
        return OtherEngine(off_by=off_by, environment={"renderer": 1})

    monkeypatch.setattr("services.generator.load.load_engine", load)
    result = runner.invoke(app, ["verify", str(folder), "--by", "here", "--json"])
    assert result.exit_code == code, result.output
    report = json.loads(result.stdout)
    assert {frame["verdict"] for frame in report["frames"]} == {verdict}
    why = None if verdict == "identical" else "it was painted before renderers had numbers, and here is renderer 1"
    assert {frame["reason"] for frame in report["frames"]} == {why}
    assert report["environment_differences"] == [
        {"key": "environment.renderer", "recorded": None, "today": 1, "frames": 3}
    ]
    monkeypatch.setenv("COLUMNS", "200")
    printed = runner.invoke(app, ["verify", str(folder), "--by", "here"])
    assert printed.exit_code == code
    assert (why or "environment.renderer") in printed.stdout
