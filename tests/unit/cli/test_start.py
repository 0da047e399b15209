"""``parafovea start``: the processes of the Procfile, by the Python that runs it."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from cli.main import app
from cli.start import _commands, _environment
from shared.system.places import PROCFILE

runner = CliRunner()


@pytest.mark.skipif(sys.platform == "win32", reason="quoting is another there")
def test_the_procfile_is_run_by_this_python(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/a folder/bin/python3")
    lines = [line for line in PROCFILE.read_text().splitlines() if not line.startswith("#")]
    assert _commands() == {
        name: command.replace("exec python ", f"exec {shlex.quote('/a folder/bin/python3')} ")
        for name, command in (line.split(": ", 1) for line in lines)
    }


def test_what_dot_env_adds_reaches_them_and_overrules_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".env").write_text("HF_TOKEN=abc\nPARAFOVEA_PORT=1\n")
    monkeypatch.setenv("PARAFOVEA_PORT", "2")
    monkeypatch.delenv("HF_TOKEN", raising=False)
    told = _environment()
    assert (told["HF_TOKEN"], told["PARAFOVEA_PORT"]) == ("abc", "2")


def test_one_that_is_not_there_is_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    result = runner.invoke(app, ["start", "recorded"])
    assert result.exit_code == 2
    told = " ".join(result.stderr.replace("│", " ").split())
    assert "there is no process 'recorded'; there are generator, recorder, replayer, gaze, api, metrics" in told


def test_a_wrong_setting_is_said_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PARAFOVEA_PROT", "1")
    result = runner.invoke(app, ["start"])
    assert result.exit_code == 2
    assert result.stderr.count("PARAFOVEA_PROT") == 1
