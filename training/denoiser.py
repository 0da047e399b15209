"""The denoiser: a diffusers ``UNet2DConditionModel`` over 12 x 12 x 16 latents, trained with v-prediction."""

from __future__ import annotations

import math
import os
import random
import time
from collections.abc import Callable
from dataclasses import dataclass

import torch
import torch.nn.functional as F  # noqa: N812
from diffusers import DDPMScheduler, UNet2DConditionModel
from diffusers.models.attention_processor import AttnProcessor

from training.captions import paraphrase
from training.clock import Clock
from training.dataset import Entry
from training.progress import Bar, say
from training.settings import Settings
from training.workers import Crew, SharedWeights

CAPTIONS_EACH = 12
"""Captions encoded in advance for each drawing."""
LATE = 0.6
"""Below 1 there are more steps with much noise, where it is decided what the thing will be; with little noise the
velocity is mostly noise that cannot be known, and an error there hardly shows."""
COLOURED_SHARE = 1.1
"""How often an object is seen in other colours, for each time it is seen in its own."""
NOISE = {
    "num_train_timesteps": 1000,
    "beta_start": 0.00085,
    "beta_end": 0.012,
    "beta_schedule": "scaled_linear",
    "prediction_type": "v_prediction",
}
"""The noise schedule, shared by training and the shipped sampler."""


def make(settings: Settings) -> UNet2DConditionModel:
    """An untrained denoiser; the pooled caption also enters with the time step, at every depth."""
    model = UNet2DConditionModel(
        sample_size=settings.latent_side,
        in_channels=settings.latent_channels,
        out_channels=settings.latent_channels,
        block_out_channels=settings.denoiser_widths,
        layers_per_block=1,
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"),
        cross_attention_dim=settings.text_width,
        attention_head_dim=4,
        norm_num_groups=16,
        addition_embed_type="text",
    )
    # The fused attention's backward pass is slow on processors.
    model.set_attn_processor(AttnProcessor())
    return model


@dataclass(frozen=True)
class Material:
    """What training batches are drawn from, shared by the processes."""

    settings: Settings
    latents: torch.Tensor
    """Number x variants x channels x side x side."""
    embedded: torch.Tensor
    """Number x captions each x tokens x width, bfloat16."""
    nothing: torch.Tensor
    """The empty caption's embedding."""
    odds: torch.Tensor

    @classmethod
    def of(
        cls,
        settings: Settings,
        latents: torch.Tensor,
        entries: list[Entry],
        encode: Callable[[list[str]], torch.Tensor],
    ) -> Material:
        """Encode the captions of all drawings."""
        chance = random.Random(settings.seed)
        captions = [paraphrase(entry, chance) for entry in entries for _ in range(CAPTIONS_EACH)]
        embedded = encode([*captions, ""]).to(torch.bfloat16)
        each = embedded[:-1].view(len(entries), CAPTIONS_EACH, *embedded.shape[1:])
        return cls(settings, latents.share_memory_(), each.clone().share_memory_(), embedded[-1].clone(), odds(entries))


class Batches:
    """Draws training batches: noisy latents, time steps, caption embeddings, and what is to be predicted."""

    def __init__(self, material: Material, size: int, seed: int) -> None:
        self.material, self.size = material, size
        self.generator = torch.Generator().manual_seed(seed)
        self.alphas = DDPMScheduler(**NOISE).alphas_cumprod

    def next(self) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]:
        """Noisy latents (bfloat16), time steps, embeddings (bfloat16), the velocity to predict (float32)."""
        g, n, source = self.generator, self.size, self.material
        chosen = torch.multinomial(source.odds, n, replacement=True, generator=g)
        clean = source.latents[chosen, torch.randint(source.latents.shape[1], (n,), generator=g)]
        words = source.embedded[chosen, torch.randint(source.embedded.shape[1], (n,), generator=g)].clone()
        words[torch.rand(n, generator=g) < source.settings.empty_captions] = source.nothing
        # One time step in each n-th of the range: the same mean loss with less variance.
        even = (torch.arange(n) + torch.rand(n, generator=g)) / n
        steps = (even**LATE * 1000).long().clamp(0, 999)
        noise = torch.randn(clean.shape, generator=g)
        signal = self.alphas[steps].sqrt().view(-1, 1, 1, 1)
        rest = (1 - self.alphas[steps]).sqrt().view(-1, 1, 1, 1)
        return ((signal * clean + rest * noise).to(torch.bfloat16), steps, words, signal * noise - rest * clean)


def start_worker(number: int, material: Material) -> tuple[torch.nn.Module, Callable[[], tuple[torch.Tensor, int]]]:
    """A training process's own module (bfloat16) and the function that gives it a loss."""
    module = make(material.settings).to(torch.bfloat16).train()
    size = material.settings.denoiser_batch
    batches = Batches(material, size, material.settings.seed + 1000 * number + int(time.time()) % 997)
    run = lambda x, t, c: module(x, t, c, return_dict=False)[0]  # noqa: E731
    if material.settings.compile:
        run = torch.compile(run)

    def loss_of() -> tuple[torch.Tensor, int]:
        noisy, steps, words, velocity = batches.next()
        return F.mse_loss(run(noisy, steps, words).float(), velocity), size

    return module, loss_of


def odds(entries: list[Entry]) -> torch.Tensor:
    """How often each drawing is drawn: every object alike, and as often again in other colours where it has them."""
    counts: dict[tuple[str, bool], int] = {}
    for entry in entries:
        key = (entry.object, bool(entry.colour))
        counts[key] = counts.get(key, 0) + 1
    weights = []
    for entry in entries:
        # An object with colours has more to learn, but its colours teach its shape too.
        share = COLOURED_SHARE if entry.colour else 1.0
        weights.append(share / counts[entry.object, bool(entry.colour)] * math.sqrt(counts[entry.object, False]))
    return torch.tensor(weights)


def train(
    settings: Settings, material: Material, publish: Callable[[UNet2DConditionModel, str], None]
) -> UNet2DConditionModel:
    """Train for ``denoiser_minutes`` or go on from the checkpoint; returns the model in float32.

    ``publish`` is called with the averaged model and a name every few minutes, to write the folder and a sheet; the
    processes wait meanwhile.
    """
    folder = settings.folder("denoiser")
    torch.manual_seed(settings.seed)
    average = make(settings).eval()
    weights = SharedWeights(average, settings.denoiser_rate, settings.denoiser_average)
    clock = Clock(settings.denoiser_minutes)
    if (folder / "checkpoint.pt").exists():
        saved = torch.load(folder / "checkpoint.pt")
        weights.restore(saved["weights"])
        clock.spent = saved["spent"]
        say(f"denoiser: going on after {clock.spent / 60:.1f} minutes, {int(weights.counts[1])} updates")
    share = clock.spent / clock.total
    if share >= 1:
        weights.copy_into(average, weights.master)
        return average
    weights.floats[0] = share
    crew = Crew(weights, settings.workers, 1, start_worker, material)
    (settings.work / "pids").write_text(" ".join(str(n) for n in [os.getpid(), *(p.pid for p in crew.processes)]))
    bar, first = Bar("denoiser"), int(weights.counts[1])
    next_save, next_sheet = clock.spent + settings.checkpoint_minutes * 60, clock.spent + 300.0
    while share < 1:
        time.sleep(0.5)
        crew.check()
        if int(weights.counts[1]) == first:
            clock.skip()  # Compiling is no training.
        share = clock.tick()
        weights.floats[0] = share
        seen = int(weights.counts[2])
        bar.show(
            share,
            f"updates {int(weights.counts[1])} samples {seen} loss {float(weights.floats[1]):.4f} "
            f"{seen / max(clock.spent, 1):.0f}/s",
        )
        if clock.spent > next_save or share >= 1:
            next_save = clock.spent + settings.checkpoint_minutes * 60
            with crew.lock:
                torch.save({"weights": weights.tensors(), "spent": clock.spent}, folder / "writing.pt")
            (folder / "writing.pt").replace(folder / "checkpoint.pt")
        if clock.spent > next_sheet and share < 1:
            next_sheet = clock.spent + settings.sheet_minutes * 60
            crew.hold()
            weights.copy_into(average, weights.average)
            publish(average, f"{seen:07d}")
            crew.go()
            clock.skip()
    crew.stop()
    # The rate has come down to nothing by now: the weights need no averaging, and the average lags behind them.
    weights.copy_into(average, weights.master)
    return average
