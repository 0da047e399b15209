"""Kandinsky 2.2 with its prior, and Kandinsky 5's editor."""

from __future__ import annotations

from typing import Any

from tests.support.families import parts
from tests.support.families.tokens import clip_tokenizer
from tests.support.families.vision import qwen_processor


def _decoder() -> dict[str, Any]:
    from diffusers import DDPMScheduler, UNet2DConditionModel, VQModel

    unet = UNet2DConditionModel(
        sample_size=8, in_channels=9, out_channels=8, addition_embed_type="image",
        down_block_types=("ResnetDownsampleBlock2D", "SimpleCrossAttnDownBlock2D"),
        up_block_types=("SimpleCrossAttnUpBlock2D", "ResnetUpsampleBlock2D"),
        mid_block_type="UNetMidBlock2DSimpleCrossAttn", block_out_channels=(16, 32), layers_per_block=1,
        encoder_hid_dim=parts.WIDTH, encoder_hid_dim_type="image_proj", cross_attention_dim=parts.WIDTH,
        attention_head_dim=4, resnet_time_scale_shift="scale_shift", norm_num_groups=8,
    )  # fmt: skip
    movq = VQModel(
        block_out_channels=(32,) * 4, down_block_types=("DownEncoderBlock2D",) * 4,
        up_block_types=("UpDecoderBlock2D",) * 4, latent_channels=4, layers_per_block=1, norm_num_groups=4,
        norm_type="spatial", num_vq_embeddings=12, vq_embed_dim=4,
    )  # fmt: skip
    return {"unet": unet, "movq": movq, "scheduler": DDPMScheduler(beta_schedule="linear", clip_sample=False)}


def decoder() -> Any:
    from diffusers import KandinskyV22InpaintPipeline

    return KandinskyV22InpaintPipeline(**_decoder())


def combined() -> Any:
    from diffusers import KandinskyV22InpaintCombinedPipeline, PriorTransformer, UnCLIPScheduler

    prior = PriorTransformer(
        num_attention_heads=2, attention_head_dim=12, embedding_dim=parts.WIDTH, num_layers=1, num_embeddings=24
    )
    prior.clip_std.data.fill_(1.0)
    scheduler = UnCLIPScheduler(
        variance_type="fixed_small_log", prediction_type="sample", num_train_timesteps=1000, clip_sample=True,
        clip_sample_range=5.0,
    )  # fmt: skip
    return KandinskyV22InpaintCombinedPipeline(
        prior_prior=prior, prior_image_encoder=parts.clip_vision(), prior_text_encoder=parts.clip_with_projection(),
        prior_tokenizer=clip_tokenizer(), prior_scheduler=scheduler, prior_image_processor=parts.clip_images(),
        **_decoder(),
    )  # fmt: skip


def kandinsky5() -> Any:
    from diffusers import Kandinsky5I2IPipeline, Kandinsky5Transformer3DModel

    transformer = Kandinsky5Transformer3DModel(
        in_visual_dim=16, out_visual_dim=16, in_text_dim=parts.WIDTH, in_text_dim2=parts.WIDTH, time_dim=16,
        model_dim=32, ff_dim=32, num_text_blocks=1, num_visual_blocks=1, axes_dims=(4, 6, 6), visual_cond=True,
    )  # fmt: skip
    return Kandinsky5I2IPipeline(
        transformer=parts.awake(transformer), vae=parts.autoencoder(16, scaling_factor=0.36),
        text_encoder=parts.qwen25_vl(), tokenizer=qwen_processor(), text_encoder_2=parts.clip(tokens=77),
        tokenizer_2=clip_tokenizer(), scheduler=parts.flow(shifting=False),
    )  # fmt: skip
