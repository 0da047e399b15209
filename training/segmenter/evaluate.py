"""Tests the student against its teacher, and both against composites of which the mask is known.

    python -m training.segmenter.evaluate WORK/eval STAMPS WORK/tested --teacher isnet.onnx --sheet sheet.png

``STAMPS`` is ``usr/share/tuxpaint/stamps`` of Debian's ``tuxpaint-stamps-default``. Writes ``evaluation.json``.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from services.generator.natural.student import Student, load
from training.progress import say
from training.segmenter.cases import KEPT, WINDOW, Case, composites, grounds, sectors, windows
from training.segmenter.examples import Pixels, is_whole
from training.segmenter.teacher import Teacher
from training.segmenter.train import overlap

HERE = Path(__file__).parent
SEGMENTER = HERE.parent.parent / "generation" / "models" / "segmenter"
GOOD = 0.7
"""An overlap from which on a mask is of use."""


def bits(mask: NDArray[np.float32]) -> Pixels:
    """A mask from 0 to 1 as the teacher's are kept, 0 to 255."""
    return np.asarray(np.rint(mask * 255), np.uint8)


def told(overlaps: list[float]) -> dict[str, Any]:
    """Mean and median of overlaps, and the share of good ones."""
    some = np.array(overlaps)
    return {
        "cases": len(some),
        "mean_iou": round(float(some.mean()), 4),
        "median_iou": round(float(np.median(some)), 4),
        f"share_from_{GOOD}": round(float((some >= GOOD).mean()), 4),
    }


def against_teacher(cases: list[Case], masks: list[Pixels]) -> dict[str, Any]:
    """Where the teacher is sure of a whole thing: the overlap. Where either says that there is none: how often both."""
    theirs, mine = ([is_whole(one) for one in some] for some in ([case.teacher for case in cases], masks))
    whole = [
        overlap(mask > 127, case.teacher > 127) for case, mask, sure in zip(cases, masks, theirs, strict=True) if sure
    ]
    agreed = [
        overlap(m > 127, c.teacher > 127) for c, m, a, b in zip(cases, masks, theirs, mine, strict=True) if a and b
    ]
    pairs = list(zip(theirs, mine, strict=True))
    return {
        "crops": len(cases),
        "teacher_sure": told(whole) if whole else None,
        "both_sure": told(agreed) if agreed else None,
        "share_both_nothing": round(pairs.count((False, False)) / len(pairs), 4),
        "share_only_student": round(pairs.count((False, True)) / len(pairs), 4),
        "share_only_teacher": round(pairs.count((True, False)) / len(pairs), 4),
        "share_both_something": round(pairs.count((True, True)) / len(pairs), 4),
    }


def against_truth(cases: list[Case], masks: list[Pixels]) -> dict[str, Any]:
    """Composites: the overlap of each with what was put in."""
    truths = [case.truth > 127 for case in cases if case.truth is not None]
    rows: dict[str, Any] = {
        who: told([overlap(mask > 127, truth) for mask, truth in zip(some, truths, strict=True)])
        for who, some in (("student", masks), ("teacher", [case.teacher for case in cases]))
    }
    sure = [overlap(mask > 127, truth) for mask, truth in zip(masks, truths, strict=True) if is_whole(mask)]
    return rows | {"student_where_sure": told(sure) if sure else None}


def seconds(student: Student, crops: Pixels) -> dict[str, float]:
    """Median time of one crop and of five, as the process is set up."""
    out = {}
    for number in (1, 5):
        student.masks(crops[:number])
        taken = []
        for _ in range(9):
            start = time.perf_counter()
            student.masks(crops[:number])
            taken.append(time.perf_counter() - start)
        out[f"{number}_crops_s"] = round(float(np.median(taken)), 4)
    return out


def sheet(cases: list[Case], masks: list[Pixels], path: Path, most: int = 96) -> None:
    """Crop, teacher's (or true) mask and student's side by side, the worst first; less those where nobody sees any."""
    wanted = [case.teacher if case.truth is None else case.truth for case in cases]
    scored = [
        (overlap(mask > 127, one > 127), number)
        for number, (mask, one) in enumerate(zip(masks, wanted, strict=True))
        if is_whole(mask) or is_whole(one)
    ]
    side, columns = 96, 4
    order = [number for _, number in sorted(scored)][:most]
    picture = Image.new("RGB", (columns * (3 * side + 8), -(-len(order) // columns) * (side + 4)), (40, 60, 90))
    for place, number in enumerate(order):
        x, y = place % columns * (3 * side + 8), place // columns * (side + 4)
        for step, one in enumerate((cases[number].crop, wanted[number], masks[number])):
            picture.paste(Image.fromarray(one).resize((side, side)), (x + step * side, y))
    picture.save(path)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("photographs", type=Path)
    parser.add_argument("stamps", type=Path)
    parser.add_argument("kept", type=Path, help="folder for the teacher's masks; those in it are not asked for again")
    parser.add_argument("--teacher", type=Path, help="ISNet's .onnx file; without it, only what is kept is tested")
    parser.add_argument("--segmenter", type=Path, default=SEGMENTER)
    parser.add_argument("--output", type=Path, default=HERE / "evaluation.json")
    parser.add_argument("--sheet", type=Path)
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    options.kept.mkdir(parents=True, exist_ok=True)
    teacher = Teacher(options.teacher) if options.teacher else None
    tested = list(sectors(options.photographs, options.kept, teacher))
    say(f"{len(tested)} sectors")
    tested += windows(options.photographs, options.kept, teacher)
    tested += composites(grounds(options.photographs, tested), options.stamps, options.kept, teacher)
    student = load(options.segmenter)
    crops = np.stack([case.crop for case in tested])
    masks = [bits(one) for one in student.masks(crops)]
    groups = {"sectors": (2, 3, 4), "whole_photographs": (1,), "windows": (WINDOW,), "composites": (0,)}
    figures: dict[str, Any] = {"side": KEPT, "threads": options.threads, "seconds": seconds(student, crops)}
    for name, grids in groups.items():
        some = [(case, mask) for case, mask in zip(tested, masks, strict=True) if case.grid in grids]
        if some:
            judge = against_truth if name == "composites" else against_teacher
            figures[name] = judge([case for case, _ in some], [mask for _, mask in some])
    options.output.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")
    say(json.dumps(figures, indent=1))
    if options.sheet:
        sheet(tested, masks, options.sheet)


if __name__ == "__main__":
    main()
