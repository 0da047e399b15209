"""On the one photograph of a person that a library ships with a licence that is plain: NASA's of Eileen Collins."""

from __future__ import annotations

import numpy as np
import pytest

from services.generator.engine import Pixels
from services.generator.natural.people import faces_in, is_part_of_person, skin_share
from services.generator.natural.raster import Mask
from tests.unit.generator.natural.scenes import sand

data = pytest.importorskip("skimage.data")


@pytest.fixture(scope="module")
def portrait() -> Pixels:
    return np.ascontiguousarray(data.astronaut())


def box(left: int, top: int, right: int, bottom: int, shape: tuple[int, int] = (512, 512)) -> Mask:
    mask = np.zeros(shape, bool)
    mask[top:bottom, left:right] = True
    return mask


def test_a_face_is_found_once_or_more_where_it_is(portrait: Pixels) -> None:
    faces = faces_in(portrait)
    assert faces
    assert any(190 < (face.left + face.right) / 2 < 260 and 60 < (face.top + face.bottom) / 2 < 160 for face in faces)


def test_there_is_no_face_in_sand() -> None:
    assert faces_in(sand()) == []


def test_a_head_or_a_collar_is_a_part_and_a_whole_figure_is_not(portrait: Pixels) -> None:
    faces = faces_in(portrait)
    assert is_part_of_person(portrait, box(170, 20, 280, 190), faces)
    assert is_part_of_person(portrait, box(150, 180, 330, 260), faces)
    assert not is_part_of_person(portrait, box(60, 10, 420, 505), faces)


def test_what_is_not_near_a_person_is_no_part(portrait: Pixels) -> None:
    assert not is_part_of_person(portrait, box(420, 20, 500, 200), faces_in(portrait))


def test_skin_has_its_colour(portrait: Pixels) -> None:
    assert skin_share(portrait, box(200, 90, 245, 140)) > 0.6
    blue = np.full((40, 40, 3), (40, 60, 200), np.uint8)
    assert skin_share(blue, np.ones((40, 40), bool)) == 0
    assert skin_share(blue, np.zeros((40, 40), bool)) == 0
