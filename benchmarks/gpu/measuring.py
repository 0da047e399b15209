"""All of one model: its folder, the engine by itself, a system of processes; once for each way of running it."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from http.client import HTTPException
from pathlib import Path
from typing import Any

from benchmarks.gpu import folders, over_http, weights
from benchmarks.gpu.card import Card
from benchmarks.gpu.fitting import blocks_for
from benchmarks.gpu.folders import GB, NoRoom
from benchmarks.gpu.models import Model, model_of
from benchmarks.gpu.system import Failed, card_system
from services.generator.models import identity
from services.generator.models.libraries import prepare_libraries

PLAIN = "plain"
VARIANTS: Mapping[str, Mapping[str, str]] = {
    PLAIN: {},
    "compile": {"PARAFOVEA_COMPILE": "true"},
    "channels_last": {"PARAFOVEA_CHANNELS_LAST": "true"},
}
"""Ways of running a model, with the settings of each."""
_CACHES = "parafovea"
"""The folder of ours in what XDG_CACHE_HOME names."""


@dataclass(frozen=True, slots=True)
class Options:
    """What was chosen.

    Attributes:
        requests: of each kind; of those in turn with recording off ten at least.
        steps: None: as many as is usual with each model.
        variants: of :data:`VARIANTS`.
        root: folder of the models' folders.
        caches: folder of hashes and of what is compiled, of this run alone.
    """

    card: Card
    requests: int
    steps: int | None
    tiny: bool
    variants: tuple[str, ...]
    root: Path
    caches: Path


@dataclass(frozen=True, slots=True)
class Measured:
    """What came of a model run in one way. ``about``: what it is and how it ran; ``failed``: why there are no
    figures."""

    name: str
    variant: str
    title: str
    figures: Mapping[str, float]
    counts: Mapping[str, int]
    about: Mapping[str, Any]
    failed: str | None = None


def measure(name: str, options: Options) -> Iterator[Measured]:
    """A model of :data:`benchmarks.gpu.models.NAMES`, in each way that was chosen; nothing is raised for want of room
    or memory."""
    model = _of_this_machine(name, options)
    if model is None:
        title = model_of(name, options.tiny).title
        yield Measured(name, PLAIN, title, {}, {}, {}, "not even one block of it fits card, machine and disk")
        return
    try:
        folder, about = _written(model, options)
    except (NoRoom, OSError) as error:
        yield Measured(name, PLAIN, model.title, {}, {}, {}, str(error))
        return
    for variant in options.variants:
        blank = Measured(name, variant, model.title, {}, {}, about)
        try:
            yield _run(blank, folder, options)
        except (Failed, AssertionError, RuntimeError, OSError, HTTPException) as error:
            yield replace(blank, failed=str(error) or type(error).__name__)


def _of_this_machine(name: str, options: Options) -> Model | None:
    if name != "flux" or options.tiny:
        return model_of(name, options.tiny)
    blocks = blocks_for(options.card, options.root)
    return None if blocks is None else model_of(name, blocks=blocks)


def _written(model: Model, options: Options) -> tuple[Path, dict[str, Any]]:
    """Its folder, and what is known of it. Its files are hashed, which the server does once for each model."""
    prepare_libraries()
    started = time.perf_counter()
    is_new = not folders.is_there(model, options.root, options.tiny)
    folder = folders.ensure(model, options.tiny, options.root).absolute()
    written_s = time.perf_counter() - started
    started = time.perf_counter()
    files = folders.files_of(folder)
    identity.digests(files, options.caches / _CACHES)
    hashed_s = time.perf_counter() - started
    return folder, {
        "folder": str(folder),
        "parameters": {part: weights.parameters(one) for part, one in model.parts.items()},
        "weights_gb": round(sum(file.stat().st_size for file in files) / GB, 3),
        "written_s": round(written_s, 2) if is_new else None,
        "hashed_s": round(hashed_s, 2),
        "less_than_whole": model.note or None,
        "scheduler": model.scheduler[0],
        "guidance_scale": model.recommended["guidance_scale"],
    }


def _run(blank: Measured, folder: Path, options: Options) -> Measured:
    settings = VARIANTS[blank.variant]
    card = options.card
    with card_system(folder, card.device, options.caches, settings, threads_of_tests=options.tiny) as system:
        alone = system.ask_alone(options.requests, options.steps)
        ready_s = system.start_all()
        figures, counts = over_http.measure(system, options.requests, options.steps, str(card.about.get("uuid", "")))
    return replace(
        blank,
        figures={**alone["figures"], "start_to_ready": ready_s, **figures},
        counts={"alone": options.requests, **counts},
        about={**blank.about, "settings": dict(settings), **alone["told"]},
    )
