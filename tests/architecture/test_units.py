"""The systemd units: one for each process, each shut in as far as it can be and still work."""

from __future__ import annotations

import configparser
import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
UNITS = sorted((ROOT / "deploy" / "systemd").glob("*.service"))
MAX_EXPOSURE = 3.0
"""Of ten, as ``systemd-analyze security`` counts: with nothing done it is 9.2, "unsafe"."""

with_systemd = pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="needs systemd-analyze")
each_unit = pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.stem)


def settings(unit: Path) -> dict[str, list[str]]:
    """What stands under ``[Service]``: each key with its values, in order."""
    found: dict[str, list[str]] = {}
    section = unit.read_text(encoding="utf-8").partition("[Service]\n")[2].partition("\n[")[0]
    for line in section.splitlines():
        if line and not line.startswith("#"):
            key, _, value = line.partition("=")
            found.setdefault(key, []).append(value)
    return found


def analyze(*arguments: str) -> str:
    done = subprocess.run(["systemd-analyze", *arguments], capture_output=True, text=True, check=False)
    return done.stdout


def test_every_process_has_one() -> None:
    names = {line.split(":")[0] for line in (ROOT / "Procfile").read_text().splitlines() if line[0] != "#"}
    assert {unit.stem for unit in UNITS} == {f"parafovea-{name}" for name in names}
    target = configparser.ConfigParser()
    target.read(ROOT / "deploy" / "systemd" / "parafovea.target")
    assert set(target["Unit"]["Wants"].split()) <= {unit.name for unit in UNITS}


@with_systemd
@each_unit
def test_it_is_rated_safe(unit: Path) -> None:
    said = analyze("security", "--offline=true", "--no-pager", str(unit))
    rated = re.search(r"exposure level for \S+: ([\d.]+)", said)
    if rated is None:
        pytest.skip("this systemd-analyze rates no files")
    assert float(rated[1]) < MAX_EXPOSURE


@each_unit
def test_it_runs_as_the_user_for_the_group_on_the_private_bus(unit: Path) -> None:
    found = settings(unit)
    assert (found["User"], found["Group"], found["UMask"]) == (["parafovea"], ["parafovea"], ["0027"])
    assert "PARAFOVEA_SESSIONS_GROUP=parafovea" in found["Environment"]
    assert "PARAFOVEA_BUS=ipc:///run/parafovea" in found["Environment"]
    assert (found["RuntimeDirectory"], found["RuntimeDirectoryMode"]) == (["parafovea"], ["0700"])
    assert found["CapabilityBoundingSet"] == [""]
    assert found["NoNewPrivileges"] == ["yes"]
    assert found["ProtectSystem"] == ["strict"]


def test_only_those_that_write_recordings_may() -> None:
    writing = {unit.stem for unit in UNITS if "ReadWritePaths" in settings(unit)}
    assert writing == {"parafovea-api", "parafovea-gaze", "parafovea-generator", "parafovea-recorder"}


@with_systemd
@each_unit
def test_it_may_do_what_libzmq_and_the_runner_do(unit: Path) -> None:
    """libzmq sets the scheduling of each thread of its own, and ends the process where it may not."""
    allowed: set[str] = set()
    for value in settings(unit)["SystemCallFilter"]:
        names = {name for group in value.removeprefix("~").split() for name in calls_of(group)}
        allowed = allowed - names if value.startswith("~") else allowed | names
    assert {"sched_setscheduler", "prlimit64", "setrlimit", "umask", "fchmod", "chmod", "flock", "fsync"} <= allowed
    assert not {"mount", "ptrace", "reboot", "init_module", "setuid", "bpf", "chroot"} & allowed


def calls_of(group: str) -> set[str]:
    """The system calls of a group, and of those in it."""
    if not group.startswith("@"):
        return {group}
    lines = [line.strip() for line in analyze("syscall-filter", "--no-pager", group).splitlines()]
    names = [line for line in lines if line and line[0] != "#" and line != group]
    return {call for name in names for call in calls_of(name)}
