"""Flux 1, Flux 2 and Chroma, with what was built upon them."""

from __future__ import annotations

from typing import Any

from tests.support.families import parts
from tests.support.families.tokens import MISTRAL_VOCABULARY, clip_tokenizer, qwen_tokenizer, t5_tokenizer
from tests.support.families.vision import pixtral_tokenizer

_LATENT = 4
_PACKED = 4 * _LATENT
"""Channels of a patch of 2 x 2 latent cells."""
_MASK = 4 * 64
"""Of a patch of the mask, which is given at full size."""
_HEADS = {"attention_head_dim": 16, "num_attention_heads": 2}


def _vae() -> Any:
    return parts.autoencoder(
        _LATENT, shift_factor=0.1159, scaling_factor=0.3611, use_quant_conv=False, use_post_quant_conv=False
    )


def _transformer(guided: bool, channels: int = _PACKED) -> Any:
    from diffusers import FluxTransformer2DModel

    return FluxTransformer2DModel(
        in_channels=channels, out_channels=_PACKED, num_layers=1, num_single_layers=1,
        joint_attention_dim=parts.WIDTH, pooled_projection_dim=parts.WIDTH, axes_dims_rope=(4, 4, 8),
        guidance_embeds=guided, **_HEADS,
    )  # fmt: skip


def flux(name: str = "FluxPipeline", guided: bool = True, channels: int = _PACKED, **more: Any) -> Any:
    """``guided``: distilled with its guidance as an input (dev), or with none (schnell)."""
    import diffusers

    return getattr(diffusers, name)(
        scheduler=parts.flow(), vae=_vae(), text_encoder=parts.clip(), tokenizer=clip_tokenizer(),
        text_encoder_2=parts.t5(), tokenizer_2=t5_tokenizer(), transformer=_transformer(guided, channels), **more,
    )  # fmt: skip


def fill() -> Any:
    return flux("FluxFillPipeline", channels=2 * _PACKED + _MASK)


def cloze() -> Any:
    return flux("VisualClozePipeline", channels=2 * _PACKED + _MASK, resolution=64)


def control() -> Any:
    return flux("FluxControlInpaintPipeline", channels=2 * _PACKED)


def controlnet() -> Any:
    from diffusers import FluxControlNetModel

    network = FluxControlNetModel(
        in_channels=_PACKED, num_layers=1, num_single_layers=1, joint_attention_dim=parts.WIDTH,
        pooled_projection_dim=parts.WIDTH, axes_dims_rope=[4, 4, 8], guidance_embeds=True, **_HEADS,
    )  # fmt: skip
    return flux("FluxControlNetInpaintPipeline", controlnet=parts.awake(network))


def chroma() -> Any:
    from diffusers import ChromaPipeline, ChromaTransformer2DModel

    transformer = ChromaTransformer2DModel(
        in_channels=_PACKED, num_layers=1, num_single_layers=1, joint_attention_dim=parts.WIDTH,
        axes_dims_rope=(4, 4, 8), approximator_num_channels=16, approximator_hidden_dim=32, approximator_layers=1,
        **_HEADS,
    )  # fmt: skip
    return ChromaPipeline(
        scheduler=parts.flow(), vae=_vae(), text_encoder=parts.t5(), tokenizer=t5_tokenizer(), transformer=transformer
    )


def _transformer2(guided: bool) -> Any:
    from diffusers import Flux2Transformer2DModel

    return Flux2Transformer2DModel(
        in_channels=_PACKED, num_layers=1, num_single_layers=1, joint_attention_dim=3 * parts.WIDTH,
        timestep_guidance_channels=16, axes_dims_rope=(4, 4, 4, 4), guidance_embeds=guided, **_HEADS,
    )  # fmt: skip


def _mistral() -> Any:
    """Its states are read after 10, 20 and 30 layers."""
    from transformers import Mistral3Config, Mistral3ForConditionalGeneration

    config = Mistral3Config(
        text_config={
            "model_type": "mistral", "vocab_size": MISTRAL_VOCABULARY, "hidden_size": parts.WIDTH,
            "intermediate_size": 37, "num_hidden_layers": 30, "num_attention_heads": 2, "num_key_value_heads": 1,
            "head_dim": 16, "max_position_embeddings": 1024, "bos_token_id": 1, "eos_token_id": 2, "pad_token_id": 3,
        },
        vision_config={
            "model_type": "pixtral", "hidden_size": 16, "intermediate_size": 37, "num_hidden_layers": 1,
            "num_attention_heads": 2, "image_size": 28, "patch_size": 14,
        },
        image_token_index=4,
    )  # fmt: skip
    return Mistral3ForConditionalGeneration(config).eval()


def flux2() -> Any:
    from diffusers import Flux2Pipeline

    return Flux2Pipeline(
        scheduler=parts.flow(), vae=parts.flux2_autoencoder(), text_encoder=_mistral(),
        tokenizer=pixtral_tokenizer(), transformer=_transformer2(guided=True),
    )  # fmt: skip


def klein(name: str = "Flux2KleinPipeline", distilled: bool = True) -> Any:
    """Its text encoder's states are read after 9, 18 and 27 layers."""
    import diffusers

    return getattr(diffusers, name)(
        scheduler=parts.flow(), vae=parts.flux2_autoencoder(), text_encoder=parts.qwen3(28),
        tokenizer=qwen_tokenizer(), transformer=_transformer2(guided=False), is_distilled=distilled,
    )  # fmt: skip
