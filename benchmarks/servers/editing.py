"""What the other servers do with a request, in the few lines that Pillow needs: the same for both."""

from __future__ import annotations

import base64
import io
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from benchmarks.engines.predicting import drawn, marks_of, sleep
from shared.sectors import region

Asked = dict[str, Any]
"""The JSON of a ``/generate`` request."""


def decoded(asked: Asked) -> NDArray[np.uint8]:
    """The picture's pixels."""
    with Image.open(io.BytesIO(base64.b64decode(asked["image_base64"]))) as image:
        return np.asarray(image.convert("RGB"))


def predicted(pixels: NDArray[np.uint8], asked: Asked, sleep_s: float, slept: Path) -> NDArray[np.uint8]:
    """The picture with its sector changed, once the sleep is over."""
    sleep(sleep_s, slept)
    height, width = pixels.shape[:2]
    target = region(asked["target_sector"], 3, width, height)
    result = pixels.copy()
    result[target.slices] = drawn(pixels[target.slices], marks_of(asked["seed"]))
    return result


def encoded(pixels: NDArray[np.uint8], compress_level: int) -> bytes:
    """The PNG. ``compress_level``: zlib's; Pillow's default is 6."""
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "png", compress_level=compress_level)
    return file.getvalue()
