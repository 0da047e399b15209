"""The denoiser: a diffusers ``UNet2DConditionModel`` over 12 x 12 x 16 latents, trained with v-prediction."""

from __future__ import annotations

import math
import os
import random
from collections.abc import Callable

import torch
import torch.nn.functional as F  # noqa: N812
from diffusers import DDPMScheduler, UNet2DConditionModel
from diffusers.models.attention_processor import AttnProcessor

from training.captions import paraphrase
from training.clock import Clock
from training.dataset import Drawings, Entry
from training.precision import Masters
from training.progress import Bar, say
from training.settings import Settings

CAPTIONS_EACH = 16
"""Captions encoded in advance for each drawing."""
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


class Batches:
    """Draws training batches: noisy latents, time steps, caption embeddings, and what is to be predicted."""

    def __init__(
        self,
        settings: Settings,
        latents: torch.Tensor,
        entries: list[Entry],
        encode: Callable[[list[str]], torch.Tensor],
        seed: int,
    ) -> None:
        chance = random.Random(seed)
        self.latents, self.size, self.empty = latents, settings.denoiser_batch, settings.empty_captions
        captions = [paraphrase(entry, chance) for entry in entries for _ in range(CAPTIONS_EACH)]
        embedded = encode([*captions, ""]).to(torch.bfloat16)
        self.nothing = embedded[-1]
        self.embedded = embedded[:-1].view(len(entries), CAPTIONS_EACH, *embedded.shape[1:])
        self.odds = odds(entries)
        self.generator = torch.Generator().manual_seed(seed)
        self.alphas = DDPMScheduler(**NOISE).alphas_cumprod

    def next(self) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]:
        """Noisy latents (bfloat16), time steps, embeddings (bfloat16), the velocity to predict (float32)."""
        g, n = self.generator, self.size
        chosen = torch.multinomial(self.odds, n, replacement=True, generator=g)
        clean = self.latents[chosen, torch.randint(self.latents.shape[1], (n,), generator=g)]
        words = self.embedded[chosen, torch.randint(CAPTIONS_EACH, (n,), generator=g)].clone()
        words[torch.rand(n, generator=g) < self.empty] = self.nothing
        # One time step in each n-th of the range: the same mean loss with less variance.
        steps = ((torch.arange(n) + torch.rand(n, generator=g)) / n * 1000).long().clamp(0, 999)
        noise = torch.randn(clean.shape, generator=g)
        signal = self.alphas[steps].sqrt().view(-1, 1, 1, 1)
        rest = (1 - self.alphas[steps]).sqrt().view(-1, 1, 1, 1)
        return (
            (signal * clean + rest * noise).to(torch.bfloat16),
            steps,
            words,
            signal * noise - rest * clean,
        )


def odds(entries: list[Entry]) -> torch.Tensor:
    """How often each drawing is drawn: every object alike, half of it in its own colours where it has others."""
    counts: dict[tuple[str, bool], int] = {}
    for entry in entries:
        key = (entry.object, bool(entry.colour))
        counts[key] = counts.get(key, 0) + 1
    weights = []
    for entry in entries:
        coloured = (entry.object, True) in counts
        # An object with colours has more to learn: it gets more than one without, but not as many times more.
        share = (1.0 if not entry.colour else math.sqrt(counts[entry.object, True]) / 1.6) if coloured else 1.0
        weights.append(share / counts[entry.object, bool(entry.colour)] * math.sqrt(counts[entry.object, False]))
    return torch.tensor(weights)


def train(
    settings: Settings,
    drawings: Drawings,
    latents: torch.Tensor,
    encode: Callable[[list[str]], torch.Tensor],
    publish: Callable[[UNet2DConditionModel, int], None],
) -> UNet2DConditionModel:
    """Train for ``denoiser_minutes`` or go on from the checkpoint; returns the averaged model in float32.

    ``latents``: number x variants x channels x side x side. ``publish`` is called with the averaged model and the
    number of samples seen, every few minutes and at the end, to write the folder and a sheet.
    """
    folder = settings.folder("denoiser")
    torch.manual_seed(settings.seed)
    average = make(settings)
    live = make(settings)
    live.load_state_dict(average.state_dict())
    for module in (live, average):
        module.train(module is live)
    live = live.to(torch.bfloat16)
    masters = Masters(live, settings.denoiser_rate, settings.denoiser_average)
    clock = Clock(settings.denoiser_minutes)
    if (folder / "checkpoint.pt").exists():
        saved = torch.load(folder / "checkpoint.pt")
        masters.restore(saved["masters"])
        clock.spent = saved["spent"]
        say(f"denoiser: going on after {clock.spent / 60:.1f} minutes, {masters.steps} steps")
    batches = Batches(settings, latents, drawings.entries, encode, settings.seed + os.getpid())
    run = torch.compile(lambda x, t, c: live(x, t, c, return_dict=False)[0])
    bar, loss_mean = Bar("denoiser"), 0.0
    share = clock.spent / clock.total
    next_save, next_sheet = clock.spent + settings.checkpoint_minutes * 60, clock.spent + 240.0
    while share < 1:
        noisy, steps, words, velocity = batches.next()
        loss = F.mse_loss(run(noisy, steps, words).float(), velocity)
        loss.backward()
        masters.step(share)
        if masters.steps <= 2:
            clock.skip()
        share = clock.tick()
        value = float(loss)
        loss_mean = value if not loss_mean else 0.98 * loss_mean + 0.02 * value
        seen = masters.steps * settings.denoiser_batch
        bar.show(share, f"step {masters.steps} samples {seen} loss {loss_mean:.4f} {seen / clock.spent:.0f}/s")
        if clock.spent > next_save or share >= 1:
            next_save = clock.spent + settings.checkpoint_minutes * 60
            torch.save({"masters": masters.state(), "spent": clock.spent}, folder / "writing.pt")
            (folder / "writing.pt").replace(folder / "checkpoint.pt")
        if clock.spent > next_sheet and share < 1:
            next_sheet = clock.spent + settings.sheet_minutes * 60
            masters.load_average(average)
            publish(average, seen)
            clock.skip()
    masters.load_average(average)
    publish(average, masters.steps * settings.denoiser_batch)
    return average.eval()
