"""The one place where an input's bytes become pixels, and with that the one meaning of "equal outside the target".

The rules, in order:

- Samples of 16 bits keep their high byte, for grey as for colour: a scale of 1/256, within one level of exact.
- Opacity is dropped and the colour samples kept as they are, of a transparent palette entry too. A composite over some
  background would change samples that the caller asked to keep; no background is right for all callers.
- CMYK goes through its embedded ICC profile to sRGB where it has one that works, else by the plain formula.
- Palette and grey become RGB.
- The EXIF orientation is applied (see :func:`shared.images.probe` for where it may stand).
- What says how the samples are shown is handed on for the output to carry, or the picture would change its colours as
  a whole: the profile, and of a PNG also gAMA, cHRM, sRGB, cICP, mDCV and cLLI. A grey picture's profile for grey is
  made into one for RGB. One that does not go with the samples, as one for grey beside colours, is kept in a PNG: what a
  program makes of it, it makes of both. Browsers pass it over in a JPEG or WebP, and there it is dropped.
- Of an animation, the first frame.
- Whatever else a PNG carries (text, previews, animation, bytes behind its end) is passed over unread.
"""

from __future__ import annotations

import io
import struct
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np
from PIL import Image, ImageCms, ImageFile, JpegImagePlugin, PngImagePlugin, WebPImagePlugin

from services.generator.engine import Pixels
from shared import png_chunks
from shared.errors import UnreadableImage
from shared.images import ImageFormat, ImageHeader, probe

MAX_ICC_BYTES = 255 * 65_519
"""The longest profile that a JPEG can hold (ICC.1:2022, B.4). A picture with a longer one is refused: without it, its
colours would change."""

# Opened by class, not through Image.open: that one loads every plugin, and guesses.
_OPENERS: dict[ImageFormat, Callable[[io.BytesIO], ImageFile.ImageFile]] = {
    "png": PngImagePlugin.PngImageFile,
    "jpeg": JpegImagePlugin.JpegImageFile,
    "webp": WebPImagePlugin.WebPImageFile,
}

_PNG_KIND_AT = 25
_PNG_GREY = (0, 4)
"""Where a PNG names its kind of samples, and the kinds that are grey, without and with opacity (11.2.1)."""

_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""How to turn a picture of an EXIF orientation upright (EXIF 2.32, 4.6.4, tag 0x0112)."""

# Of the profile for RGB that is made of one for grey.
_ICC_HEADER_BYTES = 128
_D50 = (63190, 65536, 54061)
_COLOURS = {b"rXYZ": (33759, 15807, -69), b"gXYZ": (19135, 45366, 2745), b"bXYZ": (10296, 4363, 51385)}
"""Display P3's, in 65536ths. They add up to D50 exactly, and are not sRGB's, for which browsers take all that is near:
either would put many pixels a level off."""
_CURVES = (b"rTRC", b"gTRC", b"bTRC")

# Pillow warns of a stranger's odd metadata; what matters is raised. Set once: catch_warnings is not thread-safe.
warnings.filterwarnings("ignore", module=r"PIL\.")


@dataclass(frozen=True, slots=True)
class DecodedImage:
    """An input as pixels.

    Attributes:
        pixels: height x width x 3, 8-bit RGB, upright, read-only.
        icc_profile: for the output to carry: the input's, or one for RGB made of it; None where it has none.
        colour: the input's PNG chunks that say the same without a profile, by name; for the output to carry.
    """

    pixels: Pixels
    icc_profile: bytes | None
    format: ImageFormat
    width: int
    height: int
    colour: Mapping[bytes, bytes] = field(default_factory=dict)


def decode(data: bytes) -> DecodedImage:
    """Decode a PNG, JPEG or WebP to upright 8-bit RGB.

    The size is checked on the header, so that a decompression bomb is never decoded.

    Raises:
        UnreadableImage: not such an image, damaged, cut off, or not of 64x64 to 4096x4096 pixels.
    """
    header = probe(data)
    try:
        colour = png_chunks.colour_chunks(data) if header.format == "png" else {}
        embedded = png_chunks.profile(colour.pop(b"iCCP", b""), MAX_ICC_BYTES)
        encoded = png_chunks.bare(data) if header.format == "png" else data
    except ValueError as error:
        raise UnreadableImage(f"The PNG cannot be used: {error}.") from None
    try:
        rgb, profile = _to_rgb(encoded, header, embedded)
    except MemoryError:
        raise
    except Exception as error:  # of damaged bytes Pillow raises nearly anything, a TypeError or an IndexError too
        raise UnreadableImage(
            f"The {header.format.upper()} is damaged or cut off ({_first_line(error)}); send the whole file again."
        ) from error
    if header.orientation in _UPRIGHT:
        rgb = rgb.transpose(_UPRIGHT[header.orientation])
    pixels = np.asarray(rgb)
    pixels.flags.writeable = False
    height, width = pixels.shape[:2]
    if profile is not None:
        colour.pop(b"sRGB", None)  # a PNG has one or the other (11.3.2.3)
    if header.orientation >= 5 and b"pHYs" in colour:
        colour[b"pHYs"] = png_chunks.turned(colour[b"pHYs"])
    return DecodedImage(pixels, profile, header.format, width, height, colour)


def _to_rgb(data: bytes, header: ImageHeader, embedded: bytes | None) -> tuple[Image.Image, bytes | None]:
    """Pixels as they are stored, in RGB, and the profile that describes them; of a PNG it is ``embedded``."""
    with _OPENERS[header.format](io.BytesIO(data)) as image:
        stored = (header.height, header.width) if header.orientation >= 5 else (header.width, header.height)
        if image.size != stored:
            raise ValueError("its header is contradictory")
        image.load()
        profile = _sound(embedded if header.format == "png" else image.info.get("icc_profile"))
        if image.mode == "CMYK":
            return _cmyk_to_rgb(image, profile), None
        is_png = header.format == "png"
        # Pillow has no name for grey with an opacity of 16 bits, and calls it colour; the PNG's own header knows.
        is_grey = data[_PNG_KIND_AT] in _PNG_GREY if is_png else image.mode == "L"
        carried = _beside_rgb(profile, is_png, is_grey)
        if image.mode.startswith("I"):
            return Image.fromarray((np.asarray(image) >> 8).astype(np.uint8)).convert("RGB"), carried
        image.info.pop("transparency", None)  # a colour or palette entry that a PNG names
        return image.convert("RGB"), carried


def _beside_rgb(profile: bytes | None, is_png: bool, is_grey: bool) -> bytes | None:
    """The profile under which the output looks as the input, which is not CMYK, does under ``profile``."""
    space = profile[16:20] if profile else b""
    if profile and is_grey and space == b"GRAY":
        return _rgb_profile(profile)
    return profile if is_png or space == b"RGB " else None


def _sound(profile: object) -> bytes | None:
    """An ICC profile whose header is sound (ICC.1:2022, 7.2: size, and 'acsp' at byte 36), or None."""
    if not isinstance(profile, bytes) or not 128 <= len(profile) <= MAX_ICC_BYTES or profile[36:40] != b"acsp":
        return None
    return profile


def _cmyk_to_rgb(image: Image.Image, profile: bytes | None) -> Image.Image:
    if not profile or profile[16:20] != b"CMYK":
        return image.convert("RGB")
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        converted = ImageCms.profileToProfile(image, source, ImageCms.createProfile("sRGB"), outputMode="RGB")
    except (ImageCms.PyCMSError, OSError):  # a profile that does not work is as good as none
        return image.convert("RGB")
    return converted if converted is not None else image.convert("RGB")


def _first_line(error: BaseException) -> str:
    lines = str(error).splitlines()
    return lines[0][:120] if lines else type(error).__name__


def _rgb_profile(profile: bytes) -> bytes | None:
    """The RGB profile under which equal samples look as the grey ones did under this one; None where it is damaged, or
    gives lightness in CIELAB.

    A profile for grey (ICC.1:2022, 8.3.4) says how light each level is; the RGB one gets that curve for all three
    channels (8.3.3), and colours, which do not matter: of equal samples they mix to white.
    """
    (size,) = struct.unpack_from(">I", profile)
    if profile[16:20] != b"GRAY" or profile[20:24] != b"XYZ " or size > len(profile):
        return None
    try:
        tags = _tags(profile)
    except struct.error:
        return None
    curve = tags.get(b"kTRC")
    if not curve or curve[:4] not in (b"curv", b"para"):
        return None
    named: dict[bytes, bytes] = {name: tags[name] for name in (b"desc", b"cprt") if name in tags}
    named |= {b"wtpt": _xyz(*_D50)} | {name: _xyz(*colour) for name, colour in _COLOURS.items()}
    return _assembled(profile[:_ICC_HEADER_BYTES], {**named, b"rTRC": curve})


def _tags(profile: bytes) -> dict[bytes, bytes]:
    (count,) = struct.unpack_from(">I", profile, _ICC_HEADER_BYTES)
    found = {}
    for number in range(min(count, 100)):
        name, start, length = struct.unpack_from(">4sII", profile, _ICC_HEADER_BYTES + 4 + 12 * number)
        if start + length <= len(profile):
            found[name] = profile[start : start + length]
    return found


def _xyz(*values: int) -> bytes:
    return b"XYZ \0\0\0\0" + struct.pack(">3i", *values)


def _assembled(header: bytes, tags: dict[bytes, bytes]) -> bytes:
    """A profile of these tags; all channels share the curve of ``rTRC``."""
    at = _ICC_HEADER_BYTES + 4 + 12 * (len(tags) + len(_CURVES) - 1)
    table, data = [], b""
    for name, body in tags.items():
        names = _CURVES if name == b"rTRC" else (name,)
        table += [struct.pack(">4sII", each, at + len(data), len(body)) for each in names]
        data += body + bytes(-len(body) % 4)
    head = bytearray(header)
    head[0:4] = struct.pack(">I", at + len(data))
    head[12:20] = b"mntrRGB "
    head[84:100] = bytes(16)  # the ID was the other profile's
    return bytes(head) + struct.pack(">I", len(table)) + b"".join(table) + data
