"""A studio of its own for each fault test."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support.studio import Studio


@pytest.fixture
def make_studio(folder: Path) -> Iterator[Callable[..., Studio]]:
    """Makes the studio with settings of the test's choice; at the end all is stopped and nothing may be left."""
    made: list[Studio] = []

    def make(**settings: str) -> Studio:
        made.append(Studio(folder, **settings))
        return made[-1]

    try:
        yield make
        for studio in made:
            studio.stop_all()
            studio.assert_nothing_left()
    finally:
        for studio in made:
            studio.kill_all()
            studio.print_logs()


@pytest.fixture
def studio(make_studio: Callable[..., Studio]) -> Studio:
    """Everything up, no session."""
    made = make_studio()
    made.start_everything()
    return made
