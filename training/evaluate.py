"""One command for the figures of the model's quality: ``python -m training.evaluate``.

600 edits of the sample photographs go through the generator's own engine. Two judges (see ``judge.py``) name the
object in each; the picture outside the edit is compared byte for byte; and layers of one prompt from several seeds are
compared with each other as the training drawings of that object are. The figures go into ``evaluation.json`` and, by
``--card``, into the tables of the model card.
"""

from __future__ import annotations

import argparse
import json
import time
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image

from services.generator import layer
from services.generator.compositing import Composite
from services.generator.engine import Edit, Engine, Pixels
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


class Witness:
    """Stands in for the generator's ``compose`` and keeps what it returned: the object's place and its outline."""

    def __init__(self) -> None:
        self.last: Composite | None = None
        self._compose = layer.compose
        layer.compose = self

    def __call__(self, *args: Any, **named: Any) -> Composite:
        self.last = self._compose(*args, **named)
        return self.last


def edit(engine: Engine, witness: Witness, picture: Pixels, case: Case) -> tuple[Pixels, Outcome]:
    """Make one edit and compare it with the picture."""
    target = region(case.sector, 3, picture.shape[1], picture.shape[0])
    witness.last = None
    began = time.perf_counter()
    try:
        edited = engine.run(Edit(picture, target, case.prompt, case.seed), lambda done, of: None, lambda: False)
    except GenerationFailed:
        return picture, Outcome(0, None, time.perf_counter() - began, False)
    seconds = time.perf_counter() - began
    composite = witness.last
    assert composite is not None, "the engine did not compose: is this a layer model?"
    strayed = int(np.count_nonzero((edited.pixels != picture).any(2) & ~composite.changed))
    rows, columns = np.flatnonzero(composite.changed.any(1)), np.flatnonzero(composite.changed.any(0))
    kept = len(rows) and target.top <= rows[0] and rows[-1] < target.bottom
    kept = kept and target.left <= columns[0] and columns[-1] < target.right
    box = composite.poses[0].box
    return edited.pixels, Outcome(strayed + (not kept), box, seconds, "fallback" in edited.notes)


def view(pixels: Pixels, box: tuple[float, float, float, float], room: float = 0.06) -> Pixels:
    """What a judge sees: the square around a box with a little room, 64 x 64."""
    half = max(box[2] - box[0], box[3] - box[1]) * (0.5 + room)
    x, y = (box[0] + box[2]) / 2, (box[1] + box[3]) / 2
    crop = Image.fromarray(pixels).crop((round(x - half), round(y - half), round(x + half), round(y + half)))
    return np.asarray(crop.resize((judge.SIDE, judge.SIDE), Image.Resampling.LANCZOS))


def measure(settings: Settings, engine: Engine, number: int, sheet: Path) -> dict[str, Any]:
    """All figures of the edits, and a sheet of what the judges saw."""
    photographs = Photographs(settings.photographs)
    pictures = [photographs.square(n, SIDE) for n in range(len(photographs.names))]
    todo = cases(number, len(pictures))
    views, outcomes, bar, witness = [], [], Bar("edits"), Witness()
    for done, case in enumerate(todo):
        pixels, outcome = edit(engine, witness, pictures[case.photograph], case)
        outcomes.append(outcome)
        views.append(view(pixels, outcome.box) if outcome.box else np.zeros((judge.SIDE, judge.SIDE, 3), np.uint8))
        bar.show((done + 1) / number, f"{done + 1} of {number}, {outcome.seconds:.2f} s")
    images = torch.from_numpy(np.stack(views)).permute(0, 3, 1, 2).float() / 255
    truth = torch.tensor([judge.NAMES.index(case.object) for case in todo])
    figures: dict[str, Any] = {
        "edits": number,
        "objects": len(OBJECTS),
        "nothing_drawn": sum(outcome.box is None for outcome in outcomes),
        "strayed_pixels": sum(outcome.strayed for outcome in outcomes),
        "fallbacks": sum(outcome.fallback for outcome in outcomes),
        "seconds_median": round(float(np.median([outcome.seconds for outcome in outcomes])), 3),
        "judges": judge.figures(settings, photographs, images, truth),
    }
    save_views(views, todo, sheet)
    return figures


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
    from shared.settings import Settings as ServerSettings

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
    parser.add_argument("--card", action="store_true", help="write the figures into the model card too")
    given = parser.parse_args()
    restart_with_tuning("training.evaluate")
    settings = replace(Settings(), photographs=given.photographs)
    judge.prepare(settings, Photographs(settings.photographs))
    engine = load(given.model)
    figures = {
        "device": asdict(engine.info)["dtype"],
        **measure(settings, engine, given.edits, settings.folder("sheets") / "judged.png"),
    }
    engine.close()
    figures["diversity"] = diversity(given.model, build(settings, for_model=True))
    given.figures.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")
    for name, value in figures.items():
        say(f"{name}: {value}")
    if given.card:
        from training.card import fill

        fill(CARD, figures)


if __name__ == "__main__":
    main()
