"""The environment of the other servers: made once in the user's cache, from PyPI, each file by its hash.

Nothing of it touches the project's own environment.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

from platformdirs import user_cache_path

LOCK = Path(__file__).with_name("requirements.lock")


class NotInstalled(RuntimeError):
    """The other servers can't be installed here."""


def python() -> Path:
    """The interpreter of that environment. Raises NotInstalled: why there is none."""
    name = hashlib.sha256(LOCK.read_bytes() + sys.version.encode()).hexdigest()[:16]
    folder = user_cache_path("parafovea") / "benchmarks" / name
    interpreter = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    whole = folder / "whole"
    if not whole.exists():
        shutil.rmtree(folder, ignore_errors=True)
        print(f"installing FastAPI and LitServe into {folder} ...", file=sys.stderr)
        _run([sys.executable, "-m", "venv", str(folder)])
        _run(
            [
                *(str(interpreter), "-m", "pip", "--disable-pip-version-check", "install", "--quiet"),
                *("--require-hashes", "--only-binary", ":all:", "--no-deps", "-r", str(LOCK)),
            ]
        )
        whole.touch()
    return interpreter


def _run(command: list[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        said = (done.stderr or done.stdout).strip().splitlines()
        raise NotInstalled(said[-1] if said else f"{command[0]} ended with {done.returncode}")
