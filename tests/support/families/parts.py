"""The parts that several families have, the smallest that run. Autoencoders shrink by 8, as the real ones do."""

from __future__ import annotations

from typing import Any

from tests.support.families.tokens import QWEN_VOCABULARY, T5_VOCABULARY, qwen_ids

WIDTH = 32
"""Of a text encoder's states."""
CLIP_VOCABULARY = 514


def _clip_config(tokens: int = 24) -> Any:
    from transformers import CLIPTextConfig

    return CLIPTextConfig(
        vocab_size=CLIP_VOCABULARY, hidden_size=WIDTH, intermediate_size=37, num_hidden_layers=2,
        num_attention_heads=2, max_position_embeddings=tokens, bos_token_id=512, eos_token_id=513, pad_token_id=513,
        projection_dim=WIDTH,
    )  # fmt: skip


def clip(tokens: int = 24) -> Any:
    from transformers import CLIPTextModel

    return CLIPTextModel(_clip_config(tokens)).eval()


def clip_with_projection() -> Any:
    from transformers import CLIPTextModelWithProjection

    return CLIPTextModelWithProjection(_clip_config()).eval()


def clip_vision(with_projection: bool = True) -> Any:
    from transformers import CLIPVisionConfig, CLIPVisionModel, CLIPVisionModelWithProjection

    config = CLIPVisionConfig(
        hidden_size=WIDTH, intermediate_size=37, projection_dim=WIDTH, num_hidden_layers=2, num_attention_heads=2,
        image_size=32, patch_size=16,
    )  # fmt: skip
    return (CLIPVisionModelWithProjection(config) if with_projection else CLIPVisionModel(config)).eval()


def clip_images() -> Any:
    """What gives the vision model its pictures."""
    from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil

    return CLIPImageProcessorPil(size={"shortest_edge": 32}, crop_size={"height": 32, "width": 32})


def t5(width: int = WIDTH) -> Any:
    from transformers import T5Config, T5EncoderModel

    config = T5Config(vocab_size=T5_VOCABULARY, d_model=width, d_kv=8, d_ff=37, num_layers=1, num_heads=2)
    return T5EncoderModel(config).eval()


def qwen3(layers: int = 2, model: str = "Qwen3ForCausalLM") -> Any:
    import transformers

    config = transformers.Qwen3Config(
        vocab_size=QWEN_VOCABULARY, hidden_size=WIDTH, intermediate_size=WIDTH, num_hidden_layers=layers,
        num_attention_heads=2, num_key_value_heads=1, head_dim=16, bos_token_id=None, eos_token_id=258,
        pad_token_id=256,
    )  # fmt: skip
    return getattr(transformers, model)(config).eval()


def qwen25_vl() -> Any:
    from transformers import Qwen2_5_VLConfig, Qwen2_5_VLForConditionalGeneration

    ids = qwen_ids()
    config = Qwen2_5_VLConfig(
        text_config={
            "hidden_size": WIDTH, "intermediate_size": WIDTH, "num_hidden_layers": 1, "num_attention_heads": 2,
            "num_key_value_heads": 1, "vocab_size": QWEN_VOCABULARY, "pad_token_id": 256, "bos_token_id": 256,
            "eos_token_id": 258, "max_position_embeddings": 8192,
            "rope_parameters": {"rope_type": "default", "mrope_section": [2, 3, 3], "rope_theta": 1e6},
        },
        vision_config={
            "depth": 1, "hidden_size": WIDTH, "intermediate_size": WIDTH, "num_heads": 2, "out_hidden_size": WIDTH,
            "patch_size": 14, "window_size": 112, "fullatt_block_indexes": [0],
        },
        image_token_id=ids["<|image_pad|>"], video_token_id=ids["<|video_pad|>"],
        vision_start_token_id=ids["<|vision_start|>"], vision_end_token_id=ids["<|vision_end|>"],
    )  # fmt: skip
    return Qwen2_5_VLForConditionalGeneration(config).eval()


def qwen3_vl(layers: int = 2) -> Any:
    from transformers import Qwen3VLConfig, Qwen3VLForConditionalGeneration

    ids = qwen_ids()
    config = Qwen3VLConfig(
        text_config={
            "hidden_size": WIDTH, "intermediate_size": WIDTH, "num_hidden_layers": layers, "num_attention_heads": 2,
            "num_key_value_heads": 1, "head_dim": 16, "vocab_size": QWEN_VOCABULARY, "pad_token_id": 256,
            "bos_token_id": 256, "eos_token_id": 258, "max_position_embeddings": 8192,
            "rope_parameters": {
                "rope_type": "default", "mrope_section": [2, 3, 3], "mrope_interleaved": True, "rope_theta": 1e6,
            },
        },
        vision_config={
            "depth": 2, "hidden_size": WIDTH, "intermediate_size": WIDTH, "num_heads": 2, "out_hidden_size": WIDTH,
            "patch_size": 16, "num_position_embeddings": 64, "deepstack_visual_indexes": [0],
        },
        image_token_id=ids["<|image_pad|>"], video_token_id=ids["<|video_pad|>"],
        vision_start_token_id=ids["<|vision_start|>"], vision_end_token_id=ids["<|vision_end|>"],
    )  # fmt: skip
    return Qwen3VLForConditionalGeneration(config).eval()


def autoencoder(channels: int = 4, **options: Any) -> Any:
    from diffusers import AutoencoderKL

    return AutoencoderKL(
        block_out_channels=(8, 8, 8, 8), down_block_types=("DownEncoderBlock2D",) * 4,
        up_block_types=("UpDecoderBlock2D",) * 4, layers_per_block=1, latent_channels=channels, norm_num_groups=4,
        **options,
    )  # fmt: skip


def flux2_autoencoder() -> Any:
    from diffusers import AutoencoderKLFlux2

    return AutoencoderKLFlux2(
        block_out_channels=(8, 8, 8, 8), layers_per_block=1, latent_channels=4, norm_num_groups=4, sample_size=64
    ).eval()


def qwen_autoencoder(**options: Any) -> Any:
    from diffusers import AutoencoderKLQwenImage

    return AutoencoderKLQwenImage(
        base_dim=4, z_dim=16, dim_mult=[1, 1, 1, 1], num_res_blocks=1,
        **options,
    )  # fmt: skip


def wan_autoencoder(factor: int = 8) -> Any:
    """Of the first kind, or the one that shrinks by 16."""
    from diffusers import AutoencoderKLWan

    options: dict[str, Any] = {"scale_factor_spatial": factor}
    if factor == 16:
        options |= {"patch_size": 2, "in_channels": 12, "out_channels": 12, "is_residual": True}
    return AutoencoderKLWan(base_dim=4, z_dim=16, dim_mult=[1, 1, 1, 1], num_res_blocks=1, **options)


def flow(shifting: bool = True) -> Any:
    """The scheduler of models that are trained by flow matching. ``shifting``: by the size of the picture."""
    from diffusers import FlowMatchEulerDiscreteScheduler

    return FlowMatchEulerDiscreteScheduler(use_dynamic_shifting=shifting)


def unet(channels: int = 4, text_width: int = WIDTH, **options: Any) -> Any:
    from diffusers import UNet2DConditionModel

    values: dict[str, Any] = {
        "sample_size": 8, "in_channels": channels, "out_channels": 4, "block_out_channels": (16, 32),
        "layers_per_block": 1, "down_block_types": ("DownBlock2D", "CrossAttnDownBlock2D"),
        "up_block_types": ("CrossAttnUpBlock2D", "UpBlock2D"), "attention_head_dim": 8,
        "cross_attention_dim": text_width, "norm_num_groups": 8,
    }  # fmt: skip
    return UNet2DConditionModel(**values | options)


XL = {
    "attention_head_dim": (2, 4), "addition_embed_type": "text_time", "addition_time_embed_dim": 8,
    "projection_class_embeddings_input_dim": 6 * 8 + WIDTH,
}  # fmt: skip
"""What the UNets and control networks of SDXL have beside."""


def awake(network: Any) -> Any:
    """A network whose last layers are no longer 0, as some are before training: so that what it is given matters."""
    import torch

    for weights in network.parameters():
        if not weights.any():
            torch.nn.init.normal_(weights, std=0.05)
    return network
