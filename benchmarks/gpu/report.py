"""What was measured, as a table for people and as JSON for programs."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from benchmarks.gpu.figures import KINDS
from benchmarks.gpu.measuring import PLAIN, Measured, Options
from shared.version import VERSION

FORMAT = 1
_WIDTH = 116


def console() -> Console:
    """Standard output; of a fixed width where that is no terminal, so that lines are whole in a file."""
    plain = Console()
    return plain if plain.is_terminal else Console(width=_WIDTH)


def table(measured: Measured) -> Table:
    """Of one model in one way."""
    about = measured.about
    where = f"{about['size_px']} px, {about['steps']} steps, {about['dtype']} on {about['device']}"
    way = "" if measured.variant == PLAIN else f", {measured.variant}"
    title = Text(f"{measured.title}{way}: {where}")
    shown = Table("figure", "value", "unit", title=title, title_justify="left")
    shown.columns[1].justify = "right"
    for name, kind in KINDS.items():
        if name in measured.figures:
            shown.add_row(kind.words, f"{measured.figures[name]:.{_digits(measured.figures[name])}f}", kind.unit)
    shown.caption = Text(". ".join(_remarks(measured)))
    shown.caption_justify = "left"
    return shown


def heading(options: Options) -> str:
    """What is measured on, in a line."""
    about = options.card.about
    driver = f", driver {about['driver']}, CUDA {about['cuda']}" if "driver" in about else ""
    return (
        f"Measured on: {about['card']}{driver}; torch {about['torch']}, diffusers {about['diffusers']}. "
        "Weights are random; their shapes are "
        + ("tiny: these figures say nothing of a real model." if options.tiny else "those of real models.")
    )


def write(path: Path, options: Options, all_measured: Sequence[Measured]) -> None:
    """The same as JSON, whole at any time."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    beside.write_text(json.dumps(document(options, all_measured), indent=2) + "\n", encoding="utf-8")
    os.replace(beside, path)


def document(options: Options, all_measured: Sequence[Measured]) -> dict[str, Any]:
    return {
        "format": FORMAT,
        "measured_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "parafovea": VERSION,
        "machine": {**options.card.about, "cores": os.cpu_count()},
        "tiny": options.tiny,
        "asked": {"requests": options.requests, "steps": options.steps, "variants": list(options.variants)},
        "models": [_entry(one) for one in all_measured],
    }


def _entry(one: Measured) -> dict[str, Any]:
    figures = {
        name: {"value": round(one.figures[name], 4), "unit": kind.unit, "is": kind.words}
        for name, kind in KINDS.items()
        if name in one.figures
    }
    return {
        "model": one.name,
        "title": one.title,
        "variant": one.variant,
        "failed": one.failed,
        "figures": figures,
        "counts": dict(one.counts),
        "about": dict(one.about),
    }


def _remarks(measured: Measured) -> list[str]:
    about, counts = measured.about, measured.counts
    remarks = [
        f"{counts['alone']} runs by itself, {counts['requests']} requests in turn with recording off, "
        f"{counts['recorded_requests']} with it on, {counts['queued_requests']} from several clients at once",
        f"Weights: {about['weights_gb']:.2f} GB, hashed in {about['hashed_s']:.1f} s, once for a model",
    ]
    if about["less_than_whole"]:
        remarks.append(f"Not all of it fits: {about['less_than_whole']}")
    if measured.variant == "compile":
        remarks.append("Loading it by itself compiles it; the start of the processes finds what was compiled")
    if about["advice"]:
        remarks.append(str(about["advice"]).rstrip("."))
    return remarks


def _digits(value: float) -> int:
    return 0 if abs(value) >= 1000 else 1 if abs(value) >= 10 else 2
