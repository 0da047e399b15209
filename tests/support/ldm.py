"""A diffusers pipeline of Stable Diffusion as the one file that people share: names as its first authors gave them.

The inverse of what diffusers does when it reads such a file; the layers' names are those of the CompVis repository.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from safetensors.torch import save_file

_RESNET = {
    "norm1": "in_layers.0",
    "conv1": "in_layers.2",
    "time_emb_proj": "emb_layers.1",
    "norm2": "out_layers.0",
    "conv2": "out_layers.3",
    "conv_shortcut": "skip_connection",
}
_ENDS = {
    "conv_in.": "input_blocks.0.0.",
    "time_embedding.linear_1.": "time_embed.0.",
    "time_embedding.linear_2.": "time_embed.2.",
    "conv_norm_out.": "out.0.",
    "conv_out.": "out.2.",
}
_ATTENTION = {"group_norm": "norm", "to_q": "q", "to_k": "k", "to_v": "v", "to_out.0": "proj_out"}


def save_as_one_file(pipeline: Any, path: Path) -> None:
    """Write network, autoencoder and text encoder of a pipeline into one file of safetensors."""
    unet, vae = pipeline.unet, pipeline.vae
    blocks = len(vae.config.block_out_channels)
    layers = unet.config.layers_per_block
    attends = [hasattr(block, "attentions") for block in unet.up_blocks]
    state = {f"model.diffusion_model.{_of_unet(n, layers, attends)}": v for n, v in unet.state_dict().items()}
    for name, value in vae.state_dict().items():
        renamed = f"first_stage_model.{_of_vae(name, blocks)}"
        is_product = ".attn_1." in renamed and value.dim() == 2
        state[renamed] = value[:, :, None, None] if is_product else value
    for name, value in pipeline.text_encoder.state_dict().items():
        state[f"cond_stage_model.transformer.text_model.{name.removeprefix('text_model.')}"] = value
    save_file({name: value.contiguous() for name, value in state.items()}, path)


def _of_unet(name: str, layers: int, attends: list[bool]) -> str:
    for here, there in _ENDS.items():
        if name.startswith(here):
            return there + name.removeprefix(here)
    if found := re.match(r"(down|up)_blocks\.(\d+)\.(resnets|attentions|downsamplers|upsamplers)\.(\d+)\.(.*)", name):
        side, kind, rest = found[1], found[3], found[5]
        block, layer = int(found[2]), int(found[4])
        if kind == "downsamplers":
            return f"input_blocks.{1 + block * (layers + 1) + layers}.0.op.{rest.removeprefix('conv.')}"
        if kind == "upsamplers":
            return f"output_blocks.{block * (layers + 1) + layers}.{1 + attends[block]}.{rest}"
        at = f"input_blocks.{1 + block * (layers + 1) + layer}" if side == "down" else ""
        at = at or f"output_blocks.{block * (layers + 1) + layer}"
        return f"{at}.{int(kind == 'attentions')}.{_resnet(rest) if kind == 'resnets' else rest}"
    found = re.match(r"mid_block\.(resnets|attentions)\.(\d+)\.(.*)", name)
    assert found is not None, name
    place = 1 if found[1] == "attentions" else 2 * int(found[2])
    return f"middle_block.{place}.{_resnet(found[3]) if found[1] == 'resnets' else found[3]}"


def _resnet(rest: str) -> str:
    part, _, end = rest.rpartition(".")
    return f"{_RESNET[part]}.{end}"


def _of_vae(name: str, blocks: int) -> str:
    name = name.replace("conv_norm_out", "norm_out").replace("conv_shortcut", "nin_shortcut")
    name = re.sub(r"down_blocks\.(\d+)\.resnets\.(\d+)", r"down.\1.block.\2", name)
    name = re.sub(r"down_blocks\.(\d+)\.downsamplers\.0", r"down.\1.downsample", name)
    name = re.sub(r"up_blocks\.(\d+)\.resnets\.(\d+)", lambda m: f"up.{blocks - 1 - int(m[1])}.block.{m[2]}", name)
    name = re.sub(r"up_blocks\.(\d+)\.upsamplers\.0", lambda m: f"up.{blocks - 1 - int(m[1])}.upsample", name)
    name = re.sub(r"mid_block\.resnets\.(\d+)", lambda m: f"mid.block_{int(m[1]) + 1}", name)
    if found := re.match(r"(.*)mid_block\.attentions\.0\.([\w.]+)\.(weight|bias)$", name):
        return f"{found[1]}mid.attn_1.{_ATTENTION[found[2]]}.{found[3]}"
    return name
