"""Taking a session in, from its archive to a session of the recorder's."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from shared.bus.clients import RecorderClient
from shared.bus.requests.recorder import IMPORT, ImportSession
from shared.errors import RecorderUnavailable
from shared.process.privacy import sessions_group, take_umask
from shared.process.runner import calling
from shared.process.settings import Settings
from shared.refusals import request_of
from shared.session.format.layout import RECORDER_LOCK
from shared.session.transfer.importing import Imported, stage_archive
from shared.session.transfer.staging import adopt, staging
from shared.system.disk import Disk
from shared.system.holder import AlreadyHeld, Holder

ADOPT_TIMEOUT_S = 30.0


def take_in(settings: Settings, read: Callable[[int], bytes], session_id: str | None = None) -> Imported:
    """Prove an archive, and make it a session. Of one that is refused nothing stays.

    Args:
        read: gives up to so many of the archive's bytes, none at the end.
        session_id: the id it is to have; by default the one it has.

    Raises:
        ParafoveaError: what :func:`stage_archive` refuses; or the id cannot be had.
        RecorderUnavailable: a recorder holds the sessions folder, and does not answer.
        OSError: the disk refuses.
    """
    disk = Disk(sessions_group(settings))
    take_umask(settings)
    with staging(disk, settings.sessions_dir) as staged:
        imported = stage_archive(disk, staged, read, session_id=session_id)
        asyncio.run(_adopt(settings, disk, staged.name, imported.session_id))
    return imported


async def _adopt(settings: Settings, disk: Disk, token: str, session_id: str) -> None:
    """Have the recorder make it a session, which owns that folder; without one do it here."""
    async with calling(settings, RecorderClient) as recorder:
        try:
            wanted = request_of(ImportSession, staged=token, session_id=session_id)
            await recorder.ask(IMPORT, wanted, timeout_s=ADOPT_TIMEOUT_S)
            return
        except RecorderUnavailable as error:
            if recorder.met:  # there is one, so nobody else may do it
                raise RecorderUnavailable(f"{error.detail} Import again when it is well.") from None
    try:
        with Holder(settings.sessions_dir / RECORDER_LOCK, f"the sessions folder {settings.sessions_dir}"):
            adopt(disk, settings.sessions_dir, token, session_id)
    except AlreadyHeld:
        raise RecorderUnavailable(
            f"a recorder holds {settings.sessions_dir}, and none answers on the bus {settings.bus_address}; "
            "set PARAFOVEA_BUS to the one it is on"
        ) from None
