"""What models have drawn from a recipe alone, without a look at any picture: kept for when it is wanted again."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable

from services.generator.engine import ModelInfo
from services.generator.preparing.preparation import Worked
from shared.bus.requests.generator import Generate

MOST_BYTES = 64 * 1024 * 1024
MOST_DRAWINGS = 64

_RECIPE = ("grid_size", "target_sector", "prompt", "negative_prompt", "seed", "steps", "guidance_scale", "strength")


class Drawings:
    """The last drawings, by the model that drew, recipe, and size of the picture."""

    def __init__(self, limit_bytes: int = MOST_BYTES) -> None:
        self._limit_bytes = limit_bytes
        self._kept: OrderedDict[Hashable, Worked] = OrderedDict()

    @property
    def held_bytes(self) -> int:
        """Memory that they take."""
        return sum(worked.edited.painted.held_bytes for worked in self._kept.values())

    def get(self, request: Generate, size: tuple[int, int], model: ModelInfo | None) -> Worked | None:
        """What this model has drawn of a recipe for a picture of this size."""
        key = _key(request, size, model)
        if key in self._kept:
            self._kept.move_to_end(key)
        return self._kept.get(key)

    def put(self, request: Generate, size: tuple[int, int], worked: Worked) -> None:
        """Keep a drawing. What a model has made of a picture is not kept."""
        key = _key(request, size, worked.info)
        if worked.given is not None or key in self._kept:
            return
        self._kept[key] = worked
        while self.held_bytes > self._limit_bytes or len(self._kept) > MOST_DRAWINGS:
            self._kept.popitem(last=False)


def is_of(maker: ModelInfo, model: ModelInfo) -> bool:
    """Whether two models are the same, so that what one has made the other would have made."""
    return _identity(maker) == _identity(model)


def _key(request: Generate, size: tuple[int, int], model: ModelInfo | None) -> Hashable:
    return (*(getattr(request, name) for name in _RECIPE), size, _identity(model) if model is not None else None)


def _identity(made_by: ModelInfo) -> Hashable:
    """As :func:`shared.frame.is_same_model` tells models apart."""
    return made_by.model.files_sha256 or made_by.model.revision, made_by.model.kind
