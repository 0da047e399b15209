"""Which display counts, what degrees are worked out from, and which pictures are kept."""

from __future__ import annotations

from typing import Any

import pytest

from services.gaze.displays import MOST_DISPLAYS, SILENT_NS, Displays
from services.gaze.pictures import Pictures
from services.gaze.screens import screen_for
from shared.bus.requests.displays import ShowView
from shared.errors import InvalidRequest, NotFound
from shared.gaze.screen import ASSUMED_SCREEN, Screen

TOLD = Screen((2000, 1000), (0.5, 0.25), 0.7)


def shown(display: str, view: str = "default", **more: Any) -> ShowView:
    return ShowView(display=display, view=view, **more)


def counting(displays: Displays, view: str = "default") -> str | None:
    found = displays.counting(view)
    return found.name if found else None


def test_the_first_of_a_view_counts_until_it_goes() -> None:
    displays = Displays()
    assert counting(displays) is None
    for name in "abc":
        displays.show(shown(name), 0)
    displays.show(shown("a"), 0)
    assert counting(displays) == "a"
    displays.drop("a")
    displays.drop("nobody")
    assert counting(displays) == "b"
    displays.show(shown("a"), 0)
    assert (counting(displays), displays.names()) == ("b", ("b", "c", "a"))


def test_one_that_goes_to_another_view_comes_last_there() -> None:
    displays = Displays()
    displays.show(shown("a"), 0)
    displays.show(shown("b", "other"), 0)
    displays.show(shown("a", "other"), 0)
    assert (counting(displays), counting(displays, "other")) == (None, "b")


def test_one_of_which_nothing_is_heard_stands_in_nobodys_way() -> None:
    displays = Displays()
    for name in "abc":
        displays.show(shown(name), 0)
    displays.show(shown("alone", "other"), 0)
    displays.hear("b", SILENT_NS // 2)
    displays.hear("nobody", SILENT_NS // 2)
    assert not displays.drop_silent(SILENT_NS - 1)
    assert displays.drop_silent(SILENT_NS)
    assert displays.names() == ("b", "alone")
    assert not displays.drop_silent(2 * SILENT_NS)


def test_a_box_is_whole_or_none() -> None:
    displays = Displays()
    assert displays.show(shown("a", left=0.1, top=0.1, width=0.5), 0).box is None
    assert displays.show(shown("a", left=0.1, top=0.2, width=0.5, height=0.4), 0).box == (0.1, 0.2, 0.5, 0.4)


def test_displays_without_end_are_refused() -> None:
    displays = Displays()
    for n in range(MOST_DISPLAYS):
        displays.show(shown(str(n)), 0)
    displays.show(shown("0"), 0)
    with pytest.raises(InvalidRequest):
        displays.show(shown("one more"), 0)


@pytest.mark.parametrize(
    ("told", "more", "is_of_screen", "px", "m"),
    [
        (None, None, False, ASSUMED_SCREEN.px, ASSUMED_SCREEN.m),
        (None, {}, False, ASSUMED_SCREEN.px, ASSUMED_SCREEN.m),
        (None, {"page_px": (960, 480)}, False, (960, 480), (0.254, 0.127)),
        (None, {"page_px": (960, 480), "screen_px": (1920, 960)}, True, (1920, 960), (0.508, 0.254)),
        (TOLD, None, False, TOLD.px, TOLD.m),
        (TOLD, {"page_px": (1000, 1000), "screen_px": (2000, 1000)}, False, (1000, 1000), (0.25, 0.25)),
        (TOLD, {"page_px": (1000, 1000), "screen_px": (2000, 1000)}, True, TOLD.px, TOLD.m),
        (TOLD, {"page_px": (2000, 1000), "screen_px": (2000, 1000), "is_full_screen": True}, False, TOLD.px, TOLD.m),
    ],
)
def test_degrees_are_of_what_points_are_fractions_of(
    told: Screen | None, more: dict[str, Any] | None, is_of_screen: bool, px: tuple[int, int], m: tuple[float, float]
) -> None:
    found = screen_for(told, None if more is None else shown("d", **more), is_of_screen=is_of_screen)
    assert (found.px, found.is_assumed) == (px, told is None)
    assert found.m == pytest.approx(m)


def test_pictures_in_use_are_kept_and_of_the_others_the_last() -> None:
    in_use: set[str] = set()
    pictures = Pictures(lambda: in_use, limit_bytes=300)
    first = pictures.put("png", b"a" * 100)
    in_use.add(first)
    second, third, fourth = (pictures.put("png", letter * 100) for letter in (b"b", b"c", b"d"))
    assert pictures.bytes == 300
    assert pictures.get(first) == ("png", b"a" * 100)
    with pytest.raises(NotFound):
        pictures.get(second)
    pictures.put("png", b"c" * 100)
    pictures.put("png", b"e" * 100)
    assert pictures.get(third)
    with pytest.raises(NotFound):
        pictures.get(fourth)
