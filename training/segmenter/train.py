"""Trains the student on the shards, and writes ``weights.safetensors`` whenever it has become better.

python -m training.segmenter.train WORK/shards WORK/held-shards generation/models/segmenter
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
import torch.nn.functional as functional
from numpy.typing import NDArray
from torch import nn

from services.generator.natural.student import CONFIG, SIDE, WEIGHTS, WIDTHS, Student
from training.memory import restart_with_tuning
from training.progress import say
from training.segmenter.examples import Examples, Pixels, cleaned, is_whole
from training.workers import Crew, SharedWeights

RATE = 1.5e-3
AVERAGE = 0.998
SMALL_SHARE = 0.4
"""Share of the run at half the side: four times as many examples a second."""
BATCH = 12
"""Examples of a process at the full side; four times as many at the half."""
IOU_SLACK = 100.0
"""Pixels (of 256 x 256) added to both areas, so that a few wrong pixels of an empty mask cost little."""


def loss_of(logits: torch.Tensor, masks: torch.Tensor) -> torch.Tensor:
    """Cross-entropy, more of it at the outline, and what is missing to a full overlap. Both N x 1 x side x side."""
    shown = logits.float()
    outline = (functional.avg_pool2d(masks, 9, 1, 4) - masks).abs()
    entropy = functional.binary_cross_entropy_with_logits(shown, masks, weight=1 + 3 * outline)
    drawn = shown.sigmoid()
    slack = IOU_SLACK * (shown.shape[-1] / SIDE) ** 2
    both = (drawn * masks).sum((1, 2, 3))
    either = (drawn + masks).sum((1, 2, 3)) - both
    return entropy + 0.5 * (1 - (both + slack) / (either + slack)).mean()


def setup(number: int, given: Any) -> tuple[nn.Module, Callable[[], tuple[torch.Tensor, int]]]:
    """What a process of the crew works with."""
    shards, started, small_seconds = given
    cv2.setNumThreads(0)
    examples = Examples(shards, 1000 * int(started) + number)
    student = Student().bfloat16().to(memory_format=torch.channels_last)
    turn = 0

    def step() -> tuple[torch.Tensor, int]:
        nonlocal turn
        turn += 1
        if turn % 20 == 0:
            examples.refresh()
        is_small = time.time() < started + small_seconds
        side, batch = (SIDE // 2, 4 * BATCH) if is_small else (SIDE, BATCH)
        crops, masks = examples.batch(batch, side)
        pixels = (torch.from_numpy(crops).permute(0, 3, 1, 2).float() / 127.5 - 1).bfloat16()
        wanted = torch.from_numpy(masks)[:, None].float() / 255
        return loss_of(student(pixels.contiguous(memory_format=torch.channels_last)), wanted), batch

    return student, step


def held_out(shards: Path) -> tuple[Pixels, Pixels]:
    """All crops and masks of a folder of shards, at the network's side."""
    crops, masks = [], []
    for path in sorted(shards.glob("[!.]*.npz")):
        with np.load(path) as shard:
            for some, kept in ((shard["crops"], crops), (map(cleaned, shard["masks"]), masks)):
                kept += [cv2.resize(one, (SIDE, SIDE), interpolation=cv2.INTER_AREA) for one in some]
    return np.stack(crops), np.stack(masks)


def overlap(drawn: NDArray[np.bool_], wanted: NDArray[np.bool_]) -> float:
    """Intersection over union of two masks; 1 where both are empty."""
    either = int((drawn | wanted).sum())
    return int((drawn & wanted).sum()) / either if either else 1.0


def tested(student: Student, crops: Pixels, masks: Pixels) -> tuple[float, int, float]:
    """Mean overlap with the teacher over the whole things, how many those are, and the same over all the crops."""
    drawn = student.masks(crops) > 0.5
    overlaps = np.array([overlap(one, two > 127) for one, two in zip(drawn, masks, strict=True)])
    whole = np.array([is_whole(mask, 0.002, 0.6) for mask in masks])
    return float(overlaps[whole].mean()) if whole.any() else 0.0, int(whole.sum()), float(overlaps.mean())


def write(student: Student, folder: Path) -> None:
    """Write the folder that ``student.load`` reads, in half precision."""
    from safetensors.torch import save_file

    folder.mkdir(parents=True, exist_ok=True)
    save_file({name: value.half().contiguous() for name, value in student.state_dict().items()}, folder / WEIGHTS)
    (folder / WEIGHTS).chmod(0o644)
    (folder / CONFIG).write_text(json.dumps({"widths": list(WIDTHS), "side": SIDE}) + "\n", encoding="utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("shards", type=Path, help="folder of labels.py; it may still grow")
    parser.add_argument("held", type=Path, help="shards of the photographs that are only tested on")
    parser.add_argument("output", type=Path)
    parser.add_argument("--minutes", type=float, default=40.0)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--rate", type=float, default=RATE)
    parser.add_argument("--small-share", type=float, default=SMALL_SHARE, help="of the run, at half the side")
    parser.add_argument("--continue-from", type=Path, help="the checkpoint.pt of an earlier run")
    options = parser.parse_args()
    restart_with_tuning("training.segmenter.train")
    torch.set_num_threads(1)
    torch.manual_seed(1)
    weights = SharedWeights(Student(), options.rate, AVERAGE)
    if options.continue_from:
        saved = torch.load(options.continue_from, weights_only=True)
        for name in ("master", "average", "mean", "square", "live", "counts"):
            getattr(weights, name).copy_(saved[name])
    started, seconds = time.time(), 60 * options.minutes
    crew = Crew(weights, options.processes, 1, setup, (options.shards, started, options.small_share * seconds))
    best, student, kept = 0.0, Student().eval(), held_out(options.held)
    while (share := (time.time() - started) / seconds) < 1:
        time.sleep(5)
        weights.floats[0] = share
        crew.check()
        if int((time.time() - started) / 120) == int((time.time() - started - 5) / 120) and share < 0.99:
            continue
        with crew.lock:
            weights.copy_into(student, weights.average.half().float())
            torch.save(weights.tensors(), options.shards / "checkpoint.pt")
        whole, things, every = tested(student, *kept)
        counts = (
            f"{int(weights.counts[1])} updates, {int(weights.counts[2])} examples, loss {float(weights.floats[1]):.3f}"
        )
        say(f"{share:4.0%} {counts}; held out: {whole:.3f} of {things} things, {every:.3f} of all")
        if whole + every >= best:
            best = whole + every
            write(student, options.output)
    crew.stop()


if __name__ == "__main__":
    main()
