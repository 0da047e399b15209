"""What a process has in it once it is up: read from ``sys.modules`` in a process of its own."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from tests.support.processes import REPOSITORY

HEAVY = ("torch", "diffusers", "transformers", "numpy", "scipy", "skimage", "PIL")

SHOW = """
import importlib, json, pkgutil, sys
package = importlib.import_module(sys.argv[1])
for module in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
    if not module.name.endswith("_worker"):
        importlib.import_module(module.name)
print(json.dumps(sorted({name.split(".")[0] for name in sys.modules})))
"""


@pytest.mark.parametrize(
    "package",
    [f"services.{name}" for name in ("api", "recorder", "replayer", "gaze", "metrics", "logger")],
)
def test_a_small_process_stays_small(package: str) -> None:
    """All of its modules, those that are imported late too; but not a worker, which is a process of its own."""
    done = subprocess.run(
        [sys.executable, "-c", SHOW, package],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert not set(json.loads(done.stdout)) & set(HEAVY)


def test_the_command_starts_without_what_is_heavy() -> None:
    done = subprocess.run(
        [sys.executable, "-c", "import sys, cli.main; print(*sorted({m.split('.')[0] for m in sys.modules}))"],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert not set(done.stdout.split()) & set(HEAVY)
