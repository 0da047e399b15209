"""``python -m services.logger``: every message on the bus as a line of JSON on standard output."""

from __future__ import annotations

from services.logger import service
from shared.process.runner import run

if __name__ == "__main__":
    run("logger", service.run)
