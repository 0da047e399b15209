"""What ``make venv`` installs is pinned by hash, and is what the other files say it is."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tomllib
from importlib.metadata import distributions
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
LOCKS = ("requirements.lock", "requirements-torch.lock", "requirements-torch-cpu.lock")

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
    locked = {name: pinned(entry[0]) for file in LOCKS[:2] for name, entry in entries(file).items()}
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    constraints = [Requirement(line) for line in lines if not line.startswith("#")]
    for constraint in constraints:
        assert locked[canonicalize_name(constraint.name)] == pinned(constraint)
    assert pinned(entries(LOCKS[2])["torch"][0]) == f"{locked['torch']}+cpu"


def test_the_locks_have_all_that_the_project_names() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    wanted = [*project["dependencies"], *(one for extra in project["optional-dependencies"].values() for one in extra)]
    locked = {name: entry[0] for file in LOCKS[:2] for name, entry in entries(file).items()}
    for text in wanted:
        requirement = Requirement(text)
        assert requirement.specifier.contains(pinned(locked[canonicalize_name(requirement.name)])), text


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
