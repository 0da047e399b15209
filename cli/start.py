"""``parafovea start``: every process of the Procfile in one terminal, as ``make run`` does in a checkout."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from typing import Annotated

import typer
from dotenv import dotenv_values

from shared.process.settings import ENV_FILE, load_settings
from shared.system.extras import need
from shared.system.places import PROCFILE


def start(
    processes: Annotated[
        list[str] | None, typer.Argument(help="Start only these: generator, recorder, replayer, gaze, api, metrics.")
    ] = None,
) -> None:
    """Start all processes, until Ctrl-C. Recordings go below the working folder, unless a setting says otherwise.

    The page is on http://localhost:8001/ then. When one process ends, the others are stopped.
    """
    from honcho.manager import Manager
    from honcho.printer import Printer

    load_settings()  # one sentence for a wrong setting, not one of each process
    commands = _commands()
    wanted = processes or list(commands)
    for name in wanted:
        if name not in commands:
            raise typer.BadParameter(f"there is no process {name!r}; there are {', '.join(commands)}")
    if "generator" in wanted:
        need("generator", "the generator")
    manager = Manager(Printer(sys.stdout))
    for name in wanted:
        manager.add_process(name, commands[name], env=_environment())
    manager.loop()
    raise typer.Exit(manager.returncode)


def _commands() -> dict[str, str]:
    """By process, its command, run by the Python that runs this: ``python`` itself may be another one, or none."""
    from honcho.environ import parse_procfile

    python = subprocess.list2cmdline([sys.executable]) if sys.platform == "win32" else shlex.quote(sys.executable)
    found = parse_procfile(PROCFILE.read_text(encoding="utf-8")).processes
    return {name: command.replace("python ", f"{python} ", 1) for name, command in found.items()}


def _environment() -> dict[str, str]:
    """What the processes see: ours, and what ``.env`` adds to it, such as a key for the model hub."""
    added = {name: value for name, value in dotenv_values(ENV_FILE).items() if value is not None}
    return {**added, **os.environ}
