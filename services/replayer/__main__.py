"""``python -m services.replayer``: the process that shows recorded sessions again."""

from __future__ import annotations

from services.replayer.service import Replayer
from shared.process.runner import run

if __name__ == "__main__":
    run("replayer", lambda runtime: Replayer(runtime).run())
