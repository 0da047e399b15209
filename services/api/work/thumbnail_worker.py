"""``python -m services.api.work.thumbnail_worker``: one JSON line in, one out, until the input ends.

In: ``{"source": path, "target": path, "side": pixels}``. Out: ``{}``, or ``{"error": why}``.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from io import BytesIO
from pathlib import Path

from PIL import Image, ImageOps

from shared.png_chunks import PNG_SIGNATURE, bare
from shared.session.format.plain import read_plain

LIMIT_BYTES = 512 * 1024 * 1024
"""Of all thumbnails; when this process starts, the oldest beyond it are removed."""
MAX_PIXELS = 4096 * 4096
FORMATS = ("PNG", "JPEG", "WEBP")


def main() -> None:
    """Serve until the input ends: with the API."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl+C reaches the whole group; the API decides when to stop
    if hasattr(os, "nice"):
        os.nice(10)
    Image.MAX_IMAGE_PIXELS = MAX_PIXELS
    pruned = False
    for line in sys.stdin.buffer:
        asked = json.loads(line)
        target = Path(asked["target"])
        if not pruned:
            prune(target.parent.parent, LIMIT_BYTES)
            pruned = True
        try:
            make(Path(asked["source"]), target, int(asked["side"]))
            answer = {}
        except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
            answer = {"error": str(error) or type(error).__name__}
        sys.stdout.buffer.write(json.dumps(answer).encode() + b"\n")
        sys.stdout.buffer.flush()


def make(source: Path, target: Path, side: int) -> None:
    """Write the thumbnail of a picture, or raise OSError, ValueError, SyntaxError or DecompressionBombError."""
    data = read_plain(source.parent, source.name)
    if data.startswith(PNG_SIGNATURE):
        data = bare(data, b"eXIf")  # long compressed texts are not inflated
    with Image.open(BytesIO(data), formats=FORMATS) as picture:
        picture.draft("RGB", (side * 2, side * 2))
        upright = ImageOps.exif_transpose(picture)
        upright.thumbnail((side, side), Image.Resampling.LANCZOS, reducing_gap=2.0)
        small = upright.convert("RGB")
    temporary = target.with_name(f".{target.name}.{os.getpid()}")
    small.save(temporary, "WEBP", quality=82, method=2)
    temporary.replace(target)


def prune(folder: Path, limit_bytes: int) -> None:
    """Remove the oldest thumbnails until all are below the limit."""
    held = []
    for path in folder.glob("*/*"):
        try:
            status = path.stat()
        except OSError:  # removed by another such process
            continue
        held.append((status.st_mtime_ns, status.st_size, path))
    held.sort()
    total = sum(size for _, size, _ in held)
    for _, size, path in held:
        if total <= limit_bytes:
            break
        path.unlink(missing_ok=True)
        total -= size


if __name__ == "__main__":
    main()
