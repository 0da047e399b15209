from __future__ import annotations

import base64
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from services.generator import png
from services.generator.engine import Floats
from services.generator.models.files import ModelError
from services.generator.natural.finding import Finder, masked
from services.generator.natural.onnx import load as load_onnx
from services.generator.natural.student import load as load_student
from shared.errors import InvalidRequest
from shared.sectors import Region
from shared.system.places import MODELS
from tests.unit.generator.natural.scenes import BALL, SIDE, disc, redness, sand, with_ball

PICTURE = np.vstack([np.hstack([with_ball(sand()), sand(seed=4)]), np.hstack([sand(seed=5), sand(seed=6)])])
SECTOR = Region(0, 0, SIDE, SIDE)

GRAPH = (
    "CAgSADqAAQowCgF4EgFtIgpSZWR1Y2VNZWFuKgsKBGF4ZXNAAaABByoPCghrZWVwZGltcxgBoAECCg8KAW0SAXkiB1NpZ21vaWQSAWdaGwoBeBIW"
    "ChQIARIQCgIIAQoCCA%sKAgggCgIIIGIbCgF5EhYKFAgBEhAKAggBCgIIAQoCCCAKAgggQgQKABAN"
)
"""An ONNX graph: the sigmoid of the mean over the channels of one picture of 32 x 32."""
THREE, FOUR = "M", "Q"


class Red:
    """Finds what is red; ``asked`` counts the crops."""

    side = 64

    def __init__(self) -> None:
        self.asked = 0

    def masks(self, crops: NDArray[np.uint8]) -> Floats:
        self.asked += len(crops)
        return np.stack([redness(crop) for crop in crops]).astype(np.float32)


class Blind(Red):
    """Finds nothing."""

    def masks(self, crops: NDArray[np.uint8]) -> Floats:
        return np.zeros(crops.shape[:3], np.float32)


def test_a_thing_is_found_once_though_several_crops_show_it() -> None:
    (thing,) = Finder(Red).things(PICTURE, SECTOR)
    assert (thing.box.left + thing.box.right) / 2 == pytest.approx((BALL.left + BALL.right) / 2, abs=3)
    assert (thing.box.top + thing.box.bottom) / 2 == pytest.approx((BALL.top + BALL.bottom) / 2, abs=3)


def test_masks_cost_once_for_a_sector_and_picture() -> None:
    red = Red()
    finder = Finder(lambda: red)
    first = finder.things(PICTURE, SECTOR)
    asked = red.asked
    elsewhere = PICTURE.copy()
    elsewhere[SIDE:] = 0
    assert finder.things(elsewhere, SECTOR) == first  # what lies in other sectors is not looked at
    assert red.asked == asked
    assert finder.things(PICTURE, Region(SIDE, 0, 2 * SIDE, SIDE)) == ()
    assert red.asked > asked


@pytest.mark.parametrize("segmenter", [Red, Blind])
def test_a_box_is_enough(segmenter: type[Red]) -> None:
    box = Region(BALL.left - 5, BALL.top - 5, BALL.right + 5, BALL.bottom + 5)
    thing = Finder(segmenter).in_box(PICTURE, SECTOR, box)
    assert thing is not None
    there, truth = thing.on(SECTOR) > 0.5, disc() > 0.5
    assert (there & truth).sum() / (there | truth).sum() > 0.8


def test_a_mask_shows_the_thing_itself() -> None:
    drawn = png.encode(np.repeat((disc() * 255).astype(np.uint8)[:, :, None], 3, axis=2))
    thing = masked(base64.b64encode(drawn).decode(), SECTOR, (2 * SIDE, 2 * SIDE))
    assert thing is not None
    assert thing.confidence == 1
    assert np.array_equal(thing.on(SECTOR) > 0.5, disc() > 0.5)
    empty = png.encode(np.zeros((8, 8, 3), np.uint8))
    assert masked(base64.b64encode(empty).decode(), None, (2 * SIDE, 2 * SIDE)) is None
    with pytest.raises(InvalidRequest, match="no PNG"):
        masked(base64.b64encode(b"\x89PNG torn").decode(), None, (8, 8))


def test_the_embedded_network_finds_a_ball_on_sand_and_nothing_on_sand() -> None:
    finder = Finder(lambda: load_student(MODELS / "segmenter"))
    assert finder.things(sand(), SECTOR) == ()
    (thing,) = finder.things(with_ball(sand()), SECTOR)
    there, truth = thing.on(SECTOR) > 0.5, disc() > 0.5
    assert (there & truth).sum() / (there | truth).sum() > 0.7


def test_a_folder_without_a_network_is_told(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="is not there whole"):
        load_student(tmp_path)
    (tmp_path / "config.json").write_text('{"widths": [8, 16]}')
    (tmp_path / "weights.safetensors").write_bytes(b"none")
    with pytest.raises(ModelError, match="no segmenter"):
        load_student(tmp_path)


def test_a_large_network_that_cannot_be_had_is_told(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="there is no file"):
        load_onnx(tmp_path / "none.onnx")
    pytest.importorskip("onnxruntime")
    (tmp_path / "torn.onnx").write_bytes(b"none")
    with pytest.raises(ModelError, match="no network that can be read"):
        load_onnx(tmp_path / "torn.onnx")


def onnx_file(folder: Path, channels: str = THREE) -> Path:
    (folder / "mean.onnx").write_bytes(base64.b64decode(GRAPH % channels))
    return folder / "mean.onnx"


def test_a_large_network_is_given_pixels_as_isnet_wants_them(tmp_path: Path) -> None:
    pytest.importorskip("onnxruntime")
    network = load_onnx(onnx_file(tmp_path))
    assert network.side == 32
    crops = np.stack([np.full((32, 32, 3), value, np.uint8) for value in (0, 128, 255)])
    masks = network.masks(crops)
    assert masks.shape == (3, 32, 32)
    expected = 1 / (1 + np.exp(-(np.array([0, 128, 255]) - 128) / 256))
    assert masks.mean(axis=(1, 2)) == pytest.approx(expected, abs=1e-4)


def test_a_network_that_takes_something_else_is_told(tmp_path: Path) -> None:
    pytest.importorskip("onnxruntime")
    with pytest.raises(ModelError, match="does not take one picture"):
        load_onnx(onnx_file(tmp_path, FOUR))
