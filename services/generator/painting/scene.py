"""What a picture says of the light, the sharpness and the sky around a place in it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage

from services.generator.engine import Floats, Pixels
from shared.sectors import Region

LUMA = np.array([0.2126, 0.7152, 0.0722], np.float32)
"""Rec. 709 weights."""

_SKY_SIDE_PX = 160
_SKY_MAX_STEP = 7.0
"""Levels from one small pixel to the next; a ridge or a branch is steeper, a cloud is not."""
_SKY_MIN_SHARE = 0.03

_REBLUR_SIGMA_PX = 1.0
_EDGE_MIN_STEP = 0.03
_EDGES_NEEDED = 40
_MAX_BLUR_PX = 4.0
_SHARPNESS_SIDE_PX = 640

_MINKOWSKI_NORM = 6
_SCENE_DOWN_TO_PX = 256


@dataclass(frozen=True, slots=True)
class Light:
    """Light at a place.

    Attributes:
        level: mean luma of the surroundings, 0 to 1 in sRGB.
        black: luma of their darkest parts; above 0 in haze.
        cast: linear RGB gains of the illuminant, of luminance 1.
    """

    level: float
    black: float
    cast: Floats


def to_linear(srgb: Floats) -> Floats:
    """sRGB (0 to 1) to linear light (IEC 61966-2-1)."""
    linear: Floats = np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4).astype(np.float32)
    return linear


def to_srgb(linear: Floats) -> Floats:
    """Linear light (0 to 1) to sRGB (IEC 61966-2-1)."""
    clipped = linear.clip(0, 1)
    srgb: Floats = np.where(clipped <= 0.0031308, clipped * 12.92, 1.055 * clipped ** (1 / 2.4) - 0.055)
    return srgb.astype(np.float32)


def sky_map(pixels: Pixels) -> NDArray[np.bool_]:
    """Where the picture is sky: the smooth area that hangs from its upper border, on a small map of its aspect, at most
    160 cells long. A guess without a model: a plain wall counts as sky too, and rightly so here, since nothing stands
    on it either."""
    small = _shrunk(pixels, _SKY_SIDE_PX).astype(np.float32)
    steps = np.zeros(small.shape[:2], np.float32)
    for axis in (0, 1):
        difference = np.abs(np.diff(small, axis=axis)).max(axis=2)
        before, after = [(0, 0), (0, 0)], [(0, 0), (0, 0)]
        before[axis], after[axis] = (1, 0), (0, 1)
        steps = np.maximum(steps, np.maximum(np.pad(difference, before), np.pad(difference, after)))
    green = small[:, :, 1] > np.maximum(small[:, :, 0], small[:, :, 2]) + 8
    smooth = ndimage.binary_opening((steps < _SKY_MAX_STEP) & ~green, iterations=1)
    parts, _ = ndimage.label(smooth)
    hanging = np.unique(parts[:2])
    sky = np.isin(parts, hanging[hanging > 0])
    # Thin clouds and wires leave holes; what is closed in by sky is sky.
    sky = ndimage.binary_fill_holes(ndimage.binary_closing(np.pad(sky, 4, mode="edge"), iterations=3))[4:-4, 4:-4]
    filled: NDArray[np.bool_] = sky if sky.mean() >= _SKY_MIN_SHARE else np.zeros_like(sky)
    return filled


def sky_share(sky: NDArray[np.bool_], box: tuple[float, float, float, float], width: int, height: int) -> float:
    """How much of a box (left, top, right, bottom, in the picture's pixels) is sky, 0 to 1."""
    rows, columns = sky.shape
    left, right = (min(max(int(x * columns / width), 0), columns - 1) for x in (box[0], box[2]))
    top, bottom = (min(max(int(y * rows / height), 0), rows - 1) for y in (box[1], box[3]))
    return float(sky[top : bottom + 1, left : right + 1].mean())


def light_at(pixels: Pixels, around: Region) -> Light:
    """The light in a part of the picture.

    The illuminant's colour is estimated as a Minkowski norm of order 6 (G. Finlayson, E. Trezzi, "Shades of gray and
    colour constancy", CIC 2004), half from the part and half from the whole, so that a lawn does not dye an apple.
    """
    local = _shrunk(pixels[around.slices], _SCENE_DOWN_TO_PX)
    local_srgb = local.astype(np.float32) / 255
    luma = local_srgb @ LUMA
    whole = to_linear(_shrunk(pixels, _SCENE_DOWN_TO_PX).astype(np.float32) / 255)
    cast = np.sqrt(_illuminant(to_linear(local_srgb)) * _illuminant(whole))
    return Light(
        level=float(luma.mean()),
        black=float(np.percentile(luma, 2)),
        cast=(cast / (cast @ LUMA)).astype(np.float32),
    )


def blur_of(pixels: Pixels, around: Region) -> float | None:
    """How blurred a part of the picture is: the standard deviation, in pixels, of a Gaussian that would do it.

    From the ratio of gradients before and after a known blur, at edges (S. Zhuo, T. Sim, "Defocus map estimation from a
    single image", Pattern Recognition 44, 2011): ``sigma = sigma_0 / sqrt(R^2 - 1)``. Grain raises the ratio, so a
    grainy picture counts as sharp. Below one pixel it reads up to 0.3 too much, of objects as of pictures, which are
    only compared. None where there are too few edges to tell.
    """
    middle_x, middle_y = (around.left + around.right) // 2, (around.top + around.bottom) // 2
    half = _SHARPNESS_SIDE_PX // 2
    rows = slice(max(around.top, middle_y - half), min(around.bottom, middle_y + half))
    columns = slice(max(around.left, middle_x - half), min(around.right, middle_x + half))
    return blur_of_luma((pixels[rows, columns].astype(np.float32) / 255) @ LUMA)


def blur_of_luma(luma: Floats, weights: NDArray[np.bool_] | None = None) -> float | None:
    """As :func:`blur_of`, of luma from 0 to 1; ``weights`` says which pixels may count."""
    gradient = _gradient(luma)
    reblurred = _gradient(ndimage.gaussian_filter(luma, _REBLUR_SIGMA_PX))
    counted = gradient > max(_EDGE_MIN_STEP, float(np.percentile(gradient, 90)))
    if weights is not None:
        counted &= weights
    if counted.sum() < _EDGES_NEEDED:
        return None
    ratio = gradient[counted] / np.maximum(reblurred[counted], 1e-6)
    sigma = _REBLUR_SIGMA_PX / np.sqrt(np.maximum(ratio**2 - 1, 1e-3))
    return float(min(np.median(sigma), _MAX_BLUR_PX))


def _illuminant(linear: Floats) -> Floats:
    norm = (linear.reshape(-1, 3).astype(np.float64) ** _MINKOWSKI_NORM).mean(axis=0) ** (1 / _MINKOWSKI_NORM)
    norm = np.maximum(norm, 1e-3)
    illuminant: Floats = (norm / (norm @ LUMA)).astype(np.float32)
    return illuminant


def _gradient(luma: Floats) -> Floats:
    down, across = np.gradient(luma)
    length: Floats = np.hypot(down, across)
    return length


def _shrunk(pixels: Pixels, side_px: int) -> Pixels:
    height, width = pixels.shape[:2]
    scale = min(1.0, side_px / max(width, height))
    size = max(4, round(width * scale)), max(4, round(height * scale))
    return np.asarray(Image.fromarray(np.ascontiguousarray(pixels)).resize(size, Image.Resampling.BOX))
