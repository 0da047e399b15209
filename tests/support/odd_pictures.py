"""Pictures that programs write and few think of: opacity in all its forms, 16 bits, interlaced rows, profiles."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from shared.png_chunks import PNG_SIGNATURE, chunk
from tests.support.profiles import GAMMA_3, PRINTED, SRGB, gray_profile, three_channel_profile

WIDTH, HEIGHT = 330, 231

_COLOUR = {1: 0, 2: 4, 3: 2, 4: 6}
_ADAM7 = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))


def samples(channels: int, dtype: type = np.uint8) -> NDArray[np.uint8 | np.uint16]:
    """Noise over a slope, of which every other sample means something else once it is multiplied by an opacity."""
    rng = np.random.default_rng(channels)
    top = np.iinfo(dtype).max
    made = rng.integers(0, top, (HEIGHT, WIDTH, channels), dtype, endpoint=True)
    if channels in (2, 4):
        made[: HEIGHT // 3, :, -1] = 0
        made[-(HEIGHT // 3) :, :, -1] = top
    return made


def png(made: NDArray[np.uint8 | np.uint16], *, interlaced: bool = False, extra: bytes = b"") -> bytes:
    """A PNG with all filters in turn, of samples of height x width x 1 to 4 channels and 8 or 16 bits."""
    height, width, channels = made.shape
    depth = made.dtype.itemsize * 8
    header = struct.pack(">IIBBBBB", width, height, depth, _COLOUR[channels], 0, 0, int(interlaced))
    passes = [made[y::dy, x::dx] for x, y, dx, dy in _ADAM7] if interlaced else [made]
    raw = b"".join(_filtered(part) for part in passes if part.size)
    return b"".join(
        [PNG_SIGNATURE, chunk(b"IHDR", header), extra, chunk(b"IDAT", zlib.compress(raw)), chunk(b"IEND", b"")]
    )


def _filtered(made: NDArray[np.uint8 | np.uint16]) -> bytes:
    step = made.shape[2] * made.dtype.itemsize
    rows = made.astype(made.dtype.newbyteorder(">")).reshape(len(made), -1).view(np.uint8).astype(int)
    written = []
    for number, row in enumerate(rows):
        above = rows[number - 1] if number else np.zeros_like(row)
        left = np.concatenate([np.zeros(step, int), row[:-step]])
        corner = np.concatenate([np.zeros(step, int), above[:-step]])
        predicted = [0 * row, left, above, (left + above) // 2, _paeth(left, above, corner)][number % 5]
        written.append(bytes([number % 5]) + ((row - predicted) % 256).astype(np.uint8).tobytes())
    return b"".join(written)


def _paeth(a: NDArray[np.int_], b: NDArray[np.int_], c: NDArray[np.int_]) -> NDArray[np.int_]:
    to_a, to_b, to_c = abs(b - c), abs(a - c), abs(a + b - 2 * c)
    return np.where((to_a <= to_b) & (to_a <= to_c), a, np.where(to_b <= to_c, b, c))


def _saved(image: Image.Image, kind: str, **options: object) -> bytes:
    held = io.BytesIO()
    image.save(held, kind, **options)  # type: ignore[arg-type]
    return held.getvalue()


def _iccp(profile: bytes) -> bytes:
    return chunk(b"iCCP", b"p\0\0" + zlib.compress(profile))


def odd_pictures() -> Iterator[tuple[str, bytes]]:
    """Each by a name that says what is odd about it."""
    for channels, name in ((1, "grey"), (2, "grey and opacity"), (3, "colour"), (4, "colour and opacity")):
        for dtype, bits in ((np.uint8, 8), (np.uint16, 16)):
            for interlaced in (False, True):
                how = f"{name}, {bits} bits{', interlaced' if interlaced else ''}"
                yield how, png(samples(channels, dtype), interlaced=interlaced)
    flat = samples(3) & 0xF0
    flat[:77] = flat[0, 0]
    key = struct.pack(">HHH", *(int(value) for value in flat[0, 0]))
    yield "a transparent colour", png(flat, extra=chunk(b"tRNS", key))
    grey_key = samples(1)
    yield "a transparent grey", png(grey_key, extra=chunk(b"tRNS", struct.pack(">H", int(grey_key[0, 0, 0]))))
    rgba = Image.fromarray(samples(4), "RGBA")
    palette = Image.fromarray(samples(3), "RGB").quantize(64)
    opacity = bytes(range(0, 256, 4))
    yield "a palette with opacity", _saved(palette, "PNG", transparency=opacity)
    yield "opacity and a profile", png(samples(4), extra=_iccp(SRGB))
    yield "opacity behind comments", png(samples(4), extra=chunk(b"tEXt", b"Comment\0x") + chunk(b"PLTE", bytes(48)))
    photograph = rgba.resize((33, 23)).resize((WIDTH, HEIGHT))
    yield "WebP with opacity", _saved(photograph, "WEBP", quality=80)
    yield "WebP without loss", _saved(rgba, "WEBP", lossless=True, exact=True)
    yield "WebP without loss and without hidden colours", _saved(rgba, "WEBP", lossless=True)
    yield "WebP without loss, with a profile", _saved(rgba, "WEBP", lossless=True, exact=True, icc_profile=SRGB)
    others = [Image.fromarray(255 - samples(4), "RGBA")]
    yield "WebP without opacity", _saved(Image.fromarray(samples(3)).convert("RGBA"), "WEBP", quality=70)
    yield "WebP that moves", _saved(rgba, "WEBP", save_all=True, append_images=others, lossless=True, exact=True)
    cmyk = Image.fromarray(samples(4), "CMYK").resize((33, 23)).resize((WIDTH, HEIGHT))
    yield "JPEG in CMYK", _saved(cmyk, "JPEG", quality=90)
    yield "JPEG in grey", _saved(cmyk.convert("L"), "JPEG", quality=90)
    yield from _with_profiles()
    yield "PNG that moves", _saved(rgba, "PNG", save_all=True, append_images=others)


def _with_profiles() -> Iterator[tuple[str, bytes]]:
    """Grey ones with a profile, under which they look otherwise; and others with one that is not for their samples."""
    for_grey = gray_profile(GAMMA_3)
    for dtype, bits in ((np.uint8, 8), (np.uint16, 16)):
        yield f"grey with a profile, {bits} bits", png(samples(1, dtype), extra=_iccp(for_grey))
        yield f"grey and opacity with a profile, {bits} bits", png(samples(2, dtype), extra=_iccp(for_grey))
    yield "grey with a profile for print", png(samples(1), extra=_iccp(gray_profile(PRINTED)))
    yield "grey with a profile for colours", png(samples(1), extra=_iccp(three_channel_profile(GAMMA_3)))
    yield "colour with a profile for grey", png(samples(3), extra=_iccp(for_grey))
    gamma = chunk(b"gAMA", struct.pack(">I", 33_333))
    yield "colour with a profile for grey, and a gamma", png(samples(3), extra=gamma + _iccp(for_grey))
    yield "colour and opacity with a profile for grey", png(samples(4), extra=_iccp(for_grey))
    yield "colour with a profile for Lab", png(samples(3), extra=_iccp(three_channel_profile(GAMMA_3, b"Lab ")))
    colours = Image.fromarray(samples(3), "RGB")
    yield "a palette with a profile for grey", _saved(colours.quantize(64), "PNG", icc_profile=for_grey)
    soft = colours.resize((33, 23)).resize((WIDTH, HEIGHT))
    yield "JPEG in grey, with a profile", _saved(soft.convert("L"), "JPEG", quality=90, icc_profile=for_grey)
    yield "JPEG with a profile for grey", _saved(soft, "JPEG", quality=90, icc_profile=for_grey)
    yield "WebP with a profile for grey", _saved(soft, "WEBP", quality=90, icc_profile=for_grey)
