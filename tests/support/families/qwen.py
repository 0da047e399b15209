"""Qwen-Image with its editors, LongCat-Image, Z-Image: models whose text encoder is one of Qwen's."""

from __future__ import annotations

from typing import Any

from tests.support.families import parts
from tests.support.families.tokens import qwen_tokenizer
from tests.support.families.vision import qwen_processor

_PACKED = 64
_HEADS = {"attention_head_dim": 16, "num_attention_heads": 2}
_QWEN = {
    "in_channels": _PACKED, "out_channels": 16, "num_layers": 1, "joint_attention_dim": parts.WIDTH,
    "axes_dims_rope": (4, 6, 6), **_HEADS,
}  # fmt: skip


def _parts() -> dict[str, Any]:
    return {
        "scheduler": parts.flow(), "text_encoder": parts.qwen25_vl(), "tokenizer": qwen_tokenizer(),
    }  # fmt: skip


def image(name: str = "QwenImagePipeline", **more: Any) -> Any:
    import diffusers

    transformer = diffusers.QwenImageTransformer2DModel(**_QWEN)
    return getattr(diffusers, name)(vae=parts.qwen_autoencoder(), transformer=transformer, **_parts(), **more)


def edit(name: str = "QwenImageEditPipeline") -> Any:
    """The first editor, or the one of several pictures (2509, 2511)."""
    return image(name, processor=qwen_processor())


def layered() -> Any:
    from diffusers import QwenImageLayeredPipeline, QwenImageTransformer2DModel

    return QwenImageLayeredPipeline(
        vae=parts.qwen_autoencoder(input_channels=4), processor=qwen_processor(), **_parts(),
        transformer=QwenImageTransformer2DModel(**_QWEN, use_additional_t_cond=True, use_layer3d_rope=True),
    )  # fmt: skip


def controlnet() -> Any:
    from diffusers import QwenImageControlNetModel

    network = QwenImageControlNetModel(**_QWEN, extra_condition_channels=4)
    return image("QwenImageControlNetInpaintPipeline", controlnet=parts.awake(network))


def longcat() -> Any:
    from diffusers import LongCatImageEditPipeline, LongCatImageTransformer2DModel

    transformer = LongCatImageTransformer2DModel(
        in_channels=_PACKED, num_layers=1, num_single_layers=1, joint_attention_dim=parts.WIDTH,
        pooled_projection_dim=parts.WIDTH, axes_dims_rope=[4, 4, 8], **_HEADS,
    )  # fmt: skip
    return LongCatImageEditPipeline(
        vae=parts.autoencoder(16, shift_factor=0.1, scaling_factor=0.36), text_processor=qwen_processor(),
        transformer=transformer, **_parts(),
    )  # fmt: skip


_Z = {"dim": 32, "n_refiner_layers": 1, "n_heads": 2, "n_kv_heads": 2, "qk_norm": True}


def _z_transformer(**more: Any) -> Any:
    from diffusers import ZImageTransformer2DModel

    return ZImageTransformer2DModel(
        in_channels=16,
        n_layers=1,
        cap_feat_dim=parts.WIDTH,
        axes_dims=[8, 4, 4],
        axes_lens=[1536, 64, 64],
        **_Z,
        **more,
    )


def z_image(name: str = "ZImagePipeline", **more: Any) -> Any:
    import diffusers

    values: dict[str, Any] = {
        "scheduler": parts.flow(), "vae": parts.autoencoder(16, shift_factor=0.1, scaling_factor=0.36),
        "text_encoder": parts.qwen3(model="Qwen3Model"), "tokenizer": qwen_tokenizer(),
        "transformer": _z_transformer(),
    }  # fmt: skip
    return getattr(diffusers, name)(**values | more)


def z_controlnet() -> Any:
    from diffusers import ZImageControlNetModel

    network = ZImageControlNetModel(
        control_layers_places=[0], control_refiner_layers_places=[0], control_in_dim=33, **_Z
    )
    return z_image("ZImageControlNetInpaintPipeline", controlnet=parts.awake(network))


def z_omni() -> Any:
    from transformers import Siglip2VisionConfig, Siglip2VisionModel
    from transformers.models.siglip2.image_processing_pil_siglip2 import Siglip2ImageProcessorPil

    config = Siglip2VisionConfig(
        hidden_size=16, intermediate_size=37, num_hidden_layers=1, num_attention_heads=2, num_patches=16, patch_size=16
    )
    return z_image(
        "ZImageOmniPipeline", siglip=Siglip2VisionModel(config).eval(), transformer=_z_transformer(siglip_feat_dim=16),
        siglip_processor=Siglip2ImageProcessorPil(patch_size=16, max_num_patches=16),
    )  # fmt: skip
