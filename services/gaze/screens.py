"""The screen that degrees are worked out from. Pure."""

from __future__ import annotations

from shared.bus.requests.displays import ShowView
from shared.gaze.screen import ASSUMED_SCREEN, Screen
from shared.gaze.trial.config import ScreenSize

CSS_PX_PER_M = 96 / 0.0254
"""A CSS pixel is meant to be a 96th of an inch; browsers do not know better."""
ASSUMED_DISTANCE_M = 0.6


def size_of(screen: Screen) -> ScreenSize:
    return ScreenSize(px=screen.px, m=screen.m, distance_m=screen.distance_m, is_assumed=screen.is_assumed)


def screen_for(told: Screen | None, shown: ShowView | None, *, is_of_screen: bool) -> Screen:
    """What samples are fractions of.

    Args:
        told: the screen as somebody has measured it; None: nobody has.
        shown: what the display that counts says of itself, if there is one.
        is_of_screen: whether samples are fractions of the screen, and not of the page.
    """
    page = None if shown is None or is_of_screen else shown.page_px
    if told is not None:
        whole = shown.screen_px if shown is not None else None
        if page is None or whole is None or (shown is not None and shown.is_full_screen):
            return told
        m = (told.m[0] * page[0] / whole[0], told.m[1] * page[1] / whole[1])
        return Screen(page, m, told.distance_m, told.is_assumed)
    if page is None and shown is not None:
        page = shown.screen_px or shown.page_px
    if page is None:
        return ASSUMED_SCREEN
    return Screen(page, (page[0] / CSS_PX_PER_M, page[1] / CSS_PX_PER_M), ASSUMED_DISTANCE_M, is_assumed=True)
