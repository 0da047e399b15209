import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.generator.painting import placing
from services.generator.painting.placing import Pose, Wish
from shared import sectors
from shared.sectors import Region

GROUND = np.zeros((20, 30), bool)
REGION = Region(300, 300, 600, 600)
SEEDS = st.integers(0, 2**63 - 1)


def place(wish: Wish, seed: int = 1, region: Region = REGION, aspect: float = 1.0, **options: object) -> list[Pose]:
    return placing.place(seed, region, aspect, wish, options.pop("sky", GROUND), (900, 600), **options)  # type: ignore[arg-type]


@settings(max_examples=150, deadline=None)
@given(
    SEEDS,
    st.integers(64, 1000),
    st.integers(64, 1000),
    st.sampled_from(sectors.ALL_NAMES),
    st.floats(0.2, 5),
    st.sampled_from(["small", "medium", "large"]),
    st.sampled_from(["sky", "ground", "any"]),
    st.integers(1, 5),
)
def test_every_object_lies_within_its_sector(
    seed: int, width: int, height: int, name: str, aspect: float, size: str, where: str, count: int
) -> None:
    region = sectors.region(name, 3, width, height)
    poses = placing.place(seed, region, aspect, Wish(size, where, count), GROUND, (width, height))  # type: ignore[arg-type]
    assert len(poses) == count
    for pose in poses:
        left, top, right, bottom = pose.box
        assert region.left <= left < right <= region.right
        assert region.top <= top < bottom <= region.bottom
        assert pose.width / pose.height == pytest.approx(aspect, rel=0.01) or min(pose.width, pose.height) == 1


def test_the_draws_are_the_same_everywhere() -> None:
    pose = place(Wish(), seed=2**63 - 1)[0]
    assert place(Wish(), seed=2**63 - 1) == [pose]
    assert (round(pose.x, 3), round(pose.y, 3), round(pose.width, 3), pose.flip) == (458.197, 476.905, 157.737, False)


def test_seeds_differ_visibly() -> None:
    poses = [place(Wish(), seed)[0] for seed in range(40)]
    assert np.std([pose.x for pose in poses]) > 20
    assert np.std([pose.width for pose in poses]) > 5
    assert {pose.flip for pose in poses} == {True, False}


def test_size_words_count() -> None:
    small, medium, large = (
        np.mean([place(Wish(size), seed)[0].width for seed in range(20)])
        for size in ("small", "medium", "large")  # type: ignore[arg-type]
    )
    assert 1.4 * small < medium
    assert 1.3 * medium < large


@pytest.mark.parametrize("count", [2, 3, 5])
def test_several_objects_hardly_overlap(count: int) -> None:
    worst = []
    for seed in range(30):
        poses = place(Wish(count=count), seed)
        worst.append(max(placing.overlap(a, b) for i, a in enumerate(poses) for b in poses[:i]))
        assert [pose.box[3] for pose in poses] == sorted(pose.box[3] for pose in poses)
    assert np.mean(worst) < 0.1


def test_an_object_of_the_ground_stands_below_the_horizon_and_one_of_the_sky_flies() -> None:
    sky = np.zeros((20, 30), bool)
    sky[:14] = True  # down to 420 of 600: the sector from 300 to 600 has both
    for seed in range(30):
        standing, flying = place(Wish(place="ground"), seed, sky=sky)[0], place(Wish(place="sky"), seed, sky=sky)[0]
        assert standing.box[3] > 420
        assert standing.on_ground
        assert not flying.on_ground
    assert np.mean([place(Wish(place="sky"), seed, sky=sky)[0].y for seed in range(30)]) < 420
    assert not place(Wish(), sky=np.ones((20, 30), bool))[0].on_ground


def test_an_asked_colour_is_hardly_tinted() -> None:
    free = max(abs(place(Wish(), seed)[0].hue_deg) for seed in range(40))
    asked = max(abs(place(Wish(colour_asked=True), seed)[0].hue_deg) for seed in range(40))
    assert asked <= 3 < free <= 9
