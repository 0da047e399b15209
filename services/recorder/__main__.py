"""``python -m services.recorder``: the process that writes sessions."""

from __future__ import annotations

from services.recorder.service import Recorder
from shared.process.privacy import sessions_group
from shared.process.runner import Runtime, run
from shared.system.disk import Disk


async def main(runtime: Runtime) -> None:
    """Run the recorder on the sessions folder that the settings name."""
    await Recorder(runtime, Disk(sessions_group(runtime.settings))).run()


if __name__ == "__main__":
    run("recorder", main)
