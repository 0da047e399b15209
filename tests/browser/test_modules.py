"""The page's own logic without a browser: trials, swaps, the pointer, playback, the virtual strip."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

HERE = Path(__file__).parent


@pytest.mark.node
def test_modules_without_a_dom() -> None:
    node = shutil.which("node")
    if node is None:
        pytest.skip("no Node here: the modules of the page are not tested by themselves")
    files = sorted(str(path) for path in (HERE / "unit").glob("*.test.js"))
    done = subprocess.run([node, "--test", *files], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "# pass 0" not in done.stdout
