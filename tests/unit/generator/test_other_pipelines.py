"""Pipelines with other signatures, several text encoders or transformers run behind the same interface.

Their parts are made in code, the smallest that each class takes; what is tested is the fit, not the picture.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from diffusers import (
    AutoencoderKL,
    DDIMScheduler,
    FlowMatchEulerDiscreteScheduler,
    FluxInpaintPipeline,
    FluxKontextPipeline,
    FluxTransformer2DModel,
    SD3Transformer2DModel,
    StableDiffusion3InpaintPipeline,
    StableDiffusionXLInpaintPipeline,
    UNet2DConditionModel,
)
from transformers import (
    CLIPTextConfig,
    CLIPTextModel,
    CLIPTextModelWithProjection,
    T5Config,
    T5EncoderModel,
)

from services.generator.engine import Edit, EditCancelled, Pixels, edited_picture
from services.generator.models.denoising import Denoiser, Monitor
from services.generator.models.device import Placement
from services.generator.models.files import Defaults
from services.generator.models.painters import Repaint
from services.generator.models.tiny import _tokenizer
from shared import sectors

WIDTH = 32


def clip(with_projection: bool) -> Any:
    config = CLIPTextConfig(
        vocab_size=514, hidden_size=WIDTH, intermediate_size=37, num_hidden_layers=2, num_attention_heads=2,
        max_position_embeddings=24, bos_token_id=512, eos_token_id=513, pad_token_id=513, projection_dim=WIDTH,
    )  # fmt: skip
    return CLIPTextModelWithProjection(config) if with_projection else CLIPTextModel(config)


def t5() -> Any:
    return T5EncoderModel(
        T5Config(vocab_size=514, d_model=WIDTH, d_kv=8, d_ff=37, num_layers=1, num_heads=2, pad_token_id=513)
    ).eval()


def autoencoder(channels: int, **options: Any) -> Any:
    return AutoencoderKL(
        block_out_channels=(8, 8), down_block_types=("DownEncoderBlock2D",) * 2,
        up_block_types=("UpDecoderBlock2D",) * 2, layers_per_block=1, latent_channels=channels, norm_num_groups=4,
        sample_size=64, **options,
    )  # fmt: skip


def sdxl() -> Any:
    unet = UNet2DConditionModel(
        sample_size=32, in_channels=4, out_channels=4, block_out_channels=(16, 32), layers_per_block=1,
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"), up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"),
        attention_head_dim=(2, 4), addition_embed_type="text_time", addition_time_embed_dim=8,
        projection_class_embeddings_input_dim=80, cross_attention_dim=2 * WIDTH, norm_num_groups=8,
    )  # fmt: skip
    return StableDiffusionXLInpaintPipeline(
        vae=autoencoder(4), text_encoder=clip(False), text_encoder_2=clip(True), tokenizer=_tokenizer(),
        tokenizer_2=_tokenizer(), unet=unet, scheduler=DDIMScheduler(), add_watermarker=False,
    )  # fmt: skip


def sd3() -> Any:
    transformer = SD3Transformer2DModel(
        sample_size=32, patch_size=1, in_channels=16, num_layers=1, attention_head_dim=8, num_attention_heads=4,
        joint_attention_dim=WIDTH, caption_projection_dim=32, pooled_projection_dim=2 * WIDTH, out_channels=16,
    )  # fmt: skip
    return StableDiffusion3InpaintPipeline(
        transformer=transformer, scheduler=FlowMatchEulerDiscreteScheduler(), vae=autoencoder(16, shift_factor=0.06),
        text_encoder=clip(True), tokenizer=_tokenizer(), text_encoder_2=clip(True), tokenizer_2=_tokenizer(),
        text_encoder_3=t5(), tokenizer_3=_tokenizer(),
    )  # fmt: skip


def flux(cls: Any) -> Any:
    transformer = FluxTransformer2DModel(
        patch_size=1, in_channels=16, num_layers=1, num_single_layers=1, attention_head_dim=16,
        num_attention_heads=2, joint_attention_dim=WIDTH, pooled_projection_dim=WIDTH, axes_dims_rope=(4, 4, 8),
        guidance_embeds=True,
    )  # fmt: skip
    return cls(
        scheduler=FlowMatchEulerDiscreteScheduler(), vae=autoencoder(4, shift_factor=0.06, scaling_factor=1.5),
        text_encoder=clip(False), tokenizer=_tokenizer(), text_encoder_2=t5(), tokenizer_2=_tokenizer(),
        transformer=transformer,
    )  # fmt: skip


MAKERS: dict[str, tuple[Callable[[], Any], int]] = {
    "sdxl": (sdxl, 2),
    "sd3": (sd3, 3),
    "flux": (lambda: flux(FluxInpaintPipeline), 2),
    "flux-kontext": (lambda: flux(FluxKontextPipeline), 2),
}
"""How each is made, and how many text encoders it has."""


@pytest.mark.parametrize("name", MAKERS)
def test_it_paints_the_sector_reports_its_steps_and_encodes_a_prompt_once(name: str, photo: Pixels) -> None:
    make, encoders = MAKERS[name]
    torch.manual_seed(0)
    pipeline = make()
    pipeline.set_progress_bar_config(disable=True)
    denoiser = Denoiser(pipeline, Placement(torch.device("cpu"), torch.float32), Defaults(steps=2, size=64))
    repaint = Repaint(denoiser)
    region = sectors.region("BR", 3, photo.shape[1], photo.shape[0])
    told: list[tuple[int, int]] = []
    progress = Monitor(lambda done, total: told.append((done, total)), lambda: False)

    def run(prompt: str, progress: Monitor = progress) -> Pixels:
        edit = Edit(photo, region, prompt, 5, strength=1.0, negative_prompt="blurry")
        return edited_picture(edit, repaint(edit, denoiser.values(edit), progress))

    first = run("a fox")
    assert told == [(1, 2), (2, 2)]
    kept = len(denoiser.texts)
    assert kept >= encoders
    assert np.array_equal(run("a fox"), first)
    assert len(denoiser.texts) == kept
    assert not np.array_equal(run("a bird"), first)
    changed = (first != photo).any(axis=2)
    assert changed[region.top :, region.left :].any()
    changed[region.slices] = False
    assert not changed.any()
    stop = Monitor(lambda done, total: told.append((done, total)), lambda: told[-1][0] == 1)
    with pytest.raises(EditCancelled):
        run("a fox", stop)
    assert told[-1] == (1, 2)
