"""Stable Diffusion, SDXL and SD3, with what was built upon them."""

from __future__ import annotations

from typing import Any

from tests.support.families import parts
from tests.support.families.tokens import clip_tokenizer, t5_tokenizer


def _ddim() -> Any:
    from diffusers import DDIMScheduler

    return DDIMScheduler(beta_schedule="scaled_linear", clip_sample=False, set_alpha_to_one=False, steps_offset=1)


def sd(name: str, channels: int = 4, **more: Any) -> Any:
    """A pipeline with one CLIP text encoder; ``channels`` is what its UNet takes."""
    import diffusers

    values: dict[str, Any] = {
        "vae": parts.autoencoder(), "text_encoder": parts.clip(), "tokenizer": clip_tokenizer(),
        "unet": parts.unet(channels), "scheduler": _ddim(), "safety_checker": None, "feature_extractor": None,
        "requires_safety_checker": False,
    }  # fmt: skip
    return getattr(diffusers, name)(**values | more)


def checked() -> Any:
    """With the safety checker that the first ones came with."""
    from diffusers.pipelines.stable_diffusion import StableDiffusionSafetyChecker
    from transformers import CLIPConfig

    vision = {
        "hidden_size": 32, "intermediate_size": 37, "num_hidden_layers": 1, "num_attention_heads": 2,
        "image_size": 32, "patch_size": 16,
    }  # fmt: skip
    checker = StableDiffusionSafetyChecker(CLIPConfig(vision_config=vision, projection_dim=32))
    checker.special_care_embeds_weights.data.fill_(2.0)  # nothing is like it enough to be blacked out
    checker.concept_embeds_weights.data.fill_(2.0)
    return sd(
        "StableDiffusionInpaintPipeline", 9, safety_checker=checker, feature_extractor=parts.clip_images(),
        requires_safety_checker=True,
    )  # fmt: skip


def lcm() -> Any:
    from diffusers import LCMScheduler

    scheduler = LCMScheduler(beta_schedule="scaled_linear", steps_offset=1)
    return sd("LatentConsistencyModelPipeline", unet=parts.unet(4, time_cond_proj_dim=16), scheduler=scheduler)


def _control(**options: Any) -> dict[str, Any]:
    return {
        "in_channels": 4, "conditioning_embedding_out_channels": (8, 8, 16, 16), "block_out_channels": (16, 32),
        "layers_per_block": 1, "down_block_types": ("DownBlock2D", "CrossAttnDownBlock2D"), "attention_head_dim": 8,
        "cross_attention_dim": parts.WIDTH, "norm_num_groups": 8,
    } | options  # fmt: skip


def sd_controlnet() -> Any:
    from diffusers import ControlNetModel

    return sd("StableDiffusionControlNetInpaintPipeline", controlnet=parts.awake(ControlNetModel(**_control())))


def xl(name: str, channels: int = 4, **more: Any) -> Any:
    """A pipeline with SDXL's two text encoders."""
    import diffusers

    values: dict[str, Any] = {
        "vae": parts.autoencoder(), "text_encoder": parts.clip(), "text_encoder_2": parts.clip_with_projection(),
        "tokenizer": clip_tokenizer(), "tokenizer_2": clip_tokenizer(), "scheduler": _ddim(),
        "unet": parts.unet(channels, 2 * parts.WIDTH, **parts.XL), "add_watermarker": False,
    }  # fmt: skip
    return getattr(diffusers, name)(**values | more)


def xl_controlnet() -> Any:
    from diffusers import ControlNetModel

    network = ControlNetModel(**_control(cross_attention_dim=2 * parts.WIDTH, **parts.XL))
    return xl("StableDiffusionXLControlNetInpaintPipeline", controlnet=parts.awake(network))


def xl_controlnet_union() -> Any:
    from diffusers import ControlNetUnionModel

    network = ControlNetUnionModel(
        **_control(cross_attention_dim=2 * parts.WIDTH, **parts.XL), num_trans_channel=16, num_trans_head=2,
        num_proj_channel=16,
    )  # fmt: skip
    return xl("StableDiffusionXLControlNetUnionInpaintPipeline", controlnet=parts.awake(network))


def sd3(name: str = "StableDiffusion3Pipeline", **more: Any) -> Any:
    import diffusers

    values: dict[str, Any] = {
        "transformer": diffusers.SD3Transformer2DModel(**_sd3()), "scheduler": _shifted(),
        "vae": parts.autoencoder(16, shift_factor=0.06, use_quant_conv=False, use_post_quant_conv=False),
        "text_encoder": parts.clip_with_projection(), "tokenizer": clip_tokenizer(),
        "text_encoder_2": parts.clip_with_projection(), "tokenizer_2": clip_tokenizer(),
        "text_encoder_3": parts.t5(2 * parts.WIDTH), "tokenizer_3": t5_tokenizer(),
    }  # fmt: skip
    return getattr(diffusers, name)(**values | more)


def _sd3() -> dict[str, Any]:
    return {
        "sample_size": 16, "patch_size": 2, "in_channels": 16, "num_layers": 1, "attention_head_dim": 8,
        "num_attention_heads": 4, "joint_attention_dim": 2 * parts.WIDTH, "caption_projection_dim": 32,
        "pooled_projection_dim": 2 * parts.WIDTH, "out_channels": 16, "pos_embed_max_size": 16,
    }  # fmt: skip


def _shifted() -> Any:
    from diffusers import FlowMatchEulerDiscreteScheduler

    return FlowMatchEulerDiscreteScheduler(shift=3.0)


def sd3_controlnet() -> Any:
    from diffusers import SD3ControlNetModel

    network = SD3ControlNetModel(**_sd3(), extra_conditioning_channels=1)
    return sd3("StableDiffusion3ControlNetInpaintingPipeline", controlnet=parts.awake(network))
