"""The photograph that is measured with, as JPEG and PNG, and others that differ from it in a few pixels."""

from __future__ import annotations

import io
from collections.abc import Iterator
from functools import cache

from PIL import Image

from tests.support.processes import REPOSITORY

QUALITY = 92


@cache
def photograph(side: int) -> bytes:
    """A square JPEG of a real photograph."""
    return _encoded(_square(side), "jpeg")


@cache
def photograph_png(side: int) -> bytes:
    """The same photograph, as Pillow writes a PNG by default."""
    return _encoded(Image.open(io.BytesIO(photograph(side))), "png")


def always_new(side: int, encoding: str) -> Iterator[bytes]:
    """The photograph with a spot of another colour each time: no two alike, ``encoding`` is jpeg or png."""
    picture = _square(side)
    number = 0
    while True:
        number += 1
        spot = (number * 37 % 256, number * 91 % 256, 100)
        picture.paste(spot, (side // 2, side // 2, side // 2 + 16, side // 2 + 16))
        yield _encoded(picture, encoding)


def _square(side: int) -> Image.Image:
    with Image.open(REPOSITORY / "examples" / "meadow.jpg") as image:
        edge = min(image.size)
        return image.convert("RGB").crop((0, 0, edge, edge)).resize((side, side), Image.Resampling.LANCZOS)


def _encoded(picture: Image.Image, encoding: str) -> bytes:
    file = io.BytesIO()
    picture.save(file, encoding, **({"quality": QUALITY} if encoding == "jpeg" else {}))
    return file.getvalue()
