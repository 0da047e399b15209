"""``python -m services.metrics``: what passes on the bus, as metrics for Prometheus."""

from __future__ import annotations

from services.metrics import service
from shared.process.runner import run

if __name__ == "__main__":
    run("metrics", service.run)
