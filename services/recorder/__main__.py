"""``python -m services.recorder``: the process that writes sessions."""

from __future__ import annotations

from services.recorder.service import Recorder
from shared.disk import Disk
from shared.privacy import sessions_group
from shared.runner import Runtime, run


async def main(runtime: Runtime) -> None:
    """Run the recorder on the sessions folder that the settings name."""
    await Recorder(runtime, Disk(sessions_group(runtime.settings))).run()


if __name__ == "__main__":
    run("recorder", main)
