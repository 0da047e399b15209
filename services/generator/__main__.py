"""``python -m services.generator``: the process that owns the model."""

from __future__ import annotations

import sys

from shared.process.privacy import sessions_group
from shared.process.runner import Runtime, run
from shared.system.disk import Disk
from shared.system.extras import need

SWITCH_S = 0.001
"""How long a thread that computes may keep the interpreter while others want it: by default 5 ms, which an answer would
wait for again and again beside a model."""


async def main(runtime: Runtime) -> None:
    """Run the generator with the model that the settings name."""
    need("generator", "it")
    sys.setswitchinterval(SWITCH_S)
    from services.generator.catalog import Catalog
    from services.generator.service import Generator

    await Generator(runtime, Catalog(runtime.settings), Disk(sessions_group(runtime.settings))).run()


if __name__ == "__main__":
    run("generator", main)
