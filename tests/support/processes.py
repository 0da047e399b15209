"""Real processes on a bus, ports and folders of a test's own.

``System`` is one Parafovea: ``system.start("recorder")`` runs ``python -m services.recorder`` and waits until it
answers; ``system.stop_all()`` stops what runs; ``system.assert_nothing_left()`` fails on anything that outlives it.
"""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil  # type: ignore[import-untyped]

from shared.bus.address import BusAddress
from shared.bus.channels import CHANNELS
from tests.support.asking import ask, http_status
from tests.support.buses import free_port
from tests.support.waiting import eventually

REPOSITORY = Path(__file__).resolve().parents[2]

READY_TIMEOUT_S = 60.0
"""Generous: importing torch on a busy machine takes long. A process that exits instead fails at once."""
STOP_TIMEOUT_S = 10.0
CONTROLS = {"gaze": "gaze-control"}
"""By process, the channel that it answers on, where that has another name."""


class Process:
    """One started process, with its log in files."""

    def __init__(self, name: str, command: Sequence[str], environment: dict[str, str], folder: Path) -> None:
        self.name = name
        self.out_path = folder / f"{name}.{time.monotonic_ns()}.out"
        self.err_path = self.out_path.with_suffix(".err")
        with self.out_path.open("wb") as out, self.err_path.open("wb") as err:
            self._popen = subprocess.Popen(
                command,
                cwd=folder,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
                start_new_session=True,
                preexec_fn=_die_with_the_tests if sys.platform.startswith("linux") else None,
            )

    @property
    def pid(self) -> int:
        return self._popen.pid

    @property
    def exit_code(self) -> int | None:
        """None while it runs; negative: the signal that ended it."""
        return self._popen.poll()

    @property
    def out(self) -> str:
        return self.out_path.read_text(errors="replace")

    @property
    def err(self) -> str:
        return self.err_path.read_text(errors="replace")

    def send(self, number: int) -> None:
        """Send a signal, unless it has ended."""
        if self._popen.poll() is None:
            self._popen.send_signal(number)

    def wait(self, timeout_s: float = STOP_TIMEOUT_S) -> int:
        """Its exit code.

        Raises:
            AssertionError: it still runs after ``timeout_s``.
        """
        try:
            return self._popen.wait(timeout_s)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"{self.name} (pid {self.pid}) still runs after {timeout_s:g} s") from None

    def stop(self, number: int = signal.SIGTERM, timeout_s: float = STOP_TIMEOUT_S) -> int:
        """Ask it to stop, and wait until it has: its exit code."""
        self.send(number)
        return self.wait(timeout_s)

    def kill(self) -> None:
        """End it and whatever it started, for certain."""
        if self.group_lives():
            os.killpg(self.pid, signal.SIGKILL)
        self._popen.wait(STOP_TIMEOUT_S)

    def group_lives(self) -> bool:
        """Whether it, or a process that it started, still runs."""
        self._popen.poll()
        try:
            os.killpg(self.pid, 0)
        except ProcessLookupError:
            return False
        return True


class System:
    """One Parafovea of a test's own.

    Its processes run in ``folder``, so that no .env of the developer's is read; the model is the project's.

    Attributes:
        bus_folder, sessions: its folders, under the ``folder`` given.
        port, metrics_port: on 127.0.0.1.
        settings: ``PARAFOVEA_*`` variables that each process gets; change them before ``start``.
    """

    def __init__(self, folder: Path, **settings: str) -> None:
        self.folder = folder
        self.bus_folder = folder / "bus"
        self.sessions = folder / "sessions"
        self.temporary = folder / "tmp"
        self.temporary.mkdir()
        self.port = free_port()
        self.metrics_port = free_port()
        self.settings = {
            "PARAFOVEA_BUS": f"ipc://{self.bus_folder}",
            "PARAFOVEA_PORT": str(self.port),
            "PARAFOVEA_METRICS_PORT": str(self.metrics_port),
            "PARAFOVEA_SESSIONS_DIR": str(self.sessions),
            "PARAFOVEA_SECTOR_PROMPTS": str(REPOSITORY / "generation" / "sector_prompts.json"),
            **settings,
        }
        self.processes: list[Process] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def address(self) -> BusAddress:
        return BusAddress.parse(self.settings["PARAFOVEA_BUS"])

    def environment(self, **more: str) -> dict[str, str]:
        """What a process of this system gets to see."""
        return {
            "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)]),
            "HOME": str(self.folder),
            "TMPDIR": str(self.temporary),
            "LANG": "C.UTF-8",
            "PYTHONPATH": str(REPOSITORY),
            "PYTHONUNBUFFERED": "1",
            "HF_HUB_OFFLINE": "1",
            # Several torch processes on few cores wait for each other's spinning threads, many times slower.
            "OMP_NUM_THREADS": "1",
            **self.settings,
            **more,
        }

    def start(self, name: str, *, wait: bool = True, **environment: str) -> Process:
        """Run a service; with ``wait``, return once it answers. ``generator`` answers once its model is loaded.

        Raises:
            AssertionError: it exited, or did not answer in time.
        """
        return self.run(name, [sys.executable, "-m", f"services.{name}"], wait=wait, **environment)

    def run(self, name: str, command: Sequence[str], *, wait: bool = False, **environment: str) -> Process:
        """Run any command in this system's environment."""
        process = Process(name, command, self.environment(**environment), self.folder)
        self.processes.append(process)
        if wait:
            self.wait_ready(process)
        return process

    def wait_ready(self, process: Process, timeout_s: float = READY_TIMEOUT_S) -> None:
        """Wait until a service answers."""

        def ready() -> bool:
            if process.exit_code is not None:
                raise RuntimeError(f"{process.name} exited with {process.exit_code}:\n{process.err}")
            return self.is_ready(process.name, process)

        eventually(ready, timeout_s, f"{process.name} is ready")

    def is_ready(self, name: str, process: Process | None = None) -> bool:
        """Whether a service answers."""
        if name == "api":
            return http_status(f"{self.url}/health") in (200, 401)  # 401: it is up, and wants its token
        if name == "metrics":
            return http_status(f"http://127.0.0.1:{self.metrics_port}/metrics") == 200
        if name == "logger":
            return process is not None and "reads the bus" in process.err
        status = self.ask(CONTROLS.get(name, name), "status", timeout_s=0.5)
        return status is not None and status.get("state") not in ("loading", "stopping")

    def ask(
        self, channel: str, message_type: str, body: dict[str, Any] | None = None, timeout_s: float = 10.0
    ) -> dict[str, Any] | None:
        """The header of a reply, an ``error`` too; None where none came in time."""
        reply = ask(self.address, channel, message_type, body or {}, timeout_s=timeout_s)
        return reply[0] if reply else None

    def stop_all(self, number: int = signal.SIGTERM, timeout_s: float = STOP_TIMEOUT_S) -> dict[str, int]:
        """Signal all that run at once, as honcho does, and wait: exit codes by name."""
        running = [process for process in self.processes if process.exit_code is None]
        for process in running:
            process.send(number)
        return {process.name: process.wait(timeout_s) for process in running}

    def kill_all(self) -> None:
        """End everything, whatever state it is in."""
        for process in self.processes:
            process.kill()
        for stray in self.strays():
            with suppress(psutil.NoSuchProcess):
                stray.kill()

    def strays(self) -> list[psutil.Process]:
        """Every process on this system's bus, whoever started it: honcho gives each child a group of its own."""
        found = []
        for process in psutil.process_iter():
            with suppress(psutil.NoSuchProcess, psutil.AccessDenied):
                if process.environ().get("PARAFOVEA_BUS") == self.settings["PARAFOVEA_BUS"]:
                    found.append(process)
        return found

    def left_behind(self) -> list[str]:
        """Processes, socket files, locks and temporary files that outlived their process."""
        left = [f"process {process.name} ({process.pid})" for process in self.processes if process.group_lives()]
        left += [f"process {stray.pid}" for stray in self.strays() if stray.status() != psutil.STATUS_ZOMBIE]
        names = {channel.name for channel in CHANNELS}
        if self.bus_folder.is_dir():
            left += [str(path) for path in self.bus_folder.iterdir() if path.name in names or path.suffix == ".lock"]
        # torch makes a cache of this name when it is imported, one a user and used again: it is no leftover of ours.
        left += [str(path) for path in self.temporary.iterdir() if not path.name.startswith("torchinductor_")]
        left += [str(path) for path in self.sessions.rglob(".tmp-*")]
        left += [str(path) for path in self.sessions.rglob("*.lock")]
        return left

    def assert_nothing_left(self) -> None:
        """Fail on anything that outlived its process."""
        left = self.left_behind()
        assert not left, "left behind: " + ", ".join(left)

    def print_logs(self) -> None:
        """Show each process's log; pytest shows it when the test failed."""
        for process in self.processes:
            print(f"--- {process.name} (exit code {process.exit_code})")
            print(process.err[-20_000:])
            print(process.out[-4_000:])


def _die_with_the_tests() -> None:
    """Linux: the kernel kills this process when the tests are killed, so no run leaves strays on the machine."""
    pr_set_pdeathsig = 1
    ctypes.CDLL(None).prctl(pr_set_pdeathsig, signal.SIGKILL)
