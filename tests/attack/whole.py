"""A whole session, the same in each run, for fuzzers that spoil one."""

from __future__ import annotations

import io
import tarfile
import tempfile
from pathlib import Path

from shared.session.writing.writer import SessionWriter
from shared.system.disk import Disk
from tests.support.frames import CREATED_AT, pending_frame, tiny_png

FRAMES = 3


def session_files(session_id: str) -> dict[str, bytes]:
    """Its files by name, ``metadata.json`` among them."""
    with tempfile.TemporaryDirectory(prefix="pf-") as folder:
        writer = SessionWriter.create(Disk(), Path(folder), session_id, CREATED_AT, {"subject": "07"})
        for number in range(FRAMES):
            writer.append([pending_frame(number, input=tiny_png({"input": number // 2}), session_id=session_id)])
        writer.close()
        root = Path(folder) / session_id
        return {str(path.relative_to(root)): path.read_bytes() for path in sorted(root.rglob("*")) if path.is_file()}


def tar_of(files: dict[str, bytes], root: str) -> bytes:
    """A tar of a session's folder, with the same bytes in each run."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for name, data in files.items():
            info = tarfile.TarInfo(f"{root}/{name}")
            info.size = len(data)
            info.mtime = 0
            tar.addfile(info, io.BytesIO(data))
    return out.getvalue()
