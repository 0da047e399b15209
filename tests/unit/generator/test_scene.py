import numpy as np
import pytest
from scipy import ndimage

from services.generator.decode import decode
from services.generator.engine import Pixels
from services.generator.painting import scene
from shared.sectors import Region
from tests.unit.generator.paths import EXAMPLES


def test_srgb_and_linear_light_are_each_others_inverse() -> None:
    values = np.linspace(0, 1, 256, dtype=np.float32)
    assert np.allclose(scene.to_srgb(scene.to_linear(values)), values, atol=1e-5)
    assert scene.to_linear(np.array([0.5]))[0] == pytest.approx(0.2140, abs=1e-4)


def test_sky_hangs_from_the_upper_border(photo: Pixels) -> None:
    sky = scene.sky_map(photo)
    assert scene.sky_share(sky, (0, 0, 210, 55), 210, 150) > 0.95
    assert scene.sky_share(sky, (0, 85, 210, 150), 210, 150) < 0.05
    assert not scene.sky_map(photo[::-1])[:60].any()


@pytest.mark.parametrize(
    ("name", "sky", "ground"),
    [
        ("meadow", (0.3, 0.0, 0.6, 0.08), (0.0, 0.7, 1.0, 1.0)),
        ("sunset", (0.6, 0.0, 1.0, 0.15), (0.0, 0.8, 1.0, 1.0)),
        ("mountains", (0.3, 0.0, 0.7, 0.08), (0.2, 0.7, 0.8, 1.0)),
    ],
)
def test_sky_of_photographs(name: str, sky: tuple[float, ...], ground: tuple[float, ...]) -> None:
    image = decode((EXAMPLES / f"{name}.jpg").read_bytes())
    found = scene.sky_map(image.pixels)
    scale = np.array([image.width, image.height] * 2)
    assert scene.sky_share(found, tuple(sky * scale), image.width, image.height) > 0.8
    assert scene.sky_share(found, tuple(ground * scale), image.width, image.height) < 0.1


def test_no_sky_in_a_forest() -> None:
    image = decode((EXAMPLES / "stream.jpg").read_bytes())
    assert scene.sky_map(image.pixels).mean() < 0.05


@pytest.mark.parametrize("sigma", [1.2, 2.0, 3.0])
def test_blur_is_measured(sigma: float) -> None:
    squares = (np.indices((200, 200)) // 40).sum(axis=0) % 2 * 180.0 + 30
    blurred = np.repeat(ndimage.gaussian_filter(squares, sigma)[:, :, None], 3, axis=2).astype(np.uint8)
    found = scene.blur_of(blurred, Region(0, 0, 200, 200))
    assert found == pytest.approx(sigma, rel=0.25)


def test_where_nothing_has_an_edge_blur_is_not_guessed() -> None:
    assert scene.blur_of(np.full((90, 90, 3), 120, np.uint8), Region(0, 0, 90, 90)) is None


def test_light_is_measured_where_it_falls() -> None:
    pixels = np.full((100, 200, 3), 60, np.uint8)
    pixels[:, 100:] = [220, 160, 90]
    dark, warm = scene.light_at(pixels, Region(0, 0, 100, 100)), scene.light_at(pixels, Region(100, 0, 200, 100))
    assert dark.level == pytest.approx(60 / 255, abs=0.01)
    assert warm.level > 0.6
    assert warm.cast[0] > dark.cast[0] > 1 > warm.cast[2]
    assert float(warm.cast @ scene.LUMA) == pytest.approx(1, abs=1e-3)
