import contextlib
import io
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from shared.errors import UnreadableImage
from shared.images import ImageHeader, orientation, probe


def encoded(
    kind: str, size: tuple[int, int] = (100, 70), mode: str = "RGB", turned: int = 0, **options: object
) -> bytes:
    exif = Image.Exif()
    if turned:
        exif[0x0112] = turned
        options["exif"] = exif.tobytes()
    buffer = io.BytesIO()
    Image.new(mode, size).save(buffer, kind, **options)
    return buffer.getvalue()


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
@pytest.mark.parametrize("turned", range(9))
def test_the_size_is_the_one_seen(kind: str, turned: int) -> None:
    seen = (70, 100) if turned >= 5 else (100, 70)
    assert probe(encoded(kind, turned=turned)) == ImageHeader(kind.lower(), *seen, turned or 1)  # type: ignore[arg-type]


@pytest.mark.parametrize("mode", ["RGB", "RGBA"])
@pytest.mark.parametrize("options", [{}, {"lossless": True}, {"save_all": True}, {"icc_profile": b"x" * 200}])
def test_every_kind_of_webp(mode: str, options: dict[str, object]) -> None:
    assert probe(encoded("WEBP", (4095, 64), mode, **options)) == ImageHeader("webp", 4095, 64)


def test_progressive_jpeg() -> None:
    assert probe(encoded("JPEG", progressive=True)).width == 100


def test_exif_after_the_pixels_of_a_png_counts() -> None:
    data = encoded("PNG", turned=6)
    at = data.index(b"eXIf") - 4
    length = int.from_bytes(data[at : at + 4], "big") + 12
    end = data.index(b"IEND") - 4
    moved = data[:at] + data[at + length : end] + data[at : at + length] + data[end:]
    assert probe(moved) == ImageHeader("png", 70, 100, 6)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
@pytest.mark.parametrize("size", [(63, 64), (64, 63), (4097, 64), (64, 4097)])
def test_sizes_out_of_bounds_are_refused_with_the_bounds(kind: str, size: tuple[int, int]) -> None:
    with pytest.raises(UnreadableImage, match="send one of 64 x 64 to 4096 x 4096"):
        probe(encoded(kind, size))


@pytest.mark.parametrize("kind", ["GIF", "BMP", "TIFF", "PPM", "PDF"])
def test_other_formats_are_refused(kind: str) -> None:
    with pytest.raises(UnreadableImage, match="send a PNG, JPEG or WebP"):
        probe(encoded(kind))


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
@given(data=st.data())
def test_no_bytes_make_it_raise_anything_else(kind: str, data: st.DataObject) -> None:
    whole = encoded(kind, turned=3)
    cut = data.draw(st.integers(0, len(whole)))
    at = data.draw(st.integers(0, len(whole) - 1))
    damaged = bytearray(whole[:cut])
    if at < cut:
        damaged[at] = data.draw(st.integers(0, 255))
    with contextlib.suppress(UnreadableImage):
        probe(bytes(damaged))


@given(st.binary(max_size=200))
def test_a_damaged_exif_block_is_upright(block: bytes) -> None:
    assert 1 <= orientation(b"II*\0" + block) <= 8
    assert 1 <= orientation(block) <= 8


def test_it_imports_no_imaging_library() -> None:
    code = "import sys, shared.images; sys.exit(bool({'PIL', 'numpy', 'torch'} & sys.modules.keys()))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.timeout(1)
def test_a_file_of_nothing_but_chunks_is_not_walked_to_its_end() -> None:
    png, webp = encoded("PNG")[:33], encoded("WEBP", mode="RGBA", icc_profile=b"x")[:30]
    assert probe(png + b"\0\0\0\0aaaa\0\0\0\0" * 2_000_000).width == 100
    assert probe(webp + b"aaaa\0\0\0\0" * 2_000_000).width == 100
    with pytest.raises(UnreadableImage):
        probe(b"\xff\xd8" + b"\xff" * 20_000_000)
