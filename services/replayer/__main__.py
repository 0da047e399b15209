"""``python -m services.replayer``: the process that shows recorded sessions again."""

from __future__ import annotations

from services.replayer.service import Replayer
from shared.process.runner import Runtime, run


async def main(runtime: Runtime) -> None:
    """Run the replayer on the sessions that the settings name."""
    await Replayer(runtime).run()


if __name__ == "__main__":
    run("replayer", main)
