"""A studio for the tests of whole systems: real processes, a quick engine, an HTTP client."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.studio import Studio, studio_in


@pytest.fixture
def quick(folder: Path) -> Iterator[Studio]:
    """A studio with nothing started yet; at the end all is stopped and nothing may be left."""
    with studio_in(folder) as made:
        yield made
