"""The denoiser's own idea of each training latent: what the decoder will really be given.

A latent is drowned in noise and denoised again in a few steps, under its own caption. What comes back has the
denoiser's typical faults, and the drawing it should have been is known: so the decoder can learn to put them right.
"""

from __future__ import annotations

import torch
from diffusers import DDPMScheduler, UNet2DConditionModel

from training.denoiser import NOISE, Material

STEPS = (720, 520, 330, 160)
"""Noise levels from the start to the last step; at the first, hardly more than the outline is left."""


@torch.no_grad()
def imagine(unet: UNet2DConditionModel, material: Material, copies: int, seed: int = 3) -> torch.Tensor:
    """Latents as the denoiser would have them: copies x number x channels x side x side, float32.

    The steps are deterministic (DDIM: J. Song, C. Meng, S. Ermon, 2021), with v-prediction.
    """
    model = unet.to(torch.bfloat16)
    alphas = DDPMScheduler(**NOISE).alphas_cumprod
    generator = torch.Generator().manual_seed(seed)
    out = []
    for copy in range(copies):
        parts = []
        for start in range(0, len(material.latents), 64):
            x = material.latents[start : start + 64, 0]
            words = material.embedded[start : start + 64, copy % material.embedded.shape[1]]
            noise = torch.randn(x.shape, generator=generator)
            for number, step in enumerate(STEPS):
                signal, rest = alphas[step].sqrt(), (1 - alphas[step]).sqrt()
                if not number:
                    x = signal * x + rest * noise
                velocity = model(x.to(torch.bfloat16), step, words, return_dict=False)[0].float()
                clean, noise = signal * x - rest * velocity, signal * velocity + rest * x
                if number + 1 < len(STEPS):
                    after = alphas[STEPS[number + 1]]
                    x = after.sqrt() * clean + (1 - after).sqrt() * noise
            parts.append(clean)
        out.append(torch.cat(parts))
    unet.to(torch.float32)
    return torch.stack(out)
