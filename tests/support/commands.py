"""Runs several commands of ``parafovea`` in one process, which imports the model's libraries once.

``python -m tests.support.commands``: command lines come as JSON on standard input, and what became of each goes
out as JSON.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.support.processes import REPOSITORY


@dataclass(frozen=True)
class Ended:
    """What a command printed, and how it ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


def run(
    commands: Sequence[Sequence[str]], environment: Mapping[str, str], folder: Path, timeout_s: float = 240
) -> list[Ended]:
    """Run the commands one after the other, in a process with this environment and working folder."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.support.commands"],
        input=json.dumps(commands),
        env={**environment, "PYTHONPATH": str(REPOSITORY)},
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=timeout_s,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return [Ended(**one) for one in json.loads(done.stdout.splitlines()[-1])]


def main() -> None:
    from typer.testing import CliRunner

    from cli.main import app

    ended = [CliRunner().invoke(app, command) for command in json.load(sys.stdin)]
    for one in ended:
        if one.exception is not None and not isinstance(one.exception, SystemExit):
            raise one.exception
    print(json.dumps([{"code": one.exit_code, "out": one.stdout, "err": one.stderr} for one in ended]))


if __name__ == "__main__":
    main()
