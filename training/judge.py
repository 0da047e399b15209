"""The judge: a small classifier that names the object in an edit, trained on other drawings and renderings.

Two of them, each with its own error stated. The *strict* judge has only ever seen drawing sets that the model was not
trained on: what it names, it recognises from somebody else's drawing. The *broad* judge has also seen the model's
sets, turned, recoloured, blurred and set on photographs; one set of drawings is kept from both to measure them.
"""

from __future__ import annotations

import multiprocessing
import random
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812
from torch import nn

from training.clock import Clock
from training.dataset import Drawings, build
from training.objects import OBJECTS
from training.photographs import Photographs
from training.progress import Bar, say
from training.settings import Settings

SIDE = 48
"""Pixels the judge sees of an edit: the object's bounding box and a little around it."""
NAMES = [item.name for item in OBJECTS]
JUDGES = ("broad", "strict")
KEPT = "twemoji"
"""The set that neither judge is trained on: their error on drawings they have not seen."""


class Judge(nn.Module):
    """A small residual network: batch x 3 x 48 x 48 (0 to 1) to a score for each object."""

    def __init__(self, widths: tuple[int, ...] = (32, 64, 128)) -> None:
        super().__init__()
        layers: list[nn.Module] = [nn.Conv2d(3, widths[0], 5, 2, 2, bias=False), nn.BatchNorm2d(widths[0]), nn.ReLU()]
        before = widths[0]
        for width in widths:
            layers += [_Block(before, width, 1 if width == widths[0] else 2), _Block(width, width, 1)]
            before = width
        self.body = nn.Sequential(*layers)
        self.head = nn.Sequential(nn.Dropout(0.3), nn.Linear(2 * before, len(NAMES)))

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Scores, batch x objects."""
        features = self.body(images * 2 - 1)
        return self.head(torch.cat([features.mean((2, 3)), features.amax((2, 3))], 1))


class _Block(nn.Module):
    """Two convolutions and a way round them."""

    def __init__(self, before: int, width: int, stride: int) -> None:
        super().__init__()
        self.path = nn.Sequential(
            nn.Conv2d(before, width, 3, stride, 1, bias=False),
            nn.BatchNorm2d(width),
            nn.ReLU(),
            nn.Conv2d(width, width, 3, 1, 1, bias=False),
            nn.BatchNorm2d(width),
        )
        self.round = nn.Conv2d(before, width, 1, stride) if stride > 1 or before != width else nn.Identity()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return F.relu(self.path(x) + self.round(x))


@dataclass
class Renderings:
    """Endless renderings of drawings on photographs, with the number of the object in each."""

    pixels: torch.Tensor
    """Number x 4 x 64 x 64, premultiplied, 0 to 1."""
    labels: torch.Tensor
    photographs: Photographs
    generator: torch.Generator

    @classmethod
    def of(cls, drawings: Drawings, photographs: Photographs, seed: int) -> Renderings:
        """Renderings of these drawings."""
        pixels = torch.from_numpy(drawings.pixels).permute(0, 3, 1, 2).float() / 255
        labels = torch.tensor([NAMES.index(entry.object) for entry in drawings.entries])
        return cls(F.avg_pool2d(pixels, 3), labels, photographs, torch.Generator().manual_seed(seed))

    def next(self, number: int, heavy: bool = True) -> tuple[torch.Tensor, torch.Tensor]:
        """``number`` pictures (x 3 x 48 x 48) and labels, every object alike; ``heavy`` ones are hard to read."""
        g = self.generator
        odds = 1.0 / torch.bincount(self.labels, minlength=len(NAMES)).clamp(min=1)[self.labels]
        chosen = torch.multinomial(odds, number, replacement=True, generator=g)
        layer = _turn(self.pixels[chosen], g, 0.45 if heavy else 0.2)
        colour, alpha = layer[:, :3], layer[:, 3:]
        if heavy:
            colour = _tint(colour, alpha, g)
        ground = torch.from_numpy(self.photographs.crops(number, SIDE, int(torch.randint(2**31, (), generator=g))))
        ground = ground.permute(0, 3, 1, 2).float() / 255
        shade = F.avg_pool2d(F.pad(alpha, (4, 0, 7, 0))[:, :, :SIDE, :SIDE], 7, 1, 3)
        ground = ground * (1 - torch.rand(number, 1, 1, 1, generator=g) * 0.5 * shade)
        light = 0.65 + 0.55 * torch.rand(number, 1, 1, 1, generator=g)
        cast = 1 + 0.12 * torch.randn(number, 3, 1, 1, generator=g)
        out = ground * (1 - alpha) + torch.minimum(colour * light * cast, alpha)
        blurred = F.avg_pool2d(F.pad(out, (1, 1, 1, 1), mode="replicate"), 3, 1)
        mix = torch.rand(number, 1, 1, 1, generator=g) * (1.0 if heavy else 0.5)
        out = out * (1 - mix) + blurred * mix
        return (out + 0.02 * torch.randn(out.shape, generator=g)).clamp(0, 1), self.labels[chosen]


def _turn(pixels: torch.Tensor, g: torch.Generator, reach: float) -> torch.Tensor:
    """Random place, size, turn (up to ``reach`` radians), shear and mirror, to 48 x 48."""
    n = len(pixels)
    rand = lambda low, high: torch.rand(n, generator=g) * (high - low) + low  # noqa: E731
    angle, scale, stretch, shear = rand(-reach, reach), rand(0.95, 1.6), rand(0.85, 1.18), rand(-0.15, 0.15)
    flip = torch.where(rand(0, 1) < 0.5, -1.0, 1.0)
    cos, sin = torch.cos(angle) * scale, torch.sin(angle) * scale
    room = (scale - 0.9).clamp(min=0)
    first = torch.stack([cos * flip * stretch, -sin + shear, rand(-1, 1) * room], -1)
    second = torch.stack([sin * flip * stretch, cos, rand(-1, 1) * room], -1)
    grid = F.affine_grid(torch.stack([first, second], 1), [n, 4, SIDE, SIDE], align_corners=False)
    return F.grid_sample(pixels, grid, align_corners=False)


def _tint(colour: torch.Tensor, alpha: torch.Tensor, g: torch.Generator) -> torch.Tensor:
    """For four in ten: hues turned about the grey axis, by any angle, and saturation changed."""
    n = len(colour)
    angle = torch.where(
        torch.rand(n, generator=g) < 0.4, torch.rand(n, generator=g) * 6.28, torch.randn(n, generator=g) * 0.12
    )
    cos, sin, third = torch.cos(angle), torch.sin(angle), 1 / 3
    a, b, c = cos + (1 - cos) * third, third * (1 - cos) - third**0.5 * sin, third * (1 - cos) + third**0.5 * sin
    turn = torch.stack([torch.stack([a, b, c], -1), torch.stack([c, a, b], -1), torch.stack([b, c, a], -1)], 1)
    turned = torch.einsum("nij,njhw->nihw", turn, colour)
    grey = turned.mean(1, keepdim=True)
    turned = grey + (turned - grey) * (0.6 + 0.7 * torch.rand(n, 1, 1, 1, generator=g))
    return torch.minimum(turned.clamp(min=0), alpha)


def train(settings: Settings, name: str, drawings: Drawings, photographs: Photographs) -> Judge:
    """Train the judge called ``name`` on these drawings for ``judge_minutes``, or read it if it is there."""
    path = _path(settings, name)
    model = Judge()
    if path.exists():
        model.load_state_dict(torch.load(path))
        return model.eval()
    torch.manual_seed(settings.seed)
    random.seed(settings.seed)
    model = model.to(memory_format=torch.channels_last).train()
    source = Renderings.of(drawings, photographs, settings.seed)
    optimiser = torch.optim.AdamW(model.parameters(), lr=2e-3, weight_decay=0.05)
    clock, share, bar, right, step = Clock(settings.judge_minutes), 0.0, Bar(f"judge {name}"), 0.0, 0
    while share < 1:
        for group in optimiser.param_groups:
            group["lr"] = 2.5e-3 * min(1.0, (step + 1) / 100) * max(0.01, (1 + np.cos(np.pi * min(share, 1))) / 2)
        images, labels = source.next(64)
        with torch.autocast("cpu", torch.bfloat16):
            scores = model(images.contiguous(memory_format=torch.channels_last))
        loss = F.cross_entropy(scores.float(), labels, label_smoothing=0.05)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        step, share = step + 1, clock.tick()
        right = 0.98 * right + 0.02 * float((scores.argmax(1) == labels).float().mean())
        bar.show(share, f"step {step} loss {float(loss.detach()):.3f} right {right:.1%}")
    torch.save(model.state_dict(), path)
    return model.eval()


@torch.no_grad()
def scores(model: Judge, images: torch.Tensor) -> torch.Tensor:
    """Probabilities, the mean over the picture and its mirror image: number x objects."""
    return torch.cat([(model(part).softmax(1) + model(part.flip(3)).softmax(1)) / 2 for part in images.split(128)])


def error(model: Judge, drawings: Drawings, photographs: Photographs, seed: int = 7) -> float:
    """Share of 780 ordinary renderings of these drawings that the judge names wrongly."""
    source = Renderings.of(drawings, photographs, seed)
    images, labels = source.next(10 * len(NAMES), heavy=False)
    wrong = float((scores(model, images).argmax(1) != labels).float().mean())
    say(f"judge: {wrong:.1%} wrong on {len(drawings.entries)} drawings")
    return wrong


def prepare(settings: Settings, photographs: Photographs, wanted: tuple[str, ...] = JUDGES) -> None:
    """Train the judges, or find them trained: a process of one thread for each, which two cores do twice as fast."""
    lacking = [name for name in wanted if not _path(settings, name).exists()]
    with multiprocessing.get_context("spawn").Pool(max(1, len(lacking))) as pool:
        pool.starmap(_train_alone, [(settings, name, photographs) for name in lacking], chunksize=1)


def _train_alone(settings: Settings, name: str, photographs: Photographs) -> None:
    torch.set_num_threads(1)
    train(settings, name, _material(settings, (name,))[name], photographs)


def _path(settings: Settings, name: str) -> Path:
    return settings.folder("judges") / f"{name}.pt"


def _material(settings: Settings, wanted: tuple[str, ...]) -> dict[str, Drawings]:
    """What each judge is trained on; the kept set is in neither."""
    others, own = build(settings, for_model=False), build(settings, for_model=True)
    strict = others.where([n for n, entry in enumerate(others.entries) if entry.source != KEPT])
    broad = Drawings(np.concatenate([strict.pixels, own.pixels]), [*strict.entries, *own.entries])
    return {name: drawings for name, drawings in (("broad", broad), ("strict", strict)) if name in wanted}


def figures(
    settings: Settings,
    photographs: Photographs,
    images: torch.Tensor,
    truth: torch.Tensor,
    wanted: tuple[str, ...] = JUDGES,
) -> dict[str, dict[str, float | list[str]]]:
    """For each judge: its accuracy on the edits, its own error, and the objects it misses most."""
    others, own = build(settings, for_model=False), build(settings, for_model=True)
    kept = others.where([n for n, entry in enumerate(others.entries) if entry.source == KEPT])
    plain = own.where([n for n, entry in enumerate(own.entries) if not entry.colour])
    out: dict[str, dict[str, float | list[str]]] = {}
    for name, drawings in _material(settings, wanted).items():
        model = train(settings, name, drawings, photographs)
        chances = scores(model, images)
        right = chances.argmax(1) == truth
        third = (chances.topk(3, 1).indices == truth[:, None]).any(1)
        by_object = {NAMES[n]: float(right[truth == n].float().mean()) for n in range(len(NAMES)) if (truth == n).any()}
        worst = sorted(by_object, key=lambda word: by_object[word])[:12]
        out[name] = {
            "accuracy": round(float(right.float().mean()), 4),
            "accuracy_of_three": round(float(third.float().mean()), 4),
            "error_on_kept_set": round(error(model, kept, photographs), 4),
            "error_on_models_drawings": round(error(model, plain, photographs), 4),
            "worst": [f"{word} {by_object[word]:.0%}" for word in worst],
        }
    return out
