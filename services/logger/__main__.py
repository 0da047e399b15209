"""``python -m services.logger``: every message on the bus as a line of JSON on standard output."""

from __future__ import annotations

from services.logger.service import run as run_logger
from shared.process.runner import Runtime, run


async def main(runtime: Runtime) -> None:
    """Print what passes on the bus."""
    await run_logger(runtime)


if __name__ == "__main__":
    run("logger", main)
