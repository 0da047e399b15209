"""A sessions folder and a disk for the tests of the on-disk format."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.scripted_disk import ScriptedDisk


@pytest.fixture
def disk() -> ScriptedDisk:
    return ScriptedDisk()


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """The sessions folder, not made yet."""
    return tmp_path / "generation" / "sessions"
