"""``python -m services.generator``: the process that owns the model."""

from __future__ import annotations

from services.generator.engine import Engine
from services.generator.service import Generator
from shared.process.privacy import sessions_group
from shared.process.runner import Runtime, run
from shared.system.disk import Disk


async def main(runtime: Runtime) -> None:
    """Run the generator with the model that the settings name."""

    def load() -> Engine:
        from services.generator.load import load_engine  # imports torch: on the inference thread, not at start

        return load_engine(runtime.settings)

    await Generator(runtime, load, Disk(sessions_group(runtime.settings))).run()


if __name__ == "__main__":
    run("generator", main)
