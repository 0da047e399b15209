"""What ``make run`` and ``make venv`` install is pinned by hash, and is what the other files say it is."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import tomllib
from importlib.metadata import distributions
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
RUNNING = ("requirements.lock", "requirements-torch.lock")
"""What ``make run`` installs."""
EVERYTHING = (*RUNNING, "requirements-dev.lock")
CPU_TORCH = "requirements-torch-cpu.lock"
LOCKS = (*EVERYTHING, CPU_TORCH)

_HASH = re.compile(r"--hash=sha256:[0-9a-f]{64}\Z")


def entries(name: str) -> dict[str, tuple[Requirement, list[str]]]:
    """By name, each requirement of a lock and what stands behind it."""
    text = (ROOT / name).read_text().replace("\\\n", " ")
    found = {}
    for line in text.splitlines():
        if line.startswith("#"):
            continue
        requirement, *hashes = re.split(r"\s+(?=--hash)", line.strip())
        parsed = Requirement(requirement)
        found[canonicalize_name(parsed.name)] = (parsed, hashes)
    return found


def pinned(requirement: Requirement) -> str:
    (one,) = requirement.specifier
    assert one.operator == "=="
    return one.version


@pytest.mark.parametrize("name", LOCKS)
def test_each_release_is_pinned_and_has_hashes(name: str) -> None:
    found = entries(name)
    assert found
    for requirement, hashes in found.values():
        assert pinned(requirement)
        assert hashes, requirement
        assert all(_HASH.match(one.strip()) for one in hashes), requirement


def test_the_locks_have_what_the_constraints_say() -> None:
    locked = versions(EVERYTHING)
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    constraints = [Requirement(line) for line in lines if not line.startswith("#")]
    for constraint in constraints:
        assert locked[canonicalize_name(constraint.name)] == pinned(constraint)
    assert pinned(entries(CPU_TORCH)["torch"][0]) == f"{locked['torch']}+cpu"


def test_the_locks_have_all_that_the_project_names() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    wanted = [*project["dependencies"], *(one for extra in project["optional-dependencies"].values() for one in extra)]
    assert_has(versions(EVERYTHING), wanted)


def test_what_runs_needs_no_lock_but_its_own_and_none_of_the_tools() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    assert_has(versions(RUNNING), [*project["dependencies"], *extras["generator"], *extras["compare"]])
    tools = {canonicalize_name(Requirement(text).name) for text in (*extras["dev"], *extras["train"])}
    # What a tool shares with the server: schemathesis and uvicorn both bring websockets, for one.
    assert tools & versions(RUNNING).keys() <= {"psutil", "websockets"}
    assert {"pytest", "mypy", "ruff", "playwright", "schemathesis", "resvg-py"} <= tools & versions(EVERYTHING).keys()


def test_no_release_is_locked_twice_in_two_versions() -> None:
    running, more = versions(RUNNING), versions(("requirements-dev.lock",))
    both = running.keys() & more.keys()
    assert {name: more[name] for name in both} == {name: running[name] for name in both}


@pytest.mark.skipif(shutil.which("make") is None, reason="needs make")
def test_running_installs_what_runs_and_everything_else_adds_to_it() -> None:
    """As make would do it, of an environment that is not there; nothing is done."""
    told = {
        target: subprocess.run(
            ["make", "-n", target, "VENV=/nonexistent/venv"],
            cwd=ROOT,
            check=True,
            capture_output=True,
            text=True,
        ).stdout
        for target in ("run", "runtime", "test")
    }
    for text in told.values():
        assert " -r requirements.lock\n" in text
        assert text.count(" -m venv ") == 1
    assert "requirements-dev.lock" not in told["run"] + told["runtime"]
    assert "requirements-dev.lock" in told["test"]


def versions(files: tuple[str, ...]) -> dict[str, str]:
    """By name, what these locks install."""
    return {name: pinned(entry[0]) for file in files for name, entry in entries(file).items()}


def assert_has(locked: dict[str, str], wanted: list[str]) -> None:
    for text in wanted:
        requirement = Requirement(text)
        assert requirement.specifier.contains(locked[canonicalize_name(requirement.name)]), text


def test_the_licence_of_each_installed_package_can_be_listed() -> None:
    listed = subprocess.run(
        [Path(sys.executable).with_name("pip-licenses"), "--from=mixed", "--with-system", "--format=json"],
        check=True,
        capture_output=True,
        text=True,
    )
    names = {canonicalize_name(one["Name"]): one["License"] for one in json.loads(listed.stdout)}
    installed = {canonicalize_name(one.metadata["Name"]) for one in distributions()}
    assert installed <= set(names)
    known = [licence for licence in names.values() if licence != "UNKNOWN"]
    assert len(known) > 0.9 * len(names)
