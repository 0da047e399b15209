"""People in a picture: they are left alone, or taken whole; skin is not given another colour unless it is asked for.

Faces are found with the cascades that come with OpenCV (Viola and Jones 2001; Lienhart and Maydt 2002), skin by its
colour (Chai and Ngan 1999).
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

import cv2
import numpy as np

from services.generator.engine import Pixels
from services.generator.natural.raster import Mask
from shared.sectors import Region

Face = Region

_LOOKED_AT_PX = 480
"""Longer side of what faces are looked for in."""
_SKIN_SHARE = 0.30
_OF_BODY = 0.5
"""Of a thing: where more of it lies around a face, it belongs to that."""
_WHOLE_HEADS = 3.0
"""A person that is whole reaches so many heads below the top of the head, at least."""


def faces_in(pixels: Pixels) -> list[Face]:
    """Faces in a picture (height x width x 3)."""
    height, width = pixels.shape[:2]
    scale = min(1.0, _LOOKED_AT_PX / max(height, width))
    grey = cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY)
    small = cv2.resize(
        grey, (max(1, round(width * scale)), max(1, round(height * scale))), interpolation=cv2.INTER_AREA
    )
    small = cv2.equalizeHist(small)
    found: list[Face] = []
    for name in ("haarcascade_frontalface_alt2.xml", "haarcascade_profileface.xml"):
        for left, top, wide, tall in _cascade(name).detectMultiScale(small, 1.15, 5, minSize=(16, 16)):
            edges = (round(int(value) / scale) for value in (left, top, left + wide, top + tall))
            found.append(Face(*edges))
    return found


def is_part_of_person(pixels: Pixels, thing: Mask, faces: list[Face]) -> bool:
    """Whether a thing is a part of a person, and not a whole one.

    Args:
        pixels: height x width x 3.
        thing: height x width.
        faces: in the same pixels.
    """
    rows = np.nonzero(thing.any(axis=1))[0]
    if not len(rows):
        return False
    top, bottom = int(rows[0]), int(rows[-1]) + 1
    for found in faces:
        face = thing[found.slices]
        if face.size and face.mean() > 0.6:
            return bottom - top < _WHOLE_HEADS * found.height
        # The head and shoulders around a face belong to it.
        above, beside = max(found.top - found.height // 2, 0), max(found.left - found.width, 0)
        around = thing[above : found.bottom + 2 * found.height, beside : found.right + found.width]
        if around.sum() > _OF_BODY * thing.sum():
            return True
    return skin_share(pixels, thing) > _SKIN_SHARE


def skin_share(pixels: Pixels, thing: Mask) -> float:
    """How much of a thing has the colour of skin, 0 to 1."""
    if not thing.any():
        return 0.0
    return float(is_skin(pixels)[thing].mean())


def is_skin(pixels: Pixels) -> Mask:
    """Height x width: where the colour is one that skin has."""
    ycrcb = np.asarray(cv2.cvtColor(np.ascontiguousarray(pixels), cv2.COLOR_RGB2YCrCb))
    luma, red, blue = ycrcb[:, :, 0], ycrcb[:, :, 1], ycrcb[:, :, 2]
    skin: Mask = (luma > 60) & (red > 137) & (red < 173) & (blue > 85) & (blue < 125)
    return skin


@cache
def _cascade(name: str) -> cv2.CascadeClassifier:
    return cv2.CascadeClassifier(str(Path(cv2.__file__).parent / "data" / name))
