"""Further training of a finished model: its parts become the first checkpoints of a new work folder.

The shipped folder holds all that a denoiser needs to go on learning: the encoder that gives its latents their
meaning, the text encoder that gives the captions theirs, and its weights. What it does not hold, AdamW's two moments,
is regained within some hundred updates.
"""

from __future__ import annotations

from pathlib import Path

import torch
from diffusers import StableDiffusionPipeline

from training import denoiser
from training.progress import say
from training.settings import Settings
from training.workers import SharedWeights


def begin_from(settings: Settings, model: Path) -> None:
    """Write the checkpoints that let ``train`` go on from the model in the folder ``model``.

    Does nothing where the work folder has a denoiser's checkpoint already. Raises ``RuntimeError`` (from
    ``load_state_dict``) where the model's sizes are not those of ``settings``, and ``OSError`` where there is no model.
    """
    target = settings.folder("denoiser") / "checkpoint.pt"
    if target.exists():
        return
    pipeline = StableDiffusionPipeline.from_pretrained(model, dtype=torch.float32)
    torch.save(pipeline.vae.state_dict(), settings.folder("autoencoder") / "final.pt")
    pipeline.tokenizer.save_pretrained(settings.folder("text"))
    pipeline.text_encoder.save_pretrained(settings.folder("text"))
    unet = denoiser.make(settings)
    unet.load_state_dict(pipeline.unet.state_dict())
    weights = SharedWeights(unet, settings.denoiser_rate, settings.denoiser_average)
    torch.save({"weights": weights.tensors(), "spent": 0.0}, target)
    say(f"going on from the model in {model}")
