"""A tiny model of each family that diffusers runs, with random weights and a folder like one from the hub.

For tests of how pipelines of other classes are loaded and called. Nothing is fetched, no picture is beautiful. Their
autoencoders shrink by 8 as the real ones do, so that sizes follow the same rules.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from services.generator.models.libraries import prepare_libraries
from tests.support.families import flux, kandinsky, qwen, rare, stable

SEED = 7

FAMILIES: dict[str, Callable[[], Any]] = {
    "sd-inpaint": lambda: stable.sd("StableDiffusionInpaintPipeline", 9),
    "sd-inpaint-checked": stable.checked,
    "sd": lambda: stable.sd("StableDiffusionPipeline"),
    "sdxl": lambda: stable.xl("StableDiffusionXLPipeline"),
    "sdxl-inpaint": lambda: stable.xl("StableDiffusionXLInpaintPipeline", 9),
    "sd3": stable.sd3,
    "flux-dev": flux.flux,
    "flux-schnell": lambda: flux.flux(guided=False),
    "flux-fill": flux.fill,
    "flux-kontext": lambda: flux.flux("FluxKontextPipeline"),
    "flux2": flux.flux2,
    "flux2-klein": flux.klein,
    "flux2-klein-base": lambda: flux.klein(distilled=False),
    "flux2-klein-kv": lambda: flux.klein("Flux2KleinKVPipeline"),
    "chroma": flux.chroma,
    "qwen-image": qwen.image,
    "qwen-image-edit": qwen.edit,
    "qwen-image-edit-plus": lambda: qwen.edit("QwenImageEditPlusPipeline"),
    "qwen-image-layered": qwen.layered,
    "longcat-image-edit": qwen.longcat,
    "z-image": qwen.z_image,
    "z-image-controlnet-inpaint": qwen.z_controlnet,
    "sd-pix2pix": lambda: stable.sd("StableDiffusionInstructPix2PixPipeline", 8),
    "sdxl-pix2pix": lambda: stable.xl("StableDiffusionXLInstructPix2PixPipeline", 8),
    "lcm": stable.lcm,
    "sd-controlnet-inpaint": stable.sd_controlnet,
    "sdxl-controlnet-inpaint": stable.xl_controlnet,
    "sdxl-controlnet-union-inpaint": stable.xl_controlnet_union,
    "sd3-controlnet-inpaint": stable.sd3_controlnet,
    "flux-controlnet-inpaint": flux.controlnet,
    "flux-control-inpaint": flux.control,
    "qwen-image-controlnet-inpaint": qwen.controlnet,
    "sd-pag-inpaint": lambda: stable.sd("StableDiffusionPAGInpaintPipeline"),
    "sdxl-pag-inpaint": lambda: stable.xl("StableDiffusionXLPAGInpaintPipeline"),
    "z-image-omni": qwen.z_omni,
    "visualcloze": flux.cloze,
    "kandinsky22-decoder-inpaint": kandinsky.decoder,
    "kandinsky22-inpaint": kandinsky.combined,
    "kandinsky5-i2i": kandinsky.kandinsky5,
    "bria-fibo-edit": rare.fibo_edit,
    "bria-fibo2": rare.fibo2,
    "joyimage-edit": rare.joy,
    "dreamlite": rare.dreamlite,
    "dreamlite-mobile": lambda: rare.dreamlite("DreamLiteMobilePipeline"),
    "qwen-image-2.1": rare.qwen21,
    "deepfloyd-if-inpaint": rare.deepfloyd,
    "amused-inpaint": rare.amused,
}
"""How each is made, by a name of ours."""

NOT_RUN: dict[str, Callable[[], Any]] = {"chronoedit": rare.chrono}
"""What loads, and cannot be asked for a picture here: it wants ftfy."""

SIBLINGS: dict[str, tuple[str, ...]] = {
    "sd": ("StableDiffusionInpaintPipeline",),
    "sdxl": ("StableDiffusionXLInpaintPipeline",),
    "sd3": ("StableDiffusion3InpaintPipeline",),
    "flux-dev": ("FluxInpaintPipeline",),
    "flux-schnell": ("FluxInpaintPipeline",),
    "flux-kontext": ("FluxKontextInpaintPipeline",),
    "flux2-klein": ("Flux2KleinInpaintPipeline", "Flux2KleinKVPipeline"),
    "flux2-klein-base": ("Flux2KleinInpaintPipeline",),
    "chroma": ("ChromaInpaintPipeline",),
    "qwen-image": ("QwenImageInpaintPipeline",),
    "qwen-image-edit": ("QwenImageEditInpaintPipeline",),
    "qwen-image-edit-plus": ("QwenImageEditInpaintPipeline",),
    "z-image": ("ZImageInpaintPipeline",),
    "lcm": ("StableDiffusionInpaintPipeline",),
}
"""Other classes that the same folder loads as."""

_HUB_NAMES = {
    "T5Tokenizer": "T5TokenizerFast",
    "CLIPImageProcessorPil": "CLIPImageProcessor",
    "TokenizersBackend": "PixtralProcessor",
}
"""As the folders on the hub name them, for what transformers calls something else today."""


def make(name: str) -> Any:
    """The pipeline, the same weights each time."""
    prepare_libraries()
    import torch

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(SEED)
        return (FAMILIES | NOT_RUN)[name]()


def build(name: str, folder: Path) -> Path:
    """Write a family's model into ``folder``, as if it were downloaded."""
    make(name).save_pretrained(folder, safe_serialization=True)
    index = folder / "model_index.json"
    parts = json.loads(index.read_text(encoding="utf-8"))
    for said in parts.values():
        if isinstance(said, list) and said[0] == "transformers":
            said[1] = _HUB_NAMES.get(said[1], said[1])
    index.write_text(json.dumps(parts, indent=2), encoding="utf-8")
    return folder
