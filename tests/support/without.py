"""Python as it is where some packages are not installed."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from tests.support.processes import REPOSITORY

_REFUSE = """
import sys

class NotThere:
    @staticmethod
    def find_spec(name, path=None, target=None):
        if name.partition(".")[0] in {names!r}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)
        return None

sys.meta_path.insert(0, NotThere)
"""


def python_path_without(modules: Iterable[str], folder: Path) -> str:
    """A ``PYTHONPATH`` with which these top-level modules can't be imported, in processes of processes too."""
    folder.mkdir()
    (folder / "sitecustomize.py").write_text(_REFUSE.format(names=set(modules)), encoding="utf-8")
    return os.pathsep.join([str(folder), str(REPOSITORY)])
