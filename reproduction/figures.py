"""How far two pictures are apart, in figures.

PSNR: 10 log10(255^2 / mean squared error), in decibels. SSIM: Wang, Bovik, Sheikh, Simoncelli, "Image quality
assessment: from error visibility to structural similarity", IEEE Transactions on Image Processing 13(4), 2004, with the
paper's Gaussian window (11 x 11, sigma 1.5), averaged over pixels and channels.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

from services.generator.engine import Pixels
from shared.sectors import Region

_SIGMA = 1.5
_RADIUS = 5
"""Of the window: what lies further from every differing pixel has an SSIM of exactly 1."""
SMALLEST_PX = 2 * _RADIUS + 1
"""Width of the window: a smaller picture has no SSIM."""


@dataclass(frozen=True, slots=True)
class Figures:
    """The distance of two pictures of one size.

    Attributes:
        differing_pixels: pixels that differ in any channel.
        psnr_db: None where none differs: it would be infinite.
        ssim: 1 where none differs, up to -1.
    """

    differing_pixels: int
    psnr_db: float | None
    ssim: float

    @property
    def identical(self) -> bool:
        """Whether every pixel is the same."""
        return self.differing_pixels == 0


def to_json(found: Figures | None, prefix: str = "") -> dict[str, Any]:
    """Figures as keys and values of a JSON object; the same keys without values where there are none."""
    psnr_db = None if found is None or found.psnr_db is None else round(found.psnr_db, 3)
    return {
        f"{prefix}differing_pixels": found.differing_pixels if found else None,
        f"{prefix}psnr_db": psnr_db,
        f"{prefix}ssim": round(found.ssim, 6) if found else None,
    }


def figures(one: Pixels, other: Pixels) -> Figures:
    """Compare two pictures. Raises ValueError where they have different sizes, or a side of less than
    :data:`SMALLEST_PX`."""
    _check_sizes(one, other)
    differing = differing_pixels(one, other)
    count = int(np.count_nonzero(differing))
    if count == 0:
        return Figures(0, None, 1.0)
    psnr_db = float(peak_signal_noise_ratio(one, other, data_range=255))
    return Figures(count, psnr_db, _ssim(one, other, differing))


def differing_pixels(one: Pixels, other: Pixels) -> NDArray[np.bool_]:
    """Height x width: where any channel differs."""
    differing: NDArray[np.bool_] = (one != other).any(axis=2)
    return differing


def differing_outside(picture: Pixels, source: Pixels, region: Region) -> int:
    """Pixels outside ``region`` in which a picture differs from its input: 0 is the promise. Raises ValueError where
    they have different sizes."""
    if picture.shape != source.shape:
        raise ValueError(f"the picture has {size(picture)} pixels and its input {size(source)}")
    differing = differing_pixels(picture, source)
    differing[region.slices] = False
    return int(np.count_nonzero(differing))


def difference_map(one: Pixels, other: Pixels) -> Pixels:
    """Where and how much two pictures differ: black where they are equal, through red and yellow to white.

    The root of the largest difference of a channel is shown, so that a difference of one level can be seen. Raises
    ValueError where they have different sizes."""
    _check_sizes(one, other)
    apart = np.abs(one.astype(np.int16) - other).max(axis=2).astype(np.float32)
    heat = np.sqrt(apart / 255)[:, :, np.newaxis] * 3 - np.arange(3, dtype=np.float32)
    shown: Pixels = (np.clip(heat, 0, 1) * 255).astype(np.uint8)
    return shown


def _check_sizes(one: Pixels, other: Pixels) -> None:
    if one.shape != other.shape:
        raise ValueError(f"{size(one)} and {size(other)} pixels cannot be compared")


def _ssim(one: Pixels, other: Pixels, differing: NDArray[np.bool_]) -> float:
    """Mean SSIM, worked out only near what differs; the same figure as over the whole picture."""
    height, width = differing.shape
    if min(height, width) < SMALLEST_PX:
        raise ValueError(f"a picture of {width} x {height} pixels is smaller than the window of {SMALLEST_PX}")
    rows, columns = (np.flatnonzero(differing.any(axis=axis)) for axis in (1, 0))
    # As far again as the window reaches, so that windows at the border of the crop change no value that counts.
    top, bottom = _around(int(rows[0]), int(rows[-1]), height)
    left, right = _around(int(columns[0]), int(columns[-1]), width)
    _, similarity = structural_similarity(
        one[top:bottom, left:right],
        other[top:bottom, left:right],
        channel_axis=2,
        data_range=255,
        gaussian_weights=True,
        sigma=_SIGMA,
        use_sample_covariance=False,
        full=True,
    )
    whole = np.ones((height, width, 3))
    whole[top:bottom, left:right] = similarity
    # The picture's own border, where windows are incomplete, does not count (as in the authors' code).
    return float(whole[_RADIUS:-_RADIUS, _RADIUS:-_RADIUS].mean())


def _around(first: int, last: int, size: int) -> tuple[int, int]:
    start, stop = max(0, first - 2 * _RADIUS), min(size, last + 1 + 2 * _RADIUS)
    short = SMALLEST_PX - (stop - start)
    return (start, stop) if short <= 0 else (max(0, start - short), min(size, stop + short))


def size(picture: Pixels) -> str:
    """Width and height, as they are written."""
    return f"{picture.shape[1]} x {picture.shape[0]}"
