"""What a picture carries beside its pixels: what says how it is shown goes into the frame, the rest is no obstacle."""

from __future__ import annotations

import io
import os
import random
import struct
import zlib

import numpy as np
import pytest
from PIL import Image, ImageCms, PngImagePlugin

from services.generator import png
from services.generator.decode import MAX_ICC_BYTES, DecodedImage, decode
from shared.errors import UnreadableImage
from shared.images import probe
from shared.png_chunks import chunk, chunks
from tests.support.odd_pictures import png as png_of
from tests.support.odd_pictures import samples
from tests.support.profiles import GAMMA_3, PRINTED, gray_profile, three_channel_profile
from tests.unit.generator.test_decode import PIXELS, RGB, SRGB, raw_png, save

GAMMA = struct.pack(">I", 100_000)
PRIMARIES = struct.pack(">8I", 31270, 32900, 64000, 33000, 30000, 60000, 15000, 6000)
SHOWN = {
    b"gAMA": GAMMA,
    b"cHRM": PRIMARIES,
    b"sRGB": b"\x01",
    b"cICP": bytes([9, 16, 0, 1]),
    b"mDCV": bytes(range(24)),
    b"mDCv": bytes(range(24)),
    b"cLLI": bytes(range(8)),
    b"cLLi": bytes(range(8)),
    b"pHYs": struct.pack(">IIB", 2000, 1000, 1),
}


def with_chunks(data: bytes, *more: tuple[bytes, bytes], before: bytes = b"IDAT") -> bytes:
    at = data.index(before) - 4
    return data[:at] + b"".join(chunk(name, body) for name, body in more) + data[at:]


def bodies(data: bytes) -> dict[bytes, bytes]:
    return {name: data[start:stop] for name, start, stop in chunks(data)}


def frame_of(decoded: DecodedImage) -> bytes:
    return png.encode(decoded.pixels, {"a": "b"}, decoded.icc_profile, decoded.colour)


@pytest.mark.parametrize("name", SHOWN)
@pytest.mark.parametrize("mode", ["RGB", "RGBA", "L"])
def test_what_says_how_samples_are_shown_is_in_the_frame(name: bytes, mode: str) -> None:
    data = with_chunks(save(RGB.convert(mode)), (name, SHOWN[name]))
    frame = frame_of(decode(data))
    assert bodies(frame)[name] == SHOWN[name]
    assert list(bodies(frame)).index(name) < list(bodies(frame)).index(b"IDAT")
    again = frame_of(decode(frame))
    assert bodies(again) == bodies(frame), "a frame as the next input carries it on"
    assert np.array_equal(np.asarray(Image.open(io.BytesIO(frame))), np.asarray(RGB.convert(mode).convert("RGB")))


def test_a_picture_without_it_gives_the_bytes_it_always_gave() -> None:
    square = struct.pack(">IIB", 3780, 3780, 1)
    plain = with_chunks(save(RGB), (b"pHYs", square), (b"bKGD", bytes(6)), (b"sBIT", b"\x05\x06\x05"))
    assert frame_of(decode(plain)) == png.encode(PIXELS, {"a": "b"})
    profiled = decode(save(RGB, icc_profile=SRGB))
    assert frame_of(profiled) == png.encode(PIXELS, {"a": "b"}, SRGB)


@pytest.mark.parametrize(
    ("name", "body"), [(b"gAMA", bytes(4)), (b"gAMA", b"\0\0\1"), (b"cHRM", bytes(31)), (b"cICP", bytes(5))]
)
def test_what_no_reader_would_heed_is_not_carried(name: bytes, body: bytes) -> None:
    assert name not in bodies(frame_of(decode(with_chunks(save(RGB), (name, body)))))


def test_chunks_that_are_damaged_or_too_late_or_a_second_one_are_not_carried() -> None:
    wrong = with_chunks(save(RGB), (b"gAMA", GAMMA)).replace(chunk(b"gAMA", GAMMA), chunk(b"gAMA", GAMMA)[:-1] + b"x")
    late = with_chunks(save(RGB), (b"gAMA", GAMMA), before=b"IEND")
    assert not decode(wrong).colour
    assert not decode(late).colour
    twice = with_chunks(save(RGB), (b"gAMA", GAMMA), (b"gAMA", struct.pack(">I", 45455)))
    assert decode(twice).colour == {b"gAMA": GAMMA}


def test_a_profile_and_srgb_do_not_stand_beside_each_other() -> None:
    both = with_chunks(save(RGB, icc_profile=SRGB), (b"sRGB", b"\0"), (b"gAMA", GAMMA))
    assert decode(both).icc_profile == SRGB
    assert decode(both).colour == {b"gAMA": GAMMA}
    unusable = with_chunks(save(RGB, icc_profile=b"none"), (b"sRGB", b"\0"))
    assert decode(unusable).icc_profile is None
    assert decode(unusable).colour == {b"sRGB": b"\0"}


def test_oblong_pixels_turn_with_the_picture() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    turned = decode(with_chunks(save(RGB, exif=exif.tobytes()), (b"pHYs", SHOWN[b"pHYs"])))
    assert (turned.width, turned.height) == (70, 100)
    assert turned.colour == {b"pHYs": struct.pack(">IIB", 1000, 2000, 1)}


# -- what else a sound file may carry ---------------------------------------------------------------------------------

WORKFLOW = zlib.compress(b'{"nodes": []}' * 500_000)
"""Six megabytes of JSON, as image tools write them."""
BOMB = zlib.compress(bytes(200_000_000), 9)


def ztxt(body: bytes) -> tuple[bytes, bytes]:
    return b"zTXt", b"workflow\0\0" + body


def itxt(body: bytes) -> tuple[bytes, bytes]:
    return b"iTXt", b"prompt\0\1\0\0\0" + body


@pytest.mark.parametrize("before", [b"IDAT", b"IEND"])
@pytest.mark.parametrize("text", [ztxt(WORKFLOW), itxt(WORKFLOW), ztxt(BOMB), itxt(BOMB), ztxt(b"damaged")])
def test_text_of_any_length_is_no_reason_to_refuse(text: tuple[bytes, bytes], before: bytes) -> None:
    data = with_chunks(save(RGB), text, text, before=before)
    assert np.array_equal(decode(data).pixels, PIXELS)
    assert probe(data).width == 100


def test_many_texts_together_and_large_plain_ones() -> None:
    data = with_chunks(save(RGB), *[ztxt(WORKFLOW)] * 20, *[(b"tEXt", b"key\0" + b"x" * 3_000_000)] * 3)
    assert np.array_equal(decode(data).pixels, PIXELS)
    assert np.array_equal(decode(with_chunks(save(RGB), *[(b"tEXt", b"k\0v")] * 30_000)).pixels, PIXELS)


def large_profile(size: int) -> bytes:
    head = bytearray(SRGB[:128])
    head[0:4] = size.to_bytes(4, "big")
    return bytes(head) + random.Random(1).randbytes(size - 128)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
@pytest.mark.parametrize("size", [70_000, 1_100_000, 3_000_000, 9_000_000])
def test_a_large_profile_is_carried(kind: str, size: int) -> None:
    profile = large_profile(size)
    decoded = decode(save(RGB, kind, icc_profile=profile))
    assert decoded.icc_profile == profile
    frame = frame_of(decoded)
    assert decode(frame).icc_profile == profile
    assert size <= probe(save(RGB, kind, icc_profile=profile)).profile_bytes < 1.01 * size


def test_a_profile_that_is_too_large_is_said_and_not_inflated() -> None:
    data = with_chunks(save(RGB), (b"iCCP", b"icc\0\0" + zlib.compress(large_profile(MAX_ICC_BYTES + 1))))
    with pytest.raises(UnreadableImage, match="colour profile has more than 16 MiB"):
        decode(data)
    with pytest.raises(UnreadableImage, match="colour profile"):
        decode(with_chunks(save(RGB), (b"iCCP", b"icc\0\0" + BOMB)))


def test_a_damaged_profile_chunk_is_passed_over() -> None:
    for body in (b"", b"icc", b"icc\0\0junk", b"icc\0\1" + zlib.compress(SRGB), b"icc\0\0" + zlib.compress(SRGB)[:-9]):
        assert decode(with_chunks(save(RGB), (b"iCCP", body))).icc_profile is None


def test_bytes_behind_the_end_and_damage_in_what_is_passed_over() -> None:
    assert np.array_equal(decode(save(RGB) + b"PK\3\4" + os.urandom(5000)).pixels, PIXELS)
    named = chunk(b"tIME", bytes(7))
    assert np.array_equal(
        decode(with_chunks(save(RGB), (b"tIME", bytes(7))).replace(named, named[:-1] + b"x")).pixels, PIXELS
    )


def test_of_an_animated_png_the_picture_that_plain_viewers_show() -> None:
    data = save(RGB, save_all=True, append_images=[RGB.rotate(180)], duration=100)
    assert b"acTL" in data
    assert np.array_equal(decode(data).pixels, PIXELS)


def test_more_chunks_than_any_picture_has_are_said() -> None:
    with pytest.raises(UnreadableImage, match="more than 100,000 chunks"):
        decode(with_chunks(save(RGB), *[(b"aaAa", b"")] * 110_000))


def test_a_png_cut_off_in_its_texts_or_pixels_is_said() -> None:
    data = with_chunks(save(RGB), ztxt(WORKFLOW))
    for cut in (data.index(b"zTXt") + 100, data.index(b"IDAT") + 300, len(data) - 200):
        with pytest.raises(UnreadableImage, match="damaged or cut off"):
            decode(data[:cut])


def test_jpeg_and_webp_with_megabytes_beside_their_pixels() -> None:
    exif = Image.Exif()
    exif[0x010E] = "x" * 60_000
    exif[0x0112] = 3
    jpeg = save(RGB, "JPEG", exif=exif.tobytes(), quality=95)
    extended = b"http://ns.adobe.com/xmp/extension/\0" + bytes(65_000)
    segment = b"\xff\xe1" + struct.pack(">H", len(extended) + 2) + extended
    large = jpeg[:2] + segment * 60 + jpeg[2:]
    assert np.array_equal(decode(large).pixels, decode(jpeg).pixels)
    assert probe(large).orientation == 3
    webp = save(RGB, "WEBP", lossless=True, xmp=b"<x>" + b" " * 5_000_000, exif=exif.tobytes())
    assert np.array_equal(decode(webp).pixels, PIXELS[::-1, ::-1])


@pytest.mark.parametrize("options", [{"progressive": True}, {"subsampling": 0}, {"restart_marker_blocks": 4}])
def test_every_usual_kind_of_jpeg(options: dict[str, object]) -> None:
    data = save(RGB, "JPEG", **options)
    assert np.array_equal(decode(data).pixels, np.asarray(Image.open(io.BytesIO(data))))


@pytest.mark.parametrize(("at", "value"), [(1, 0xC3), (1, 0xC7), (4, 12), (9, 2)])
def test_a_jpeg_of_a_kind_that_nothing_reads_is_not_called_damaged(at: int, value: int) -> None:
    data = bytearray(save(RGB, "JPEG"))
    frame = data.index(b"\xff\xc0")
    data[frame + at] = value
    with pytest.raises(UnreadableImage, match="This kind of JPEG"):
        decode(bytes(data))


def test_the_limits_of_pillow_are_as_they_were() -> None:
    assert PngImagePlugin.MAX_TEXT_CHUNK <= 1024 * 1024, "the limits stay: what is over them is not inflated"
    assert ImageCms.ImageCmsProfile(io.BytesIO(SRGB))


# -- grey --------------------------------------------------------------------------------------------------------------


GAMMA_1 = b"curv" + bytes(8)


@pytest.mark.parametrize("kind", ["PNG", "JPEG"])
@pytest.mark.parametrize("curve", [GAMMA_1, GAMMA_3, PRINTED])
def test_a_grey_picture_with_a_profile_is_as_light_as_it_was(kind: str, curve: bytes) -> None:
    profile = gray_profile(curve)
    gray = Image.fromarray(np.tile(np.arange(256, dtype=np.uint8), (70, 1)))
    decoded = decode(save(gray, kind, icc_profile=profile, **({"quality": 100} if kind == "JPEG" else {})))
    assert np.array_equal(decoded.pixels[:, :, 0], decoded.pixels[:, :, 2])
    assert decoded.icc_profile is not None
    srgb = ImageCms.createProfile("sRGB")
    shown = [
        np.asarray(ImageCms.profileToProfile(image, io.BytesIO(used), srgb, outputMode="RGB")).astype(int)
        for image, used in (
            (Image.fromarray(decoded.pixels[:, :, 0]), profile),
            (Image.fromarray(decoded.pixels), decoded.icc_profile),
        )
    ]
    apart = np.abs(shown[0] - shown[1])
    assert (apart.mean() < 0.5, apart.max() <= 10) == (True, True), "as exactly as 8 bits of a linear dark go"
    assert np.abs(shown[0] - decoded.pixels).max() > 15, "without its profile it would look otherwise"
    assert decode(frame_of(decoded)).icc_profile == decoded.icc_profile


@pytest.mark.parametrize(
    "profile",
    [
        gray_profile(b"none" + bytes(8)),
        gray_profile(GAMMA_3, b"Lab "),
        gray_profile(GAMMA_3)[:134],
        SRGB[:16] + b"GRAY" + SRGB[20:],
        (9999).to_bytes(4, "big") + gray_profile(GAMMA_3)[4:],
    ],
)
def test_a_grey_profile_that_is_not_understood_is_dropped(profile: bytes) -> None:
    assert decode(save(RGB.convert("L"), icc_profile=profile)).icc_profile is None


GRAY = gray_profile(GAMMA_3)


def profiled(data: bytes, profile: bytes) -> bytes:
    # Behind the palette it would be passed over.
    before = b"PLTE" if b"PLTE" in data else b"IDAT"
    return with_chunks(data, (b"gAMA", GAMMA), (b"iCCP", b"icc\0\0" + zlib.compress(profile)), before=before)


@pytest.mark.parametrize(
    "data",
    [
        *(png_of(samples(channels, dtype)) for channels in (1, 2) for dtype in (np.uint8, np.uint16)),
        *(raw_png(depth, 0, bytes((1 + (100 * depth + 7) // 8) * 70)) for depth in (1, 2, 4)),
    ],
)
def test_every_grey_of_a_png_has_its_profile_made_into_one_for_colours(data: bytes) -> None:
    made = decode(profiled(data, GRAY)).icc_profile
    assert made is not None
    assert made[16:20] == b"RGB "


def test_the_colours_of_a_profile_made_for_grey_mix_to_white_exactly() -> None:
    made = decode(profiled(save(RGB.convert("L")), GRAY)).icc_profile
    assert made is not None
    (count,) = struct.unpack_from(">I", made, 128)
    starts = dict(struct.unpack_from(">4sI", made, 132 + 12 * number) for number in range(count))
    red, green, blue, white = (
        struct.unpack_from(">3i", made, starts[name] + 8) for name in (b"rXYZ", b"gXYZ", b"bXYZ", b"wtpt")
    )
    assert tuple(np.add(np.add(red, green), blue)) == white


# -- a profile that does not go with the samples -----------------------------------------------------------------------

OTHERS = [three_channel_profile(GAMMA_3, space) for space in (b"CMYK", b"Lab ")]
GREYS = Image.fromarray(PIXELS[:, :, 0], "L").convert("P")


@pytest.mark.parametrize("profile", [GRAY, *OTHERS])
@pytest.mark.parametrize("image", [RGB, RGB.convert("RGBA"), RGB.quantize(32), GREYS])
def test_a_png_keeps_it_so_that_both_are_shown_alike(image: Image.Image, profile: bytes) -> None:
    decoded = decode(profiled(save(image), profile))
    assert decoded.icc_profile == profile
    assert decoded.colour == {b"gAMA": GAMMA}, "which browsers heed where there is no profile"
    assert decode(frame_of(decoded)).icc_profile == profile


@pytest.mark.parametrize("profile", [GRAY, *OTHERS])
@pytest.mark.parametrize("kind", ["JPEG", "WEBP"])
def test_beside_other_pictures_it_is_passed_over_and_dropped(kind: str, profile: bytes) -> None:
    assert decode(save(RGB, kind, icc_profile=profile)).icc_profile is None


@pytest.mark.parametrize("profile", [GRAY, SRGB, OTHERS[1]])
def test_cmyk_carries_none_as_its_samples_are_no_longer_what_one_is_about(profile: bytes) -> None:
    assert decode(save(RGB.convert("CMYK"), "JPEG", icc_profile=profile)).icc_profile is None


@pytest.mark.parametrize("kind", ["PNG", "JPEG"])
def test_a_grey_picture_keeps_a_profile_for_colours(kind: str) -> None:
    assert decode(save(RGB.convert("L"), kind, icc_profile=SRGB)).icc_profile == SRGB
