"""Tiny pipelines with random weights, built by this project: for tests, and only where a test asks for one by name.

They are folders as any other, loaded by the same ``from_pretrained``, so everything but the beauty of the pictures is
as with a real model. Nothing is fetched: tokenizer, text encoder, UNet, autoencoder and scheduler are made in code.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from pathlib import Path
from typing import Any, Literal, get_args

from services.generator.models.libraries import prepare_libraries

TinyKind = Literal["inpaint", "edit", "layer", "text"]
"""``text`` is a text-to-image model without a mask input, which also inpaints: the oldest form."""

VERSION = "1"
"""Raise when what is built changes: the folder of another version is left alone."""
NAMES: dict[str, TinyKind] = {"tiny": "inpaint", **{f"tiny-{kind}": kind for kind in get_args(TinyKind)}}
"""By what ``PARAFOVEA_MODEL`` may say."""
_SEED = 20
_TOKENS = 24
_TEXT_WIDTH = 32
_LATENT_CHANNELS = 4
_SIDE = 16
"""Of the latents, in cells; a cell is 8 pixels, so that the models work at 128 x 128."""
_UNET_CHANNELS: dict[TinyKind, int] = {"inpaint": 9, "edit": 8, "layer": 4, "text": 4}
"""Noise; for inpaint also the mask and the picture under it, for edit the picture."""


def ensure_tiny(folder: Path, kind: TinyKind = "inpaint") -> Path:
    """The folder of a tiny model below ``folder``, built at the first call; about a second. Built beside and renamed,
    so that of processes that start at once each finds a whole one. Raises OSError: the folder cannot be written."""
    target = folder / f"{kind}-{VERSION}"
    if (target / "model_index.json").is_file():
        return target
    folder.mkdir(parents=True, exist_ok=True)
    building = Path(tempfile.mkdtemp(prefix=f".{kind}-", dir=folder))
    try:
        _build(building, kind)
        try:
            os.rename(building, target)
        except OSError:
            if not (target / "model_index.json").is_file():  # not that another process was first
                raise
    finally:
        shutil.rmtree(building, ignore_errors=True)
    return target


def _build(folder: Path, kind: TinyKind) -> None:
    prepare_libraries()
    import torch
    from diffusers import (
        DDIMScheduler,
        StableDiffusionInpaintPipeline,
        StableDiffusionInstructPix2PixPipeline,
        StableDiffusionPipeline,
        UNet2DConditionModel,
    )
    from transformers import CLIPTextConfig, CLIPTextModel

    classes = {
        "inpaint": StableDiffusionInpaintPipeline,
        "edit": StableDiffusionInstructPix2PixPipeline,
        "layer": StableDiffusionPipeline,
        "text": StableDiffusionPipeline,
    }
    tokenizer = _tokenizer()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(_SEED)
        text_encoder = CLIPTextModel(
            CLIPTextConfig(
                vocab_size=len(tokenizer),
                hidden_size=_TEXT_WIDTH,
                intermediate_size=2 * _TEXT_WIDTH,
                num_hidden_layers=1,
                num_attention_heads=2,
                max_position_embeddings=_TOKENS,
                bos_token_id=tokenizer.bos_token_id,
                eos_token_id=tokenizer.eos_token_id,
                pad_token_id=tokenizer.pad_token_id,
            )
        )
        unet = UNet2DConditionModel(
            sample_size=_SIDE,
            in_channels=_UNET_CHANNELS[kind],
            out_channels=_LATENT_CHANNELS,
            block_out_channels=(16, 32),
            layers_per_block=1,
            down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"),
            up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"),
            cross_attention_dim=_TEXT_WIDTH,
            attention_head_dim=8,
            norm_num_groups=8,
        )
        vae = _autoencoder(rgba=kind == "layer")
    scheduler = DDIMScheduler(beta_schedule="scaled_linear", clip_sample=False, set_alpha_to_one=False, steps_offset=1)
    pipeline = classes[kind](
        vae=vae,
        text_encoder=text_encoder,
        tokenizer=tokenizer,
        unet=unet,
        scheduler=scheduler,
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    )
    pipeline.save_pretrained(folder)
    (folder / "parafovea.json").write_text(json.dumps({"steps": 4, "guidance_scale": 3.0}), encoding="utf-8")


def _tokenizer() -> Any:
    """CLIP's byte-level tokenizer with no merges: one token a letter, every text has one."""
    from transformers import CLIPTokenizer
    from transformers.convert_slow_tokenizer import bytes_to_unicode

    letters = list(bytes_to_unicode().values())
    names = [*letters, *(f"{letter}</w>" for letter in letters), "<|startoftext|>", "<|endoftext|>"]
    return CLIPTokenizer(vocab={name: number for number, name in enumerate(names)}, merges=[], model_max_length=_TOKENS)


def _autoencoder(rgba: bool) -> Any:
    """Shrinks by 8, as the autoencoders of real models do."""
    import torch
    from diffusers import AutoencoderKL, AutoencoderTiny

    if rgba:
        vae = AutoencoderTiny(
            in_channels=4,
            out_channels=4,
            encoder_block_out_channels=(8, 8, 8, 8),
            decoder_block_out_channels=(8, 8, 8, 8),
            num_encoder_blocks=(1, 1, 1, 1),
            num_decoder_blocks=(1, 1, 1, 1),
            latent_channels=_LATENT_CHANNELS,
        )
        # Random weights give values around 0: lifted, so that there is something opaque to composite.
        torch.nn.init.constant_(vae.decoder.layers[-1].bias, 0.6)
        return vae
    return AutoencoderKL(
        block_out_channels=(8, 8, 16, 16),
        down_block_types=("DownEncoderBlock2D",) * 4,
        up_block_types=("UpDecoderBlock2D",) * 4,
        layers_per_block=1,
        latent_channels=_LATENT_CHANNELS,
        norm_num_groups=8,
    )
