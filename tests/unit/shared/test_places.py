"""What ships with the program is found beside it, from any working directory."""

from __future__ import annotations

from pathlib import Path

import pytest

from shared.process.settings import Settings
from shared.system.places import sector_prompts

REPOSITORY = Path(__file__).parents[3]


@pytest.fixture
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("PARAFOVEA_SECTOR_PROMPTS", raising=False)
    return tmp_path


def test_the_shipped_prompts_are_found_from_elsewhere(elsewhere: Path) -> None:
    assert sector_prompts() == REPOSITORY / "generation" / "sector_prompts.json"
    assert Settings().sector_prompts == sector_prompts()


def test_prompts_of_the_working_directory_come_first(elsewhere: Path) -> None:
    own = elsewhere / "generation" / "sector_prompts.json"
    own.parent.mkdir()
    own.write_text("{}")
    assert Settings().sector_prompts == own


def test_recordings_stay_with_the_working_directory(elsewhere: Path) -> None:
    assert Settings().sessions_dir.absolute() == elsewhere / "generation" / "sessions"
