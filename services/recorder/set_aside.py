"""``<sessions>/.aside/``: frames that cannot be recorded, for a human to look at. Nothing here reads them again.

Of each there is a ``.json`` with the reason, the name and what was said of it, and a ``.png`` with the picture as it
came, where one came. Beside them lie journals that could not be read (``shared/session/writing/journal.py``).
"""

from __future__ import annotations

import hashlib
import logging
import time
from pathlib import Path

import orjson

from services.recorder.ledger.losses import LostFrame
from shared.session.format.layout import ASIDE
from shared.system.disk import Disk
from shared.system.rarely import Rarely

log = logging.getLogger(__name__)

MAX_FRAMES = 100
MAX_BYTES = 256 * 1024 * 1024
"""Of all that is kept. What is beyond is named in the log, and not kept: a human has enough to look at."""

_full = Rarely(log)


def keep(disk: Disk, root: Path, lost: LostFrame) -> None:
    """Keep what there is of a frame. Keeping it again changes nothing."""
    aside, ref = lost.aside, lost.ref
    assert aside is not None
    folder = root / ASIDE
    digest = hashlib.sha256(orjson.dumps([ref.session_id, ref.epoch, ref.record_seq])).hexdigest()
    path = folder / f"{ref.session_id}_{ref.record_seq}_{digest[:12]}.json"
    disk.make_folders(folder)
    sizes = {each.name: each.stat().st_size for each in folder.iterdir()}
    if path.name in sizes:
        return
    count = sum(name.endswith(".json") for name in sizes)
    if count >= MAX_FRAMES or sum(sizes.values()) + aside.bytes > MAX_BYTES:
        _full.warn("%s is full: what there is of frame %s is not kept; clear it out", folder, lost.frame_id)
        return
    if aside.png:
        disk.put(path.with_suffix(".png"), aside.png)
    said = {"reason": aside.reason, "time": time.time(), **ref.model_dump(), "frame_id": lost.frame_id}
    # The header stands as it was said, whatever JSON that is.
    disk.put(path, orjson.dumps(said)[:-1], b',"said":', aside.header, b"}\n")
