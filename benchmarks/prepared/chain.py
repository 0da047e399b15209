"""One random chain of changes, and how its frames are compared."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import random
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms

from benchmarks.engines.repainting import box_of
from benchmarks.prepared.ahead import Ahead
from benchmarks.timed import Answer, Server
from shared import sectors
from shared.png_chunks import bare, colour_chunks, read_text
from shared.session.format.metadata import PNG_KEYWORD

OF_A_MOMENT = frozenset(
    {
        *("frame_id", "epoch", "seq", "session_id", "session_created_at", "record_seq", "request_id", "client_id"),
        *("timestamp", "queued_ms", "generation_ms"),
    }
)
"""Fields of a frame that may differ: which one it is, for whom, and when."""
SIDES = (64, 160)
STEPS = (2, 5)
BACK, ANOTHER = 0.15, 0.2
"""How often the view goes back to the picture before, and to one that somebody has painted in."""


@dataclass(slots=True)
class Tally:
    """What came of all chains: ``settled`` changes were looked at, ``stale`` ones among them."""

    committed: int = 0
    settled: int = 0
    stale: int = 0
    differences: list[str] = field(default_factory=list)
    wrongly: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Change:
    """One that is prepared.

    Attributes:
        given: the pixels that it was asked for.
        was_left: whether the view has shown others in its box since.
    """

    prepared_id: str
    recipe: dict[str, Any]
    given: NDArray[np.uint8]
    was_left: bool = False


class Chain:
    """What a client does with one view, drawn from ``draws``."""

    def __init__(self, kind: str, prepares: Server, generates: Server, draws: random.Random, tally: Tally) -> None:
        self._kind = kind
        self._prepares, self._generates = prepares, generates
        self._draws = draws
        self._tally = tally
        self._grid: int = draws.choice((2, 3))
        self._picture = _random_picture(draws)
        self._before = self._picture
        self._changes: list[Change] = []

    def run(self, view: str) -> None:
        """All of its steps."""
        self._view, self._ahead = view, Ahead(self._prepares, view)
        for _ in range(self._draws.randint(*STEPS)):
            self._prepare()
            self._settle()
            self._commit()
            drawn = self._draws.random()
            if drawn < BACK:
                self._show(self._before)
            elif drawn < BACK + ANOTHER:
                self._show(_painted_in(self._picture, self._draws))
        for change in self._changes:
            self._prepares.ask("DELETE", f"/prepared/{change.prepared_id}")

    def _prepare(self) -> None:
        targets = self._draws.sample(sectors.names(self._grid), self._draws.randint(1, 3))
        recipe = {
            "grid_size": self._grid,
            "prompt": self._draws.choice(("a bee", "a red mushroom", "ein blaues Auge \u2603")),
            "seed": self._draws.randrange(2**40),
            "focus_x": round(self._draws.random(), 3),
            "focus_y": round(self._draws.random(), 3),
        }
        ids = self._ahead.prepare(self._picture, targets, **recipe)
        given = _pixels(self._picture)
        self._changes += [Change(each, {**recipe, "target_sector": target}, given) for target, each in ids.items()]

    def _settle(self) -> None:
        """Wait for each, and see whether it is stale where the picture is another now, and only where it has been."""
        pixels, kept = _pixels(self._picture), []
        for change in self._changes:
            state = self._ahead.settled(change.prepared_id).state
            self._tally.settled += 1
            self._tally.stale += state == "stale"
            # One whose picture has gone and come back may be either: nobody may have looked meanwhile.
            right = {"stale"} if change.was_left else {"ready"}
            if change.was_left and not self._reads_another(change, pixels):
                right = {"stale", "ready"}
            if state not in right:
                self._tally.wrongly.append(f"{self._view}: {change.recipe} is {state}")
            if state == "ready":
                kept.append(change)
        self._changes = kept

    def _commit(self) -> None:
        if not self._changes:
            return
        change = self._changes.pop(self._draws.randrange(len(self._changes)))
        sector = self._ahead.standing(change.prepared_id).answer
        query = {"on": hashlib.sha256(self._picture).hexdigest()} if self._draws.random() < 0.5 else {}
        frame = self._ahead.commit(change.prepared_id, **query)
        image = {"image_base64": base64.b64encode(self._picture).decode()}
        same = self._generates.ask("POST", "/generate", json.dumps({**image, **change.recipe}).encode())
        self._tally.committed += 1
        if problem := _difference(frame, same) or _misfit(sector, self._picture, frame):
            self._tally.differences.append(f"{self._view}: {change.recipe}: {problem}")
        if frame.status == 200:
            self._show(frame.body, is_told=True)

    def _show(self, picture: bytes, *, is_told: bool = False) -> None:
        """Another picture is on view; the server is told by what is prepared next, unless it knows."""
        self._before, self._picture = self._picture, picture
        if not is_told:
            change = self._ahead.prepare(picture, [self._draws.choice(sectors.names(self._grid))], grid_size=self._grid)
            for prepared_id in change.values():
                self._prepares.ask("DELETE", f"/prepared/{prepared_id}")
        pixels = _pixels(picture)
        for change in self._changes:
            change.was_left |= self._reads_another(change, pixels)

    def _reads_another(self, change: Change, pixels: NDArray[np.uint8]) -> bool:
        if self._kind == "layer":
            return False  # its model is given no picture
        height, width = pixels.shape[:2]
        box = box_of(sectors.region(change.recipe["target_sector"], self._grid, width, height), width, height)
        return not np.array_equal(change.given[box.slices], pixels[box.slices])


def _difference(one: Answer, other: Answer) -> str | None:
    """Why two frames are not the same one; None where they are."""
    if (one.status, other.status) != (200, 200):
        return f"{one.status} {one.body[:200]!r}, /generate {other.status}"
    if not np.array_equal(_pixels(one.body), _pixels(other.body)):
        return "other pixels"
    if bare(one.body) != bare(other.body) or colour_chunks(one.body) != colour_chunks(other.body):
        return "other chunks"
    fields, others = (json.loads(read_text(each.body)[PNG_KEYWORD]) for each in (one, other))
    strange = [name for name in fields.keys() | others.keys() if fields.get(name) != others.get(name)]
    wrong = sorted(set(strange) - OF_A_MOMENT)
    return f"other fields: {', '.join(wrong)}" if wrong else None


def _misfit(sector: Answer, picture: bytes, frame: Answer) -> str | None:
    """Why the picture with the sector drawn over it is not the frame; None where it is."""
    if sector.status != 200:
        return f"its sector: {sector.status}"
    if sector.headers.get("X-On") != hashlib.sha256(picture).hexdigest():
        return "its sector is for another picture"
    left, top, right, bottom = map(int, sector.headers["X-Region"].split(","))
    drawn_over = _pixels(picture).copy()
    drawn_over[top:bottom, left:right] = _pixels(sector.body)
    if not np.array_equal(drawn_over, _pixels(frame.body)):
        return "its sector is another one than the frame's"
    return None if colour_chunks(sector.body) == colour_chunks(frame.body) else "its sector's colours are others"


def _pixels(data: bytes) -> NDArray[np.uint8]:
    with Image.open(io.BytesIO(data)) as image:
        return np.asarray(image.convert("RGB"))


def _random_picture(draws: random.Random) -> bytes:
    noise = np.random.default_rng(draws.randrange(2**32))
    width, height = draws.randint(*SIDES), draws.randint(*SIDES)
    small = noise.integers(0, 256, (8, 8, 3), np.uint8)
    smooth = Image.fromarray(small).resize((width, height), Image.Resampling.BICUBIC)
    rough = np.asarray(smooth) // 2 + noise.integers(0, 100, (height, width, 3), np.uint8)
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes() if draws.random() < 0.3 else None
    return _encoded(Image.fromarray(rough), draws.choice(("png", "jpeg", "webp")), profile)


def _painted_in(picture: bytes, draws: random.Random) -> bytes:
    """The picture with noise in some rectangle, as a PNG."""
    pixels = _pixels(picture).copy()
    height, width = pixels.shape[:2]
    left, top = draws.randrange(width - 8), draws.randrange(height - 8)
    part = pixels[top : top + draws.randint(1, height // 3), left : left + draws.randint(1, width // 3)]
    part[:] = np.random.default_rng(draws.randrange(2**32)).integers(0, 256, part.shape, np.uint8)
    return _encoded(Image.fromarray(pixels), "png", None)


def _encoded(image: Image.Image, encoding: str, profile: bytes | None) -> bytes:
    file = io.BytesIO()
    image.save(file, encoding, icc_profile=profile)
    return file.getvalue()
