"""What the commands share: where a session lies, and how they say what is wrong."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, NoReturn

import typer
from rich.console import Console

from shared.process.settings import Settings
from shared.process.worker import FAILED

By = Literal["auto", "server", "here"]
"""Who makes the frames of a session again, for ``parafovea verify``."""


def session_folder(settings: Settings, session: str) -> Path:
    """The folder of a session that is named by its id, or by the path of its folder."""
    given = Path(session)
    if given.is_dir() and (len(given.parts) > 1 or given.is_absolute()):
        return given.resolve()
    return settings.sessions_dir / session


def fail(problem: str) -> NoReturn:
    """Say what is wrong and end.

    Raises:
        typer.Exit: always.
    """
    Console(stderr=True).print(problem, markup=False, highlight=False, soft_wrap=True)
    raise typer.Exit(FAILED)
