"""Fetches a model and loads it, in a process of its own: ``python -m tests.support.fetching MODEL``; JSON goes out."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.support.processes import REPOSITORY


def fetch_and_load(model: str, environment: Mapping[str, str], folder: Path) -> dict[str, Any]:
    """``told``: of fetching, bytes that are here and bytes in all; ``model``: what a frame says of it."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.support.fetching", model],
        env={**environment, "PYTHONPATH": str(REPOSITORY)},
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    answer: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return answer


def main() -> None:
    from services.generator.load import load_engine
    from services.generator.models import sources
    from shared.process.settings import Settings

    told: list[tuple[int, int]] = []
    settings = Settings(model=sys.argv[1], device="cpu")
    sources.find(settings, on_bytes=lambda done, of: told.append((done, of)))
    engine = load_engine(settings)
    print(json.dumps({"told": told, "model": engine.info.model.model_dump()}))


if __name__ == "__main__":
    main()
