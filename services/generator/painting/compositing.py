"""Objects into a sector of a photograph, in its light and at its sharpness; all other pixels stay as they are."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from services.generator.engine import Floats, Pixels
from services.generator.painting import placing, scene
from services.generator.painting.cutout import Cutout
from services.generator.painting.paste import shadow_room
from services.generator.painting.placing import Pose, Wish
from services.generator.painting.rendering import Patch, render
from services.generator.painting.scene import LUMA, Light, to_linear, to_srgb
from shared.sectors import Region

_SURROUNDINGS = 0.75
"""How far around an object its light is measured, in parts of its size."""
_MIN_SURROUNDINGS_PX = 24

_MID_LEVEL = 0.46
_LEVEL_POWER = 0.4
_LEVEL_RANGE = (0.55, 1.12)
_CAST_POWER = 0.5
_CAST_RANGE = (0.8, 1.2)
_HAZE = 0.35
_MAX_HAZE = 0.08
_GROUND_SHADE = 0.16
"""How much darker a standing object is at its foot, which sees less of the sky."""

_SOFT_SHADOW, _CONTACT_SHADOW = 0.42, 0.55
"""Share of the light that the wide and the narrow part of a shadow take."""
_LEAST_OPACITY = 1 / 512

_LINEAR_OF_LEVEL = to_linear(np.arange(256, dtype=np.float32) / 255)


@dataclass(frozen=True, slots=True)
class Composite:
    """A picture with objects in it.

    Attributes:
        changed: height x width, where an object or its shadow lies; everywhere else ``pixels`` equals the input.
    """

    pixels: Pixels
    changed: NDArray[np.bool_]
    poses: list[Pose]


def compose(
    pixels: Pixels, region: Region, cutout: Cutout, wish: Wish, seed: int, rendered: dict[Pose, Patch] | None = None
) -> Composite:
    """Put an object, or several of it, into a sector. The same arguments give the same picture. Nothing outside
    ``region`` changes: only its slice is written.

    Args:
        rendered: this cutout as it was drawn before, by pose, to be used again; afterwards as it was drawn here.
    """
    height, width = pixels.shape[:2]
    sky = scene.sky_map(pixels)
    blur = _blur_to_match(pixels, region)
    poses = placing.place(
        seed, region, cutout.width / cutout.height, wish, sky, (width, height), margin_px=2 * (blur or 0.0)
    )
    inside = pixels[region.slices]
    canvas = _LINEAR_OF_LEVEL[inside]
    touched = np.zeros(inside.shape[:2], bool)
    room = shadow_room(region, width, height)
    drawn = {pose: (rendered or {}).get(pose) or render(cutout, pose) for pose in poses}
    if rendered is not None:
        rendered.clear()
        rendered.update(drawn)
    for pose in poses:
        patch = _matched(drawn[pose], pixels, pose, blur)
        if pose.on_ground:
            shade = _shadow(patch, region) * room
            shade[shade < 1 / 255] = 0
            canvas *= (1 - shade)[:, :, None]
            touched |= shade > 0
        there, here = _overlap(patch, region)
        alpha = patch.alpha[here]
        alpha = np.where(alpha < _LEAST_OPACITY, 0, alpha)
        canvas[there] += alpha[:, :, None] * (to_linear(patch.colour[here]) - canvas[there])
        touched[there] |= alpha > 0
    result = pixels.copy()
    laid = np.rint(to_srgb(canvas[touched]) * 255).astype(np.uint8)
    result[region.slices][touched] = laid
    changed = np.zeros((height, width), bool)
    changed[region.slices] = touched
    return Composite(result, changed, poses)


def _blur_to_match(pixels: Pixels, region: Region) -> float | None:
    """Blur of the sector's surroundings, or where they have no edges, of the picture's."""
    height, width = pixels.shape[:2]
    near = _grown((region.left, region.top, region.right, region.bottom), 0.25, width, height)
    found = scene.blur_of(pixels, near)
    return found if found is not None else scene.blur_of(pixels, Region(0, 0, width, height))


def _matched(patch: Patch, pixels: Pixels, pose: Pose, blur: float | None) -> Patch:
    """The object in the light of its place, and no sharper than the picture there."""
    height, width = pixels.shape[:2]
    light = scene.light_at(pixels, _grown(pose.box, _SURROUNDINGS, width, height))
    colour = lit(patch.colour, light)
    if pose.on_ground:
        shade = 1 - _GROUND_SHADE * np.linspace(0, 1, len(colour), dtype=np.float32) ** 2
        colour = colour * shade[:, None, None]
    matched = Patch(colour, patch.alpha, patch.left, patch.top)
    own = scene.blur_of_luma(colour @ LUMA, patch.alpha > 0.9)
    if blur is None:
        return matched
    missing = blur**2 - (own if own is not None else 0.5) ** 2
    return _blurred(matched, math.sqrt(missing)) if missing > 0.1 else matched


def lit(colour: Floats, light: Light) -> Floats:
    """``colour`` (sRGB, 0 to 1) in a place's exposure, cast and haze, each part of the way: it stays the object's."""
    low, high = _LEVEL_RANGE
    level = min(max((light.level / _MID_LEVEL) ** _LEVEL_POWER, low), high)
    cast = (light.cast**_CAST_POWER).clip(*_CAST_RANGE)
    exposed = to_srgb(to_linear(colour) * (level * cast / (cast @ LUMA)).astype(np.float32))
    haze = min(_HAZE * light.black, _MAX_HAZE)
    hazy: Floats = haze + (1 - haze) * exposed
    return hazy


def _blurred(patch: Patch, sigma: float) -> Patch:
    """Out of focus as a whole: colour weighted with opacity, so that the edge takes on no other colour."""
    pad = math.ceil(3 * sigma)
    alpha = np.pad(patch.alpha, pad)
    colour = np.pad(patch.colour, ((pad, pad), (pad, pad), (0, 0)), mode="edge")
    weighted = ndimage.gaussian_filter(colour * alpha[:, :, None], (sigma, sigma, 0))
    soft = ndimage.gaussian_filter(alpha, sigma)
    return Patch((weighted / np.maximum(soft, 1e-4)[:, :, None]).clip(0, 1), soft, patch.left - pad, patch.top - pad)


def _shadow(patch: Patch, region: Region) -> Floats:
    """Share of light taken on the ground around an object's foot; of the region's size. A wide soft part, the object's
    outline flattened to the ground, and a narrow dark one where it touches."""
    rows = np.nonzero((patch.alpha > 0.5).any(axis=1))[0]
    if len(rows) == 0:
        return np.zeros((region.height, region.width), np.float32)
    top, foot = int(rows[0]), int(rows[-1]) + 1
    tall, wide = foot - top, patch.alpha.shape[1]
    soft = _flattened(patch, region, slice(top, foot), 0.2 * tall, foot - 0.06 * tall, 0.05 * max(tall, wide))
    low = slice(max(top, foot - max(2, round(0.16 * tall))), foot)
    contact = _flattened(patch, region, low, 0.07 * tall, foot - 0.01 * tall, 0.014 * max(tall, wide))
    taken: Floats = 1 - (1 - _SOFT_SHADOW * soft) * (1 - _CONTACT_SHADOW * contact)
    return taken


def _flattened(patch: Patch, region: Region, rows: slice, thick: float, middle: float, sigma: float) -> Floats:
    """The outline of some rows of an object, pressed to an ellipse's profile ``thick`` pixels high, blurred."""
    outline = patch.alpha[rows].max(axis=0)
    y = np.arange(region.height, dtype=np.float32) + 0.5 - (patch.top + middle - region.top)
    profile = np.sqrt((1 - (y / max(thick / 2, 1.0)) ** 2).clip(0, None))
    across = np.zeros(region.width, np.float32)
    first, last = max(patch.left, region.left), min(patch.left + len(outline), region.right)
    if last <= first:
        return np.zeros((region.height, region.width), np.float32)
    across[first - region.left : last - region.left] = outline[first - patch.left : last - patch.left]
    sigma = max(sigma, 0.6)
    blurred: Floats = np.outer(
        ndimage.gaussian_filter1d(profile, sigma), ndimage.gaussian_filter1d(across, 1.5 * sigma)
    ).astype(np.float32)
    return blurred.clip(0, 1)


def _overlap(patch: Patch, region: Region) -> tuple[tuple[slice, slice], tuple[slice, slice]]:
    """Where patch and region meet: rows and columns of the region, and of the patch."""
    height, width = patch.alpha.shape
    left, right = max(patch.left, region.left), max(min(patch.left + width, region.right), region.left)
    top, bottom = max(patch.top, region.top), max(min(patch.top + height, region.bottom), region.top)
    there = slice(top - region.top, bottom - region.top), slice(left - region.left, right - region.left)
    here = slice(top - patch.top, bottom - patch.top), slice(left - patch.left, right - patch.left)
    return there, here


def _grown(box: tuple[float, float, float, float], share: float, width: int, height: int) -> Region:
    """A box grown by a share of its size on each side, within the picture."""
    across = max(share * (box[2] - box[0]), _MIN_SURROUNDINGS_PX)
    down = max(share * (box[3] - box[1]), _MIN_SURROUNDINGS_PX)
    return Region(
        max(0, math.floor(box[0] - across)),
        max(0, math.floor(box[1] - down)),
        min(width, math.ceil(box[2] + across)),
        min(height, math.ceil(box[3] + down)),
    )
