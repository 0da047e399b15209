"""The benchmarks that compare servers, run with tiny numbers: that they measure, not what."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from benchmarks import __main__ as command
from benchmarks import path
from benchmarks.figures import Figure
from benchmarks.options import Options
from benchmarks.prepared import chains, chances, committing, waiting
from benchmarks.servers import compared, installed
from tests.support.processes import REPOSITORY

pytestmark = pytest.mark.system

TINY = Options(requests=1, sleeps_ms=(5,), chains=2, minutes=0.03, side=96)


def names(figures: list[Figure]) -> str:
    return "\n".join(figure.name for figure in figures)


def test_the_path_is_measured_for_whatever_a_client_sends() -> None:
    figures = names(path.measure(TINY))
    for row in ("the same JPEG", "always a new JPEG", "the same PNG", "always a new PNG", "a chain, sent as PNG"):
        assert f"{row}, recording off" in figures
        assert f"{row}, recording on" in figures
    assert "a chain, by its hash, recording on" in figures
    assert "HTTP alone: nothing in" in figures


def test_another_checkout_is_measured_beside_this_one() -> None:
    figures = path.measure(Options(against=REPOSITORY, requests=1, sleeps_ms=(5,), side=96))
    assert all("before" in figure.detail for figure in figures if "beside an engine" in figure.name)


def test_servers_are_compared_as_far_as_they_can_be_installed(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(installed, "user_cache_path", lambda name: tmp_path)
    monkeypatch.setattr(
        subprocess, "run", lambda *_, **__: SimpleNamespace(returncode=1, stdout="", stderr="no such index\n")
    )
    assert names(compared.measure(TINY)).count("Parafovea") == 2
    assert "can't be installed here, so only ours is measured: no such index" in capsys.readouterr().err


def test_the_other_servers_are_pinned_by_their_hashes() -> None:
    lock = installed.LOCK.read_text()
    for line in installed.LOCK.with_suffix(".in").read_text().split():
        assert f"\n{line.replace('[standard]', '')} \\\n    --hash=" in lock
    assert "torch" not in lock


@pytest.mark.parametrize("kind", ["layer", "inpaint"])
def test_commits_are_measured(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(committing, "KINDS", (kind,))
    figures = names(committing.measure(TINY))
    assert f"commit to answer, {kind} stand-in, recording on" in figures
    assert f"on the bus: commit to frame published, {kind} stand-in" in figures


def test_a_live_request_waits_for_no_more_than_the_run_under_way() -> None:
    (figure,) = waiting.measure(TINY)
    assert "4 requests" in figure.detail


@pytest.mark.parametrize("kind", ["layer", "inpaint", "edit"])
def test_chains_are_what_generate_makes(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chains, "KINDS", (kind,))
    assert [figure.value for figure in chains.measure(TINY)] == [0, 0]


def test_chances_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chances, "KINDS", ("inpaint",))
    monkeypatch.setattr(chances, "MOVEMENTS", ("saccade",))
    ready, taken = chances.measure(TINY)
    assert "0 of 0" not in ready.detail
    assert taken.value == 1


def test_a_benchmark_that_is_not_there_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main(["nothing"]) == 2
    assert "path, servers, prepared" in capsys.readouterr().err


def test_the_command_says_what_it_takes() -> None:
    told = subprocess.run(
        [sys.executable, "-m", "benchmarks", "--help"], cwd=REPOSITORY, capture_output=True, text=True, check=True
    )
    assert "--against PATH" in told.stdout
