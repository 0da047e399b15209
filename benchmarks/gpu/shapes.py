"""The parts of the models in their real shapes, as their configurations on the hub have them, and tiny ones of the same
architecture: as many kinds of blocks, few channels."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from benchmarks.gpu.tokens import CLIP_BEGINS, CLIP_ENDS, CLIP_LETTERS, T5_LETTERS

TINY_WIDTH = 32
"""Of the states of tiny text encoders, and of most else that is tiny."""


@dataclass(frozen=True, slots=True)
class Part:
    """A network of a pipeline: its class, and what that is made with."""

    library: str
    cls: str
    config: Mapping[str, Any]


def _diffusers(cls: str, config: Mapping[str, Any]) -> Part:
    return Part("diffusers", cls, config)


# -- what encodes text ------------------------------------------------------------------------------------------------

_CLIP_L = {"hidden_size": 768, "intermediate_size": 3072, "num_hidden_layers": 12, "num_attention_heads": 12,
           "projection_dim": 768, "hidden_act": "quick_gelu"}  # fmt: skip
_CLIP_H = {"hidden_size": 1024, "intermediate_size": 4096, "num_hidden_layers": 23, "num_attention_heads": 16,
           "projection_dim": 512, "hidden_act": "gelu"}  # fmt: skip
_CLIP_BIG_G = {"hidden_size": 1280, "intermediate_size": 5120, "num_hidden_layers": 32, "num_attention_heads": 20,
               "projection_dim": 1280, "hidden_act": "gelu"}  # fmt: skip
_CLIP_TINY = {"hidden_size": TINY_WIDTH, "intermediate_size": 37, "num_hidden_layers": 2, "num_attention_heads": 2,
              "projection_dim": TINY_WIDTH, "vocab_size": CLIP_LETTERS}  # fmt: skip


def _clip(cls: str, shape: Mapping[str, Any], tiny: bool) -> Part:
    own = {"vocab_size": 49408, "max_position_embeddings": 77, **shape, **(_CLIP_TINY if tiny else {})}
    numbers = {"bos_token_id": CLIP_BEGINS, "eos_token_id": CLIP_ENDS, "pad_token_id": CLIP_ENDS}
    return Part("transformers", cls, own | numbers)


def clip_l(tiny: bool) -> Part:
    """Of Stable Diffusion 1, and the first of SDXL and FLUX.1."""
    return _clip("CLIPTextModel", _CLIP_L, tiny)


def clip_h(tiny: bool) -> Part:
    """OpenCLIP's ViT-H without its last layer, of Stable Diffusion 2."""
    return _clip("CLIPTextModel", _CLIP_H, tiny)


def clip_big_g(tiny: bool) -> Part:
    """OpenCLIP's ViT-bigG, the second of SDXL."""
    return _clip("CLIPTextModelWithProjection", _CLIP_BIG_G, tiny)


def t5_xxl(layers: int, tiny: bool) -> Part:
    """The encoder of T5 v1.1 XXL, which has 24 layers."""
    shape = {"vocab_size": 32128, "d_model": 4096, "d_kv": 64, "d_ff": 10240, "num_heads": 64, "num_layers": layers}
    small = {"vocab_size": T5_LETTERS, "d_model": TINY_WIDTH, "d_kv": 8, "d_ff": 37, "num_heads": 2}
    config = shape | (small if tiny else {})
    return Part("transformers", "T5EncoderModel", config | {"feed_forward_proj": "gated-gelu"})


# -- networks ---------------------------------------------------------------------------------------------------------

_CROSS, _PLAIN = "CrossAttnDownBlock2D", "DownBlock2D"
_CROSS_UP, _PLAIN_UP = "CrossAttnUpBlock2D", "UpBlock2D"


def _unet(tiny: bool, config: Mapping[str, Any], small: Mapping[str, Any]) -> Part:
    common = {"out_channels": 4, "layers_per_block": 1 if tiny else 2, "norm_num_groups": 16 if tiny else 32}
    return _diffusers("UNet2DConditionModel", {**common, **config, **(small if tiny else {})})


_FOUR = {
    "block_out_channels": (320, 640, 1280, 1280),
    "down_block_types": (_CROSS, _CROSS, _CROSS, _PLAIN),
    "up_block_types": (_PLAIN_UP, _CROSS_UP, _CROSS_UP, _CROSS_UP),
    "sample_size": 64,
}
_FOUR_TINY = {"block_out_channels": (16, 32, 32, 32), "cross_attention_dim": TINY_WIDTH, "sample_size": 16}


def unet_sd15_inpainting(tiny: bool) -> Part:
    """Nine channels: noise, the mask, and the picture under it."""
    own = {"in_channels": 9, "cross_attention_dim": 768, "attention_head_dim": 8}
    return _unet(tiny, _FOUR | own, _FOUR_TINY | {"attention_head_dim": 2})


def unet_sd21(tiny: bool) -> Part:
    own = {
        "in_channels": 4,
        "cross_attention_dim": 1024,
        "attention_head_dim": (5, 10, 20, 20),
        "use_linear_projection": True,
    }
    return _unet(tiny, _FOUR | own, _FOUR_TINY | {"attention_head_dim": (1, 2, 2, 2)})


def unet_sdxl(tiny: bool) -> Part:
    config = {
        "in_channels": 4,
        "block_out_channels": (320, 640, 1280),
        "down_block_types": (_PLAIN, _CROSS, _CROSS),
        "up_block_types": (_CROSS_UP, _CROSS_UP, _PLAIN_UP),
        "transformer_layers_per_block": (1, 2, 10),
        "attention_head_dim": (5, 10, 20),
        "cross_attention_dim": 768 + 1280,
        "use_linear_projection": True,
        "addition_embed_type": "text_time",
        "addition_time_embed_dim": 256,
        "projection_class_embeddings_input_dim": 1280 + 6 * 256,
        "sample_size": 128,
    }
    small = {
        "block_out_channels": (16, 32, 32),
        "transformer_layers_per_block": (1, 1, 2),
        "attention_head_dim": (1, 2, 2),
        "cross_attention_dim": 2 * TINY_WIDTH,
        "addition_time_embed_dim": 8,
        "projection_class_embeddings_input_dim": TINY_WIDTH + 6 * 8,
        "sample_size": 16,
    }
    return _unet(tiny, config, small)


def flux_transformer(double: int, single: int, tiny: bool) -> Part:
    """FLUX.1 [dev] has 19 blocks with two streams and 38 with one."""
    config = {
        "in_channels": 64,
        "num_attention_heads": 24,
        "attention_head_dim": 128,
        "axes_dims_rope": (16, 56, 56),
        "joint_attention_dim": 4096,
        "pooled_projection_dim": 768,
    }
    small = {
        "num_attention_heads": 2,
        "attention_head_dim": 16,
        "axes_dims_rope": (4, 4, 8),
        "joint_attention_dim": TINY_WIDTH,
        "pooled_projection_dim": TINY_WIDTH,
    }
    blocks = {"num_layers": double, "num_single_layers": single, "guidance_embeds": True}
    return _diffusers("FluxTransformer2DModel", {**config, **(small if tiny else {}), **blocks})


# -- autoencoders -----------------------------------------------------------------------------------------------------


def autoencoder(tiny: bool, side: int, **own: Any) -> Part:
    """Shrinks by 8; ``side``: pixels of what it was trained on."""
    config = {
        "block_out_channels": (16, 16, 32, 32) if tiny else (128, 256, 512, 512),
        "down_block_types": ("DownEncoderBlock2D",) * 4,
        "up_block_types": ("UpDecoderBlock2D",) * 4,
        "layers_per_block": 1 if tiny else 2,
        "norm_num_groups": 16 if tiny else 32,
        "latent_channels": 4,
        "sample_size": side,
    }
    return _diffusers("AutoencoderKL", config | own)


def flux_autoencoder(tiny: bool) -> Part:
    """Of 16 channels, with a shift."""
    own = {"latent_channels": 16, "shift_factor": 0.1159, "scaling_factor": 0.3611}
    return autoencoder(tiny, 1024, **own, use_quant_conv=False, use_post_quant_conv=False)
