"""The tests' own tools: a helper that cannot fail proves nothing."""

from __future__ import annotations

import os
import sys

import pytest

from tests.support.processes import System
from tests.support.waiting import eventually, eventually_async


def test_eventually_returns_the_value_and_gives_up_at_the_deadline() -> None:
    attempts = iter([0, None, "there"])
    assert eventually(lambda: next(attempts)) == "there"
    with pytest.raises(AssertionError, match="the moon"):
        eventually(lambda: False, 0.05, "the moon")


async def test_eventually_async_takes_coroutines_and_counts_assertions_as_not_yet() -> None:
    attempts = iter([False, True])

    async def condition() -> bool:
        assert next(attempts), "still false"
        return True

    assert await eventually_async(condition)


def test_a_process_that_exits_instead_of_answering_fails_at_once(system: System) -> None:
    process = system.run("replayer", [sys.executable, "-c", "import sys; sys.exit('no')"])
    with pytest.raises(RuntimeError, match="exited with 1"):
        system.wait_ready(process)


def test_what_a_process_leaves_behind_is_seen(system: System) -> None:
    stray = system.run("parent", [sys.executable, "-c", "import subprocess; subprocess.Popen(['sleep', '60'])"])
    assert stray.wait() == 0
    system.bus_folder.mkdir()
    (system.bus_folder / "frames.lock").touch()
    left = system.left_behind()
    assert any("parent" in item for item in left)
    assert str(system.bus_folder / "frames.lock") in left
    system.kill_all()
    (system.bus_folder / "frames.lock").unlink()
    eventually(lambda: not system.left_behind())


def test_a_process_sees_its_systems_settings_only(system: System, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PARAFOVEA_MODEL", "the developer's")
    show = "import os; print(sorted(k for k in os.environ if k.startswith('PARAFOVEA_')))"
    process = system.run("show", [sys.executable, "-c", show])
    assert process.wait() == 0
    assert eval(process.out) == sorted(system.settings)
    assert os.environ["PARAFOVEA_MODEL"]
