"""``python -m services.metrics``: what passes on the bus, as metrics for Prometheus."""

from __future__ import annotations

from services.metrics.service import run as run_metrics
from shared.process.runner import Runtime, run


async def main(runtime: Runtime) -> None:
    """Count what passes on the bus."""
    await run_metrics(runtime)


if __name__ == "__main__":
    run("metrics", main)
