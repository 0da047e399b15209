"""Thumbnails: of any sound picture, wherever the server was started."""

from __future__ import annotations

import io
import zlib
from pathlib import Path

import pytest
from PIL import Image

from services.api.work.thumbnails import Thumbnailer
from shared.errors import FrameCorrupt
from shared.png_chunks import chunk


def picture(*more: bytes) -> bytes:
    """A PNG, 100 x 70, that is to be shown turned by a quarter; ``more`` stands before its pixels."""
    exif = Image.Exif()
    exif[0x0112] = 6
    file = io.BytesIO()
    Image.new("RGB", (100, 70), (200, 30, 40)).save(file, "PNG", exif=exif.tobytes())
    data = file.getvalue()
    at = data.index(b"IDAT") - 4
    return data[:at] + b"".join(more) + data[at:]


async def thumbnail(source: Path, folder: Path) -> Image.Image:
    thumbnailer = Thumbnailer(folder)
    try:
        data, _ = await thumbnailer.get(source)
    finally:
        await thumbnailer.close()
    return Image.open(io.BytesIO(data))


async def test_paths_are_those_of_the_servers_working_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "generation").mkdir()
    (tmp_path / "generation" / "0000_BR.png").write_bytes(picture())
    assert (await thumbnail(Path("generation/0000_BR.png"), Path("cache"))).size == (70, 100)
    assert list((tmp_path / "cache").rglob("*.webp"))


@pytest.mark.parametrize("text", [b'{"nodes": []}' * 500_000, bytes(200_000_000)])
async def test_a_picture_with_megabytes_of_compressed_text(tmp_path: Path, text: bytes) -> None:
    compressed = chunk(b"zTXt", b"workflow\0\0" + zlib.compress(text))
    (tmp_path / "a.png").write_bytes(picture(compressed, compressed))
    assert (await thumbnail(tmp_path / "a.png", tmp_path / "cache")).size == (70, 100)


async def test_a_picture_that_is_none_is_said(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(picture()[:80])
    with pytest.raises(FrameCorrupt, match=r"a\.png cannot be shown small"):
        await thumbnail(tmp_path / "a.png", tmp_path / "cache")
