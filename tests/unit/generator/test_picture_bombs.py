"""Pictures that are bombs: refused by what they declare, or passed over, and never inflated."""

from __future__ import annotations

import io
import struct
import zlib
from pathlib import Path

import pytest
from PIL import Image

from services.api.work import thumbnail_worker
from services.generator.decode import MAX_ICC_BYTES, decode
from shared import png_chunks
from shared.errors import UnreadableImage
from shared.images import probe
from shared.png_chunks import PNG_SIGNATURE, chunk, read_text


def encoded(kind: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (80, 64), (10, 200, 30)).save(buffer, kind, **options)  # type: ignore[arg-type]
    return buffer.getvalue()


def bomb() -> bytes:
    """A stream that inflates to 100 MB."""
    deflate = zlib.compressobj(9)
    return b"".join(deflate.compress(bytes(1 << 20)) for _ in range(100)) + deflate.flush()


def png_with(*more: bytes) -> bytes:
    plain = encoded("PNG")
    return plain[:33] + b"".join(more) + plain[33:]


def png_of(width: int, height: int) -> bytes:
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return PNG_SIGNATURE + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(bytes(100))) + chunk(b"IEND", b"")


def jpeg_of(width: int, height: int) -> bytes:
    data = bytearray(encoded("JPEG"))
    at = data.index(b"\xff\xc0")
    data[at + 5 : at + 9] = struct.pack(">HH", height, width)
    return bytes(data)


def webp_of(width: int, height: int) -> bytes:
    body = b"VP8X" + struct.pack("<I", 10) + bytes(4) + (width - 1).to_bytes(3, "little")
    body += (height - 1).to_bytes(3, "little") + encoded("WEBP")[12:]
    return b"RIFF" + struct.pack("<I", 4 + len(body)) + b"WEBP" + body


@pytest.mark.parametrize("data", [png_of(100_000, 100_000), jpeg_of(65_000, 65_000), webp_of(1 << 20, 1 << 20)])
def test_a_size_that_is_declared_is_refused_and_nothing_decoded(data: bytes, tmp_path: Path) -> None:
    with pytest.raises(UnreadableImage, match="send one of 64 x 64"):
        probe(data)
    with pytest.raises(UnreadableImage, match="send one of 64 x 64"):
        decode(data)
    (tmp_path / "0000_BR.png").write_bytes(data)
    with pytest.raises((OSError, ValueError, SyntaxError, Image.DecompressionBombError)):
        thumbnail_worker.make(tmp_path / "0000_BR.png", tmp_path / "small.webp", 64)


def test_texts_that_blow_up_are_passed_over() -> None:
    text = chunk(b"zTXt", b"a\0\0" + bomb()) + chunk(b"iTXt", b"b\0\1\0\0\0" + bomb())
    assert decode(png_with(text)).pixels.shape == (64, 80, 3)
    assert read_text(png_with(text)) == {}


def test_a_profile_that_blows_up_is_refused() -> None:
    with pytest.raises(UnreadableImage, match="colour profile"):
        decode(png_with(chunk(b"iCCP", b"p\0\0" + bomb())))
    assert png_chunks.profile(b"p\0\0" + zlib.compress(bytes(1000)), MAX_ICC_BYTES) == bytes(1000)


def test_chunks_without_end_are_refused() -> None:
    few = chunk(b"prVt", b"") * 5000
    assert decode(png_with(few)).width == 80
    with pytest.raises(UnreadableImage, match="more than 100,000 chunks"):
        decode(png_with(few * (png_chunks.MAX_CHUNKS // 5000)))
    with pytest.raises(ValueError, match="more than 100000 chunks"):
        read_text(png_with(few * (png_chunks.MAX_CHUNKS // 5000)))


def test_text_without_end_is_not_held() -> None:
    one = chunk(b"iTXt", b"key%d\0\0\0\0\0" + bytes(png_chunks.MAX_TEXT_CHUNK_BYTES - 100))
    with pytest.raises(ValueError, match="bytes of text"):
        read_text(png_with(one * 5))


@pytest.mark.parametrize(("kind", "count"), [("PNG", 2000), ("WEBP", 500)])
def test_of_an_animation_only_the_first_picture_is_decoded(kind: str, count: int) -> None:
    others = [Image.new("RGB", (80, 64), (number % 256, 0, 0)) for number in range(count)]
    data = encoded(kind, save_all=True, append_images=others, lossless=True)
    assert decode(data).pixels[0, 0].tolist() == [10, 200, 30]


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
def test_exif_that_counts_more_than_it_holds_is_passed_over(kind: str) -> None:
    tiff = b"II*\0\x08\0\0\0\xff\xff" + struct.pack("<HHII", 0x0112, 3, 0xFFFFFFFF, 0xFFFFFFFF) * 3
    assert decode(encoded(kind, exif=b"Exif\0\0" + tiff)).width == 80
