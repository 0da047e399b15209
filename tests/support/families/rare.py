"""Editors that few laboratories have."""

from __future__ import annotations

from typing import Any

from tests.support.families import parts
from tests.support.families.tokens import clip_tokenizer, qwen_tokenizer, t5_tokenizer
from tests.support.families.vision import qwen_processor


def _sees() -> dict[str, Any]:
    """Qwen3-VL, which several have."""
    return {
        "text_encoder": parts.qwen3_vl(), "processor": qwen_processor("Qwen3VLProcessor", 16),
    }  # fmt: skip


def fibo_edit() -> Any:
    from diffusers import BriaFiboEditPipeline, BriaFiboTransformer2DModel
    from transformers import SmolLM3Config, SmolLM3ForCausalLM

    config = SmolLM3Config(
        vocab_size=128001, hidden_size=16, intermediate_size=16, num_hidden_layers=2, num_attention_heads=2,
        num_key_value_heads=1, bos_token_id=None, eos_token_id=258, pad_token_id=256,
    )  # fmt: skip
    transformer = BriaFiboTransformer2DModel(
        in_channels=16, num_layers=1, num_single_layers=1, attention_head_dim=8, num_attention_heads=2,
        joint_attention_dim=32, text_encoder_dim=16, axes_dims_rope=[0, 4, 4],
    )  # fmt: skip
    return BriaFiboEditPipeline(
        transformer=transformer, scheduler=parts.flow(), vae=parts.wan_autoencoder(16),
        text_encoder=SmolLM3ForCausalLM(config).eval(), tokenizer=qwen_tokenizer(),
    )  # fmt: skip


def fibo2() -> Any:
    from diffusers import BriaFibo2Pipeline, BriaFibo2Transformer2DModel

    transformer = BriaFibo2Transformer2DModel(
        in_channels=4, dim=32, n_layers=5, n_refiner_layers=1, n_heads=2, cap_feat_dim=3 * parts.WIDTH,
        injection_layer_ids=(0, 1, 2, 3, 4), perceiver_num_layers=1, min_num_gist_tokens=4, max_num_gist_tokens=8,
        gist_step=4, gist_min_text_len=4, gist_max_text_len=32, axes_dims=(4, 6, 6),
    )  # fmt: skip
    return BriaFibo2Pipeline(
        transformer=transformer, scheduler=parts.flow(), vae=parts.flux2_autoencoder(),
        text_encoder=parts.qwen3_vl(layers=36), processor=qwen_processor("Qwen3VLProcessor", 16),
    )  # fmt: skip


def joy() -> Any:
    from diffusers import JoyImageEditPipeline, JoyImageEditTransformer3DModel

    transformer = JoyImageEditTransformer3DModel(
        hidden_size=32, num_attention_heads=2, text_dim=parts.WIDTH, num_layers=1, rope_dim_list=[4, 6, 6]
    )
    return JoyImageEditPipeline(
        scheduler=parts.flow(shifting=False), vae=parts.wan_autoencoder(), tokenizer=qwen_tokenizer(),
        transformer=transformer, **_sees(),
    )  # fmt: skip


def dreamlite(name: str = "DreamLitePipeline") -> Any:
    import diffusers

    unet = diffusers.DreamLiteUNetModel(
        sample_size=8, block_out_channels=(16, 32, 32), layers_per_block=1, cross_attention_dim=parts.WIDTH,
        attention_head_dim=16, norm_num_groups=8, addition_embed_type="time", addition_time_embed_dim=8,
        projection_class_embeddings_input_dim=2 * 8,
    )  # fmt: skip
    vae = diffusers.AutoencoderTiny(
        encoder_block_out_channels=(8, 8, 8, 8), decoder_block_out_channels=(8, 8, 8, 8),
        num_encoder_blocks=(1, 1, 1, 1), num_decoder_blocks=(1, 1, 1, 1),
    )  # fmt: skip
    return getattr(diffusers, name)(tokenizer=qwen_tokenizer(), vae=vae, unet=unet, scheduler=parts.flow(), **_sees())


def qwen21() -> Any:
    from diffusers import AutoencoderKLQwenImage21, QwenImage21Pipeline, QwenImage21Transformer2DModel

    vae = AutoencoderKLQwenImage21(base_dim=4, decoder_base_dim=4, dim_mult=[1, 1, 1, 1, 1], num_res_blocks=1)
    transformer = QwenImage21Transformer2DModel(
        num_layers=1, attention_head_dim=16, num_attention_heads=2, context_in_dim=parts.WIDTH, axes_dims_rope=(4, 6, 6)
    )
    return QwenImage21Pipeline(scheduler=parts.flow(), vae=vae, transformer=transformer, **_sees())


def chrono() -> Any:
    from diffusers import ChronoEditPipeline, ChronoEditTransformer3DModel
    from transformers import UMT5Config, UMT5EncoderModel

    config = UMT5Config(vocab_size=128, d_model=parts.WIDTH, d_kv=8, d_ff=37, num_layers=1, num_heads=2)
    transformer = ChronoEditTransformer3DModel(
        num_attention_heads=2, attention_head_dim=16, in_channels=36, out_channels=16, text_dim=parts.WIDTH,
        freq_dim=16, ffn_dim=32, num_layers=1, image_dim=parts.WIDTH, added_kv_proj_dim=32,
    )  # fmt: skip
    return ChronoEditPipeline(
        tokenizer=t5_tokenizer(), text_encoder=UMT5EncoderModel(config).eval(),
        image_encoder=parts.clip_vision(with_projection=False), image_processor=parts.clip_images(),
        transformer=transformer, vae=parts.wan_autoencoder(), scheduler=parts.flow(shifting=False),
    )  # fmt: skip


def deepfloyd() -> Any:
    """Paints pixels, not latents."""
    from diffusers import DDPMScheduler, IFInpaintingPipeline

    unet = parts.unet(
        3, sample_size=32, out_channels=6, down_block_types=("ResnetDownsampleBlock2D", "SimpleCrossAttnDownBlock2D"),
        mid_block_type="UNetMidBlock2DSimpleCrossAttn",
        up_block_types=("SimpleCrossAttnUpBlock2D", "ResnetUpsampleBlock2D"), encoder_hid_dim=parts.WIDTH,
        addition_embed_type="text", addition_embed_type_num_heads=2, resnet_time_scale_shift="scale_shift",
        time_embedding_type="positional", cross_attention_norm="group_norm", act_fn="gelu",
    )  # fmt: skip
    scheduler = DDPMScheduler(
        beta_schedule="squaredcos_cap_v2", variance_type="learned_range", thresholding=True,
        sample_max_value=1.0, prediction_type="epsilon", dynamic_thresholding_ratio=0.95,
    )  # fmt: skip
    return IFInpaintingPipeline(
        tokenizer=t5_tokenizer(), text_encoder=parts.t5(), unet=unet, scheduler=scheduler, safety_checker=None,
        feature_extractor=None, watermarker=None, requires_safety_checker=False,
    )  # fmt: skip


def amused() -> Any:
    """Fills in tokens; there is no noise."""
    from diffusers import AmusedInpaintPipeline, AmusedScheduler, UVit2DModel, VQModel

    transformer = UVit2DModel(
        hidden_size=8, cond_embed_dim=parts.WIDTH, micro_cond_encode_dim=2, micro_cond_embed_dim=10,
        encoder_hidden_size=parts.WIDTH, vocab_size=32, codebook_size=8, in_channels=8, block_out_channels=8,
        num_res_blocks=1, block_num_heads=1, num_hidden_layers=1, num_attention_heads=1, intermediate_size=8,
        sample_size=8, downsample=True, upsample=True,
    )  # fmt: skip
    vqvae = VQModel(
        block_out_channels=(8, 8, 8, 8), down_block_types=("DownEncoderBlock2D",) * 4,
        up_block_types=("UpDecoderBlock2D",) * 4, latent_channels=8, layers_per_block=1, norm_num_groups=4,
        num_vq_embeddings=8, sample_size=32, mid_block_add_attention=False, lookup_from_codebook=True,
    )  # fmt: skip
    return AmusedInpaintPipeline(
        vqvae=vqvae, tokenizer=clip_tokenizer(), text_encoder=parts.clip_with_projection(), transformer=transformer,
        scheduler=AmusedScheduler(mask_token_id=31),
    )  # fmt: skip
