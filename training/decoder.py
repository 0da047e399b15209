"""A second training of the decoder alone, on the very latents that the denoiser makes.

The encoder stays, so the denoiser's latents keep their meaning; the decoder stops caring for turned and cropped
drawings, which it will never be given again. Half of what it is given is the encoder's, half the denoiser's own
(``imagine.py``), so that it learns to draw cleanly from latents that are a little wrong.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass

import torch
import torch.nn.functional as F  # noqa: N812
from diffusers import AutoencoderTiny

from training import autoencoder
from training.clock import Clock
from training.dataset import Drawings
from training.progress import Bar, say
from training.settings import Settings
from training.workers import Crew, SharedWeights

BATCH = 4
ENCODERS_SHARE = 0.45
NOISE = 0.1
"""About the distance from a sampled latent to the one it was learnt from, in deviations."""


@dataclass(frozen=True)
class Pairs:
    """Latents and the drawings they stand for, shared by the processes."""

    settings: Settings
    decoder: dict[str, torch.Tensor]
    latents: torch.Tensor
    """Versions x number x channels x side x side; the first version is the encoder's."""
    pixels: torch.Tensor
    """Number x 4 x size x size, uint8, premultiplied."""
    odds: torch.Tensor


def loss_of(output: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    """Absolute error, mostly on and near the object, of the pixels, their gradients and means over patches."""
    weight = 0.3 + 0.7 * F.max_pool2d(target[:, 3:], 9, 1, 4)
    error = output - target
    edges = sum((error.diff(dim=d).abs()).mean() for d in (2, 3))
    return (
        (error.abs() * weight).mean()
        + (error.square() * weight).mean()
        + 0.7 * edges
        + 0.5 * F.avg_pool2d(error, 6).abs().mean()
    )


def start_worker(number: int, pairs: Pairs) -> tuple[torch.nn.Module, Callable[[], tuple[torch.Tensor, int]]]:
    """A training process's own decoder (bfloat16) and the function that gives it a loss."""
    model = autoencoder.make(pairs.settings)
    model.decoder.load_state_dict(pairs.decoder)
    decoder = model.decoder.to(torch.bfloat16).to(memory_format=torch.channels_last).train()
    generator = torch.Generator().manual_seed(7919 * number + int(time.time()) % 997)

    def loss() -> tuple[torch.Tensor, int]:
        chosen = torch.multinomial(pairs.odds, BATCH, replacement=True, generator=generator)
        version = torch.randint(1, len(pairs.latents), (BATCH,), generator=generator)
        version[torch.rand(BATCH, generator=generator) < ENCODERS_SHARE] = 0
        latents = pairs.latents[version, chosen]
        amount = NOISE * torch.rand(BATCH, 1, 1, 1, generator=generator)
        noisy = (latents + amount * torch.randn(latents.shape, generator=generator)).to(torch.bfloat16)
        output = decoder(noisy.contiguous(memory_format=torch.channels_last)).float() / 2 + 0.5
        return loss_of(output, pairs.pixels[chosen].float() / 255), BATCH

    return decoder, loss


def refine(settings: Settings, model: AutoencoderTiny, drawings: Drawings, latents: torch.Tensor) -> AutoencoderTiny:
    """Train the decoder for ``decoder_minutes`` (0: not at all); returns the model with the averaged decoder.

    ``latents``: versions x number x channels x side x side, of the drawings in their order, the encoder's first.
    """
    path = settings.folder("autoencoder") / "refined.pt"
    if path.exists():
        model.load_state_dict(torch.load(path))
        return model.eval()
    if settings.decoder_minutes <= 0:
        return model.eval()
    pixels = torch.from_numpy(drawings.pixels).permute(0, 3, 1, 2).contiguous().share_memory_()
    odds = torch.tensor([0.4 if entry.colour else 1.0 for entry in drawings.entries])
    state = {name: value.clone() for name, value in model.decoder.state_dict().items()}
    weights = SharedWeights(model.decoder, settings.decoder_rate, 0.997)
    crew = Crew(
        weights,
        settings.workers,
        settings.workers,
        start_worker,
        Pairs(settings, state, latents.clone().share_memory_(), pixels, odds),
    )
    (settings.work / "pids").write_text(" ".join(str(n) for n in [os.getpid(), *(p.pid for p in crew.processes)]))
    clock, share, bar = Clock(settings.decoder_minutes), 0.0, Bar("decoder")
    while share < 1:
        time.sleep(0.5)
        crew.check()
        if not int(weights.counts[1]):
            clock.skip()
        share = clock.tick()
        weights.floats[0] = share
        bar.show(
            share,
            f"updates {int(weights.counts[1])} samples {int(weights.counts[2])} loss {float(weights.floats[1]):.4f}",
        )
    crew.stop()
    weights.copy_into(model.decoder, weights.average)
    torch.save(model.state_dict(), path)
    decibels = autoencoder.measure(model, drawings, settings.folder("autoencoder") / "refined.png")
    say(f"decoder: {decibels:.2f} dB inside, whole drawings")
    return model.eval()
