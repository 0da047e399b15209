"""The Procfile under honcho: all up, all gone, nothing left; and one that dies takes the others along."""

from __future__ import annotations

import re
import signal
import sys
import time
from pathlib import Path

import pytest

from tests.support.processes import REPOSITORY, Process, System
from tests.support.studio import Studio
from tests.support.waiting import eventually

pytestmark = pytest.mark.system

PROCFILE = REPOSITORY / "Procfile"
KILL_WAIT_S = 5
"""What honcho gives its processes between the signal and SIGKILL."""


def start(system: System, procfile: Path = PROCFILE) -> Process:
    command = [sys.executable, "-m", "honcho", "-d", str(system.folder), "-f", str(procfile), "start", "--no-colour"]
    return system.run("honcho", command)


def quick_procfile(folder: Path) -> Path:
    """The project's Procfile, with an engine at the generator's seam that needs no model."""
    text = PROCFILE.read_text(encoding="utf-8")
    quick = text.replace("python -m services.generator", "python -m tests.support.launch generator")
    assert quick != text
    path = folder / "Procfile"
    path.write_text(quick, encoding="utf-8")
    return path


def wait_ready(studio: Studio, honcho: Process, timeout_s: float) -> None:
    def ready() -> bool:
        if honcho.exit_code is not None:
            raise RuntimeError(f"honcho ended:\n{honcho.out}")
        # One that is still being imported would end by the signal, before it has heard of signals.
        others = all(studio.is_ready(name) for name in ("replayer", "gaze", "metrics"))
        return others and studio.is_ready("api") and studio.http.get("/ready").status_code == 200

    eventually(ready, timeout_s, "/ready under honcho")


def exit_codes(honcho: Process) -> dict[str, int]:
    """What honcho says each process ended with."""
    return {name: int(code) for name, code in re.findall(r"(\w+)\.1 stopped \(rc=(-?\d+)\)", honcho.out)}


def names(procfile: Path) -> set[str]:
    lines = procfile.read_text(encoding="utf-8").splitlines()
    return {line.split(":")[0] for line in lines if line and not line.startswith("#")}


def test_the_procfile_as_it_is(quick: Studio) -> None:
    """The real generator, with whatever model the project has; stopped while it has frames on their way."""
    honcho = start(quick)
    wait_ready(quick, honcho, 100)
    quick.start_session("honcho")
    frames = [quick.generate(1, steps=1)]
    started = time.monotonic()
    assert honcho.stop(signal.SIGTERM) == 143
    assert time.monotonic() - started < KILL_WAIT_S
    assert exit_codes(honcho) == dict.fromkeys(names(PROCFILE), 0)
    quick.assert_nothing_left()
    quick.assert_whole("honcho", frames)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_stopped_in_the_middle_of_recording_it_keeps_every_frame(number: int, quick: Studio) -> None:
    procfile = quick_procfile(quick.folder)
    honcho = start(quick, procfile)
    wait_ready(quick, honcho, 60)
    quick.start_session("s")
    frames = [quick.generate(seed) for seed in range(5)]
    started = time.monotonic()
    assert honcho.stop(number) == {signal.SIGINT: 130, signal.SIGTERM: 143}[signal.Signals(number)]
    assert time.monotonic() - started < KILL_WAIT_S
    assert exit_codes(honcho) == dict.fromkeys(names(procfile), 0)
    quick.assert_nothing_left()
    quick.assert_whole("s", frames)
    assert "Traceback" not in honcho.out


@pytest.mark.parametrize("name", ["recorder", "replayer", "gaze", "api", "metrics"])
def test_when_one_is_killed_all_go_and_the_next_start_is_clean(name: str, quick: Studio) -> None:
    procfile = quick_procfile(quick.folder)
    honcho = start(quick, procfile)
    wait_ready(quick, honcho, 60)
    victims = [process for process in quick.strays() if process.cmdline()[1:] == ["-m", f"services.{name}"]]
    assert victims, honcho.out
    victims[-1].kill()
    assert honcho.wait() != 0
    ended = exit_codes(honcho)
    assert ended.pop(name) != 0
    assert ended == dict.fromkeys(names(procfile) - {name}, 0)
    again = start(quick, procfile)
    wait_ready(quick, again, 60)
    assert again.stop(signal.SIGINT) == 130
    assert exit_codes(again) == dict.fromkeys(names(procfile), 0)
    quick.assert_nothing_left()


def test_a_second_one_on_the_same_bus_is_refused_and_the_first_goes_on(quick: Studio) -> None:
    procfile = quick_procfile(quick.folder)
    first = start(quick, procfile)
    wait_ready(quick, first, 60)
    second = start(quick, procfile)
    assert second.wait(30) != 0
    assert "already holds" in second.out
    assert "Traceback" not in second.out
    assert quick.http.get("/ready").status_code == 200
    quick.start_session("s")
    frames = [quick.generate(0)]
    quick.wait_recorded("s", frames)
    assert first.stop(signal.SIGTERM) == 143
