"""One command for the figures of the model's quality: ``python -m training.evaluate``.

600 edits of the sample photographs go through the generator's own engine. Two judges (see ``judge.py``) name the
object in each; the picture outside the edit is compared byte for byte; and layers of one prompt from several seeds are
compared with each other as the training drawings of that object are. The figures go into ``evaluation.json`` and, by
``--card``, into the tables of the model card.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image

from services.generator.engine import Edit, Engine, Pixels, edited_picture
from services.generator.painting.compositing import compose
from services.generator.painting.painted import Drawn
from shared.errors import GenerationFailed
from shared.sectors import names, region
from training import judge
from training.dataset import build
from training.diversity import diversity
from training.memory import restart_with_tuning
from training.objects import OBJECTS, Drawable
from training.photographs import Photographs
from training.progress import Bar, say
from training.settings import REPOSITORY, Settings

CARD = REPOSITORY / "training" / "MODEL_CARD.md"
FIGURES = REPOSITORY / "training" / "evaluation.json"
SIDE = 1024
"""Side of the edited pictures, in pixels."""
SECTORS = {"sky": names(3)[:3], "any": names(3), "ground": names(3)[6:]}


@dataclass(frozen=True)
class Case:
    """One edit to be made."""

    object: str
    prompt: str
    sector: str
    photograph: int
    seed: int


@dataclass(frozen=True)
class Outcome:
    """What became of it: pixels changed that are none of the object's or its shadow's; the object's box."""

    strayed: int
    box: tuple[float, float, float, float] | None
    seconds: float
    fallback: bool


def cases(number: int, photographs: int, seed: int = 1) -> list[Case]:
    """``number`` edits: every object in turn, a third of those that take colours in one, on every photograph."""
    chance = np.random.default_rng(seed)
    out = []
    for row in range(number):
        item: Drawable = OBJECTS[row % len(OBJECTS)]
        colour = ""
        if item.colours and row // len(OBJECTS) % 3 == 1:
            colour = item.colours[int(chance.integers(len(item.colours)))] + " "
        sectors = SECTORS[item.place]
        out.append(
            Case(
                item.name,
                f"add a {colour}{item.name}",
                str(chance.choice(sectors)),
                row % photographs,
                int(chance.integers(2**31)),
            )
        )
    return out


def edit(engine: Engine, picture: Pixels, case: Case) -> tuple[Pixels, Outcome]:
    """Make one edit and compare it with the picture."""
    target = region(case.sector, 3, picture.shape[1], picture.shape[0])
    began = time.perf_counter()
    try:
        wanted = Edit(picture, target, case.prompt, case.seed)
        edited = engine.run(wanted, lambda done, of: None, lambda: False)
        pixels = edited_picture(wanted, edited)
    except GenerationFailed:
        return picture, Outcome(0, None, time.perf_counter() - began, False)
    seconds = time.perf_counter() - began
    drawn = edited.painted
    assert isinstance(drawn, Drawn), "the engine made no object: is this a layer model?"
    composite = compose(picture, drawn.region, drawn.cutout, drawn.wish, drawn.seed)
    strayed = int(np.count_nonzero((pixels != picture).any(2) & ~composite.changed))
    rows, columns = np.flatnonzero(composite.changed.any(1)), np.flatnonzero(composite.changed.any(0))
    kept = len(rows) and target.top <= rows[0] and rows[-1] < target.bottom
    kept = kept and target.left <= columns[0] and columns[-1] < target.right
    box = composite.poses[0].box
    return pixels, Outcome(strayed + (not kept), box, seconds, "fallback" in edited.notes)


def view(pixels: Pixels, box: tuple[float, float, float, float], room: float = 0.06) -> Pixels:
    """What a judge sees: the square around a box with a little room, 48 x 48."""
    half = max(box[2] - box[0], box[3] - box[1]) * (0.5 + room)
    x, y = (box[0] + box[2]) / 2, (box[1] + box[3]) / 2
    crop = Image.fromarray(pixels).crop((round(x - half), round(y - half), round(x + half), round(y + half)))
    return np.asarray(crop.resize((judge.SIDE, judge.SIDE), Image.Resampling.LANCZOS))


@dataclass(frozen=True)
class Share:
    """The edits that one process makes."""

    model: Path
    photographs: Path
    todo: list[Case]
    shown: bool


def make_edits(share: Share) -> tuple[str, list[Pixels], list[Outcome]]:
    """Make some edits with an engine of one's own: its precision, what the judges see of each, what became of it."""
    torch.set_num_threads(1)
    engine = load(share.model)
    torch.set_num_threads(1)
    photographs = Photographs(share.photographs)
    pictures = [photographs.square(n, SIDE) for n in range(len(photographs.names))]
    views, outcomes, bar = [], [], Bar("edits")
    for done, case in enumerate(share.todo):
        pixels, outcome = edit(engine, pictures[case.photograph], case)
        outcomes.append(outcome)
        views.append(view(pixels, outcome.box) if outcome.box else np.zeros((judge.SIDE, judge.SIDE, 3), np.uint8))
        if share.shown:
            bar.show((done + 1) / len(share.todo), f"{done + 1} of {len(share.todo)}, {outcome.seconds:.2f} s")
    dtype = engine.info.dtype
    engine.close()
    return dtype, views, outcomes


def measure(
    settings: Settings, model: Path, number: int, processes: int, sheet: Path, judges: tuple[str, ...]
) -> dict[str, Any]:
    """All figures of the edits, and a sheet of what the judges saw."""
    photographs = Photographs(settings.photographs)
    todo = cases(number, len(photographs.names))
    shares = [Share(model, settings.photographs, todo[n::processes], not n) for n in range(processes)]
    with multiprocessing.get_context("spawn").Pool(processes) as pool:
        parts = pool.map(make_edits, shares, chunksize=1)
    views: list[Pixels] = [np.empty(0, np.uint8)] * number
    outcomes: list[Outcome] = [Outcome(0, None, 0, False)] * number
    for n, (_, part_views, part_outcomes) in enumerate(parts):
        views[n::processes], outcomes[n::processes] = part_views, part_outcomes
    images = torch.from_numpy(np.stack(views)).permute(0, 3, 1, 2).float() / 255
    truth = torch.tensor([judge.NAMES.index(case.object) for case in todo])
    save_views(views, todo, sheet)
    return {
        "device": f"{parts[0][0]}, {processes} processes of one thread",
        "edits": number,
        "objects": len(OBJECTS),
        "nothing_drawn": sum(outcome.box is None for outcome in outcomes),
        "strayed_pixels": sum(outcome.strayed for outcome in outcomes),
        "fallbacks": sum(outcome.fallback for outcome in outcomes),
        "seconds_median": round(float(np.median([outcome.seconds for outcome in outcomes])), 3),
        "judges": judge.figures(settings, photographs, images, truth, judges),
    }


def save_views(views: list[Pixels], todo: list[Case], path: Path, columns: int = 26) -> None:
    """The judged pictures as one sheet."""
    rows = -(-len(views) // columns)
    sheet = Image.new("RGB", (columns * judge.SIDE, rows * judge.SIDE))
    for number, image in enumerate(views):
        sheet.paste(Image.fromarray(image), (number % columns * judge.SIDE, number // columns * judge.SIDE))
    path.parent.mkdir(parents=True, exist_ok=True)
    sheet.save(path)


def load(folder: Path) -> Engine:
    """The generator's engine with the model in ``folder``."""
    from services.generator.load import load_engine
    from shared.process.settings import Settings as ServerSettings

    return load_engine(ServerSettings(model=str(folder)))


def main() -> None:
    """Entry of ``python -m training.evaluate``."""
    parser = argparse.ArgumentParser(
        prog="python -m training.evaluate", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--model", type=Path, default=Settings().output)
    parser.add_argument("--photographs", type=Path, default=Settings().photographs)
    parser.add_argument("--edits", type=int, default=600)
    parser.add_argument("--figures", type=Path, default=FIGURES)
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 2)
    parser.add_argument("--judges", nargs="+", choices=judge.JUDGES, default=judge.JUDGES)
    parser.add_argument("--card", action="store_true", help="write the figures into the model card too")
    given = parser.parse_args()
    restart_with_tuning("training.evaluate")
    settings = replace(Settings(), photographs=given.photographs)
    judges = tuple(given.judges)
    judge.prepare(settings, Photographs(settings.photographs), judges)
    sheet = settings.folder("sheets") / "judged.png"
    figures = measure(settings, given.model, given.edits, given.processes, sheet, judges)
    figures["diversity"] = diversity(given.model, build(settings, for_model=True))
    given.figures.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")
    for name, value in figures.items():
        say(f"{name}: {value}")
    if given.card:
        from training.card import fill

        fill(CARD, figures)


if __name__ == "__main__":
    main()
