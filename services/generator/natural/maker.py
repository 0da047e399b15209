"""The engine of natural changes: it changes what is in the photograph already, out of the photograph itself."""

from __future__ import annotations

from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

from services.generator.engine import Edit, EditCancelled, Edited, Finished, ModelInfo, Pixels
from services.generator.models import identity
from services.generator.natural.choosing import Found, choose
from services.generator.natural.finding import Finder, Segmenter, masked
from services.generator.natural.things import Thing
from services.generator.natural.wishes import Wish, wish_of, without_effect
from shared.change import NATURAL_KIND
from shared.errors import ChangeRefused, InvalidRequest
from shared.frame import Model
from shared.sectors import Region
from shared.system.places import MODELS
from shared.version import VERSION

NATURAL = 1
"""Raised with each change after which the same request gives other pixels."""
STUDENT = MODELS / "segmenter"
_LIBRARIES = ("torch", "numpy", "scipy", "opencv-python-headless")
_MOST_REASONS = 3


class NaturalEngine:
    """Finds a thing in a sector, and removes, recolours, moves, mirrors, resizes or doubles it.

    Args:
        segmenter: an .onnx file with a network that finds things; None: the embedded one.
    """

    def __init__(self, segmenter: Path | None = None) -> None:
        self._segmenter = segmenter
        self._finder = Finder(self._load)
        self._info: ModelInfo | None = None

    @property
    def info(self) -> ModelInfo:
        if self._info is None:
            self._info = _describe(self._segmenter)
        return self._info

    def run(self, edit: Edit, on_step: Callable[[int, int], None], cancelled: Callable[[], bool]) -> Edited:
        """As :class:`~services.generator.engine.Engine` has it. There are no steps to tell of.

        Raises:
            ChangeRefused: nothing there can be changed as it is asked for.
            shared.errors.InvalidRequest: the caller's mask is no picture.
            ModelError: the segmenter cannot be loaded.
        """
        wish = wish_of(edit.prompt, edit.change, edit.magnitude)
        reasons: list[str] = []

        def check() -> None:
            if cancelled():
                raise EditCancelled

        for name, region in ((None, edit.region), *edit.elsewhere):
            check()
            things = self._things(edit.pixels, region, wish)
            found, refused = choose(edit.pixels, region, things, wish, edit.seed, check)
            if found is not None:
                return _edited(edit, region, name, found, wish)
            reasons += refused
        raise ChangeRefused(_refusal(wish, reasons))

    def close(self) -> None:
        self._finder = Finder(self._load)

    def _things(self, picture: Pixels, sector: Region, wish: Wish) -> tuple[Thing, ...]:
        if not wish.is_pointed_at:
            return self._finder.things(picture, sector)
        size = picture.shape[1], picture.shape[0]
        if wish.mask is not None:
            thing = masked(wish.mask, wish.box, size)
            if thing is not None and not _holds(sector, thing.box):
                problem = f"what its mask shows, at {list(thing.box.as_tuple())}, does not lie in the sector"
                raise InvalidRequest(f"change: {problem}.", fields={"change": problem})
        else:
            assert wish.box is not None
            thing = self._finder.in_box(picture, sector, wish.box)
        return () if thing is None else (thing,)

    def _load(self) -> Segmenter:
        if self._segmenter is not None:
            from services.generator.natural.onnx import load as load_onnx

            return load_onnx(self._segmenter)
        from services.generator.natural.student import load

        return load(STUDENT)


def _holds(sector: Region, box: Region) -> bool:
    across = sector.left <= box.left and box.right <= sector.right
    return across and sector.top <= box.top and box.bottom <= sector.bottom


def _describe(segmenter: Path | None) -> ModelInfo:
    from services.generator.models import device

    files = [(path.name, path) for path in ([segmenter] if segmenter is not None else sorted(STUDENT.iterdir()))]
    weights = identity.files_sha256(files)
    import torch

    return ModelInfo(
        model=Model(
            id="natural",
            revision=f"{NATURAL}-{weights[:12]}",
            kind=NATURAL_KIND,
            pipeline="NaturalEngine",
            scheduler="none",
        ),
        device="cpu",
        dtype="float32",
        versions={"parafovea": VERSION, **{name: version(name) for name in _LIBRARIES}},
        environment={"natural": NATURAL, "segmenter": weights, **device.environment(torch.device("cpu"))},
    )


def _edited(edit: Edit, region: Region, name: str | None, found: Found, wish: Wish) -> Edited:
    height, width = edit.pixels.shape[:2]
    # How large a change is depends on the whole picture, and that another sector had nothing on that; all else is of
    # its sector alone.
    whole = edit.magnitude is not None or name is not None
    seen = Region(0, 0, width, height) if whole else region
    change: dict[str, Any] = {
        "kind": found.kind,
        "thing": list(found.thing.box.as_tuple()),
        "confidence": round(found.thing.confidence, 3),
    }
    if found.colour is not None:
        change["colour"] = found.colour
    if name is not None:
        change["widened"] = True
    undone = "; ".join(reason for reason in (wish.not_done, without_effect(edit)) if reason)
    notes = {"fallback": undone} if undone else {}
    return Edited(Finished(found.sector, seen), 0, None, None, notes, change, name)


def _refusal(wish: Wish, reasons: list[str]) -> str:
    kinds = wish.kinds[0] if len(wish.kinds) == 1 else "change"
    what = f"There is nothing to {kinds} there"
    if wish.is_pointed_at:
        what = f"What is pointed at cannot be changed so ({kinds})"
    if not reasons:
        return f"{what}: nothing stands out as one whole thing. Try another sector, or give its box."
    told = "; ".join(dict.fromkeys(reasons[:_MOST_REASONS]))
    return f"{what}: {told}. Try another sector, kind or box."
