"""``python -m services.gaze``: the process that follows the gaze and runs trials."""

from __future__ import annotations

from services.gaze.service import Gaze
from shared.process.privacy import sessions_group
from shared.process.runner import Runtime, run
from shared.system.disk import Disk


async def main(runtime: Runtime) -> None:
    """Run the gaze process with the source that the settings name."""
    await Gaze(runtime, Disk(sessions_group(runtime.settings))).run()


if __name__ == "__main__":
    run("gaze", main)
