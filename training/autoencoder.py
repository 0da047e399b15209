"""The autoencoder: 192 x 192 premultiplied RGBA to 12 x 12 x 16 and back, a diffusers ``AutoencoderTiny``.

Convention: four channels, colour premultiplied by alpha, each mapped from 0..1 to -1..1 as diffusers does with RGB;
"nothing" is -1 in all four. A pipeline's ``output_type="pil"`` gives RGBA whose colour is still premultiplied.
"""

from __future__ import annotations

import os
from pathlib import Path

import torch
import torch.nn.functional as F  # noqa: N812
from diffusers import AutoencoderTiny

from training.clock import Clock
from training.dataset import Drawings
from training.precision import Masters
from training.progress import Bar, say
from training.settings import Settings
from training.sheets import save_sheet

LATENT_NOISE = 0.07
"""Noise added to latents in training, so that the decoder forgives the denoiser's small errors."""


def make(settings: Settings) -> AutoencoderTiny:
    """An untrained autoencoder; the last convolution of each block starts small, which trains much faster."""
    width = (settings.autoencoder_width,) * 5
    model = AutoencoderTiny(
        in_channels=4,
        out_channels=4,
        latent_channels=settings.latent_channels,
        encoder_block_out_channels=width,
        decoder_block_out_channels=width,
        num_encoder_blocks=(0, 1, 1, 3, 3),
        num_decoder_blocks=(4, 4, 3, 1, 1),
    )
    for module in model.modules():
        if type(module).__name__ == "AutoencoderTinyBlock":
            with torch.no_grad():
                module.conv[-1].weight.mul_(0.15)
                module.conv[-1].bias.zero_()
    return model


def augment(pixels: torch.Tensor, crop: int, generator: torch.Generator) -> torch.Tensor:
    """Crops (batch x 4 x crop x crop) of drawings (batch x 4 x size x size, premultiplied), turned, scaled, relit."""
    batch, _, size, _ = pixels.shape
    rand = lambda low, high: torch.rand(batch, generator=generator) * (high - low) + low  # noqa: E731
    angle, scale = rand(-0.25, 0.25), rand(0.8, 1.2)
    flip = torch.where(rand(0, 1) < 0.5, -1.0, 1.0)
    reach = crop / size
    room = 0.95 - reach * 0.75
    dx, dy = rand(-room, room), rand(-room, room)
    cos, sin = torch.cos(angle) * reach / scale, torch.sin(angle) * reach / scale
    matrix = torch.stack([torch.stack([cos * flip, -sin, dx], -1), torch.stack([sin * flip, cos, dy], -1)], 1)
    grid = F.affine_grid(matrix, [batch, 4, crop, crop], align_corners=False)
    out = F.grid_sample(pixels, grid, align_corners=False)
    colour, alpha = out[:, :3], out[:, 3:]
    light = rand(0.7, 1.15)[:, None, None, None]
    colour = torch.minimum(colour * light, alpha)
    mixed = colour[:, torch.randperm(3, generator=generator)]
    colour = torch.where((rand(0, 1) < 0.15)[:, None, None, None], mixed, colour)
    return torch.cat([colour, alpha], 1)


def loss_of(model: AutoencoderTiny, target: torch.Tensor, noise: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """The training loss, and the mean squared error inside the objects (to state in decibels)."""
    latents = model.encode((target * 2 - 1).to(model.dtype)).latents
    spread = latents.float()
    unit = spread.mean((0, 2, 3)).square().mean() + (spread.std((0, 2, 3)) - 1).square().mean()
    output = model.decode(latents + (LATENT_NOISE * noise).to(latents.dtype)).sample.float() / 2 + 0.5
    weight = 0.35 + 0.65 * F.max_pool2d(target[:, 3:], 9, 1, 4)
    error = output - target
    flat = (error.abs() * weight).mean() + 2.0 * (error.square() * weight).mean()
    edges = sum((error.diff(dim=d).abs()).mean() for d in (2, 3))
    # Means over patches make the colours come early; point by point, light is learnt long before hue.
    patches = F.avg_pool2d(error, 8).abs().mean()
    inside = target[:, 3:] > 0.5
    square = (error.detach().square() * inside).sum() / (inside.sum() * 4).clamp(min=1)
    return flat + 0.7 * edges + 1.5 * patches + 0.02 * unit, square


def train(settings: Settings, drawings: Drawings) -> AutoencoderTiny:
    """Train for ``autoencoder_minutes`` or go on from the checkpoint; returns the averaged model in float32."""
    folder = settings.folder("autoencoder")
    torch.manual_seed(settings.seed)
    generator = torch.Generator().manual_seed(settings.seed + os.getpid())
    model = make(settings)
    if (folder / "final.pt").exists():
        model.load_state_dict(torch.load(folder / "final.pt"))
        return model.eval()
    live = make(settings).to(torch.bfloat16).to(memory_format=torch.channels_last).train()
    live.load_state_dict(model.state_dict())
    masters = Masters(live, settings.autoencoder_rate, 0.998, weight_decay=0.0)
    clock = Clock(settings.autoencoder_minutes)
    if (folder / "checkpoint.pt").exists():
        saved = torch.load(folder / "checkpoint.pt")
        masters.restore(saved["masters"])
        clock.spent = saved["spent"]
    pixels = torch.from_numpy(drawings.pixels).permute(0, 3, 1, 2)
    # A drawing counts as much as its recoloured copies together: shapes are what is hard.
    odds = torch.tensor([0.35 if entry.colour else 1.0 for entry in drawings.entries])
    bar, share, seen, square = Bar("autoencoder"), 0.0, 0, 0.01
    next_save, next_sheet = clock.spent + settings.checkpoint_minutes * 60, clock.spent + 150.0
    while share < 1:
        crop, number = (settings.autoencoder_crop, settings.autoencoder_batch)
        if share > settings.autoencoder_small_share:
            crop, number = (crop * 3 // 2, number // 2)
        chosen = torch.multinomial(odds, number, replacement=True, generator=generator)
        target = augment(pixels[chosen].float() / 255, crop, generator)
        target = target.contiguous(memory_format=torch.channels_last)
        side = crop // 16
        noise = torch.randn(len(chosen), settings.latent_channels, side, side, generator=generator)
        loss, error = loss_of(live, target, noise)
        loss.backward()
        masters.step(share)
        share = clock.tick()
        seen += len(chosen)
        square = 0.99 * square + 0.01 * float(error)
        decibels = -10 * torch.log10(torch.tensor(square)).item()
        bar.show(
            share,
            f"step {masters.steps} loss {float(loss):.4f} inside {decibels:.1f} dB "
            f"{masters.steps / clock.spent:.1f} steps/s",
        )
        if clock.spent > next_save or share >= 1:
            next_save = clock.spent + settings.checkpoint_minutes * 60
            torch.save({"masters": masters.state(), "spent": clock.spent}, folder / "checkpoint.pt")
        if clock.spent > next_sheet or share >= 1:
            next_sheet = clock.spent + settings.sheet_minutes * 60
            masters.load_average(model)
            say(f"autoencoder: {measure(model, drawings, folder / 'sheet.png'):.2f} dB inside, whole drawings")
            clock.skip()
    masters.load_average(model)
    torch.save(model.state_dict(), folder / "final.pt")
    return model.eval()


@torch.no_grad()
def measure(model: AutoencoderTiny, drawings: Drawings, sheet: Path) -> float:
    """Mean PSNR inside the objects over 48 drawings, whole and unaugmented; writes pairs to ``sheet``."""
    model.eval()
    chosen = torch.linspace(0, len(drawings.entries) - 1, 48).long()
    target = torch.from_numpy(drawings.pixels)[chosen].permute(0, 3, 1, 2).float() / 255
    output = (model.decode(model.encode(target * 2 - 1).latents).sample / 2 + 0.5).clamp(0, 1)
    inside = target[:, 3:] > 0.5
    square = ((output - target).square() * inside).sum((1, 2, 3)) / (inside.sum((1, 2, 3)) * 4)
    pairs = torch.stack([target, output], 1).flatten(0, 1).permute(0, 2, 3, 1).numpy()
    save_sheet(pairs[:64], sheet, columns=8)
    return float((-10 * torch.log10(square)).mean())


@torch.no_grad()
def encode(model: AutoencoderTiny, drawings: Drawings, lights: tuple[float, ...] = (1.0,)) -> torch.Tensor:
    """Latents of all drawings at each brightness: number x len(lights) x channels x side x side, float32."""
    model.eval()
    pixels = torch.from_numpy(drawings.pixels).permute(0, 3, 1, 2)
    out = []
    for start in range(0, len(pixels), 16):
        part = pixels[start : start + 16].float() / 255
        rows = [torch.cat([torch.minimum(part[:, :3] * light, part[:, 3:]), part[:, 3:]], 1) for light in lights]
        out.append(torch.stack([model.encode(row * 2 - 1).latents for row in rows], 1))
    return torch.cat(out)
