"""``python -m services.generator``: the process that owns the model."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.process.privacy import sessions_group
from shared.process.runner import Runtime, run
from shared.system.disk import Disk
from shared.system.extras import need

if TYPE_CHECKING:
    from services.generator.engine import Engine


async def main(runtime: Runtime) -> None:
    """Run the generator with the model that the settings name."""
    need("generator", "it")
    from services.generator.service import Generator

    def load() -> Engine:
        from services.generator.load import load_engine  # imports torch: on the inference thread, not at start

        return load_engine(runtime.settings)

    await Generator(runtime, load, Disk(sessions_group(runtime.settings))).run()


if __name__ == "__main__":
    run("generator", main)
