"""Writes the locks: what ``make run`` installs, what ``make venv`` installs besides, and torch; each file by its hash.

The pins are those of ``constraints.txt``; uv adds what other systems need besides, and the hash of every file of each
release. torch stands apart, with NVIDIA's libraries, which its CUDA build needs and its build for processors does not.
``requirements-dev.lock`` has only what ``requirements.lock`` has not: the two are installed one after the other, into
one environment.

Run it with ``make lock`` after a change of ``pyproject.toml`` or ``constraints.txt``; it needs PyPI and ``uv``.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).parents[1]
PYTHON = "3.11"
"""The oldest that the project runs on; newer ones are in the same lock."""

RUNNING = ("generator", "compare")
ALL = (*RUNNING, "models", "dev", "train")
"""Extras of ``pyproject.toml``."""

_TORCH = re.compile(r"(torch==|nvidia-|cuda-|triton==)")

CPU_BUILD = """torch==2.13.0+cpu \\
    --hash=sha256:6746dbcbeb526eb61330b76b41ff1b4eb848951103a892eeb080dfa2b264667b"""
"""Of https://download.pytorch.org/whl/cpu, for Python 3.11 on Linux, x86-64. Add the hashes of others that you install,
after comparing them with that page; without, PyPI's build is installed."""


def main() -> None:
    everything = _compile(ALL)
    # Held to what all of it agreed on: were the smaller set resolved by itself, a release could differ between the two.
    entries = _entries(_compile(RUNNING, everything))
    more = [entry for entry in _entries(everything) if entry not in entries]
    torch = next(entry for entry in entries if entry.startswith("torch=="))
    if not CPU_BUILD.startswith(torch.partition(" ")[0] + "+cpu"):
        sys.exit("torch has another version now; write its CPU build's hash into CPU_BUILD")
    _write("requirements.lock", [entry for entry in entries if not _TORCH.match(entry)])
    _write("requirements-dev.lock", more)
    _write("requirements-torch.lock", [entry for entry in entries if _TORCH.match(entry)])
    _write("requirements-torch-cpu.lock", [CPU_BUILD])


def _compile(extras: Sequence[str], within: str = "") -> str:
    """uv's text for these extras, of releases that another such text names."""
    command = ["uv", "pip", "compile", "--quiet", "--universal", "--python-version", PYTHON, "--generate-hashes"]
    command += ["--no-header", "--no-annotate", "--constraints", "constraints.txt"]
    command += [part for extra in extras for part in ("--extra", extra)]
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as file:
        # Without markers: a constraint is one on every system.
        file.writelines(f"{entry.split()[0]}\n" for entry in _entries(within))
        file.flush()
        command += ["--constraints", file.name, "pyproject.toml"]
        return subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True).stdout


def _entries(compiled: str) -> list[str]:
    """One text for each release: its pin, and its hashes in the lines behind it."""
    return [entry.rstrip() for entry in re.split(r"^(?=[A-Za-z0-9])", compiled, flags=re.MULTILINE) if entry.strip()]


def _write(name: str, entries: list[str]) -> None:
    head = "# Made by 'make lock' from pyproject.toml and constraints.txt; not to be edited.\n"
    (ROOT / name).write_text(head + "".join(f"{entry}\n" for entry in entries))


if __name__ == "__main__":
    main()
