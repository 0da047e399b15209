"""Child processes: what they print, how they fail, and that none outlives its pool."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from services.api.work.processes import Child, Pool
from shared.errors import InternalError, InvalidArchive
from shared.process.settings import Settings

WORKER = "services.api.work.thumbnail_worker"


@pytest.fixture
def pool() -> Iterator[Pool]:
    made = Pool("test")
    yield made
    made.close()


def waiting() -> Child:
    """One that waits for its input."""
    return Child(WORKER, takes_input=True)


def test_what_it_prints_of_an_error_is_raised_here(tmp_path: Path) -> None:
    settings = Settings(_env_file=None, sessions_dir=tmp_path / "sessions", bus=f"ipc://{tmp_path}/bus")
    child = Child("shared.session.transfer", settings=settings, takes_input=True)
    child.write(b"no archive")
    with pytest.raises(InvalidArchive):
        child.result()
    child.stop()
    assert not [path for path in tmp_path.rglob("*") if path.is_file()], "of what is refused nothing stays"


def test_the_last_of_its_words_is_told_where_it_has_no_error() -> None:
    child = Child("no_such_module_of_ours")
    with pytest.raises(InternalError, match="No module named no_such_module_of_ours"):
        child.line()
    child.stop()


def test_it_answers_line_by_line_until_its_input_ends() -> None:
    child = waiting()
    line = b'{"source": "/no/such", "target": "/no/such/at/all", "side": 1}\n'
    assert "error" in child.ask(line)
    assert "error" in child.ask(line)
    assert child.result() is None
    assert child.ask(line) is None, "it has ended"
    child.stop()


async def test_a_pool_has_one_at_a_time_and_a_new_one_for_one_that_ended(pool: Pool) -> None:
    first = pool.child(waiting)
    assert pool.child(waiting) is first
    first.stop()
    second = await pool.run(lambda: pool.child(waiting))
    assert second is not first
    pool.close()
    assert not second.is_running
    with pytest.raises(InternalError, match="stopping"):
        pool.child(waiting)
