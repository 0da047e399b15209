"""The families of pipelines that edit pictures here: by which class each is loaded, and how large its models are.

A folder says which class it was saved from. Often that one makes pictures from text, or edits without a mask, while
diffusers has a sibling over the same weights that takes a mask: then the sibling is loaded, since a mask says which
sector may change and a strength says how far. Sizes are those of the family's best-known model, from its files.
"""

from __future__ import annotations

from dataclasses import dataclass

from services.generator.engine import ModelKind, Rounding


@dataclass(frozen=True, slots=True)
class Size:
    """Weights in billions of parameters. ``network``: the UNet or transformer, and whatever else runs at each step."""

    network: float
    text: float
    vae: float

    @property
    def total(self) -> float:
        return self.network + self.text + self.vae


@dataclass(frozen=True, slots=True)
class Family:
    """Models that are loaded, and edit, alike.

    Attributes:
        name: as presets name it.
        saved_as: classes that a folder's ``model_index.json`` may name.
        loaded_by: the class that is loaded.
        example: hub id of its best-known model, whose size is given.
        guidance: parameter that weighs the prompt, where the signature would mislead.
        guided_above: the scale from which on a negative prompt has effect.
        chooses_size: of a class that works at about 1024 x 1024 pixels, in the ratio of what it is given, whatever it
            is asked for: how it rounds the sides.
    """

    name: str
    title: str
    kind: ModelKind
    saved_as: tuple[str, ...]
    loaded_by: str
    example: str
    size: Size
    guidance: str | None = None
    guided_above: float = 1.0
    chooses_size: Rounding | None = None


_SD, _XL, _SD3 = "StableDiffusion{}Pipeline", "StableDiffusionXL{}Pipeline", "StableDiffusion3{}Pipeline"
_FORMS = ("", "Img2Img", "Inpaint", "PAG", "PAGImg2Img", "PAGInpaint")

FAMILIES: tuple[Family, ...] = (
    Family("stable-diffusion", "Stable Diffusion 1 and 2", "inpaint",
        tuple(_SD.format(part) for part in _FORMS),
        "StableDiffusionInpaintPipeline", "stable-diffusion-v1-5/stable-diffusion-inpainting", Size(0.86, 0.12, 0.08)),
    Family("lcm", "Latent Consistency Models", "inpaint",
        ("LatentConsistencyModelPipeline", "LatentConsistencyModelImg2ImgPipeline"),
        "StableDiffusionInpaintPipeline", "SimianLuo/LCM_Dreamshaper_v7", Size(0.86, 0.12, 0.08)),
    Family("stable-diffusion-xl", "Stable Diffusion XL", "inpaint",
        tuple(_XL.format(part) for part in _FORMS),
        "StableDiffusionXLInpaintPipeline", "diffusers/stable-diffusion-xl-1.0-inpainting-0.1", Size(2.57, 0.82, 0.08)),
    Family("stable-diffusion-3", "Stable Diffusion 3", "inpaint",
        tuple(_SD3.format(part) for part in ("", "Img2Img", "Inpaint", "PAG", "PAGImg2Img")),
        "StableDiffusion3InpaintPipeline", "stabilityai/stable-diffusion-3.5-medium", Size(2.5, 5.6, 0.08)),
    Family("flux", "FLUX.1", "inpaint",
        ("FluxPipeline", "FluxImg2ImgPipeline", "FluxInpaintPipeline"),
        "FluxInpaintPipeline", "black-forest-labs/FLUX.1-schnell", Size(11.9, 4.9, 0.08)),
    Family("flux-fill", "FLUX.1 Fill", "inpaint",
        ("FluxFillPipeline",),
        "FluxFillPipeline", "black-forest-labs/FLUX.1-Fill-dev", Size(11.9, 4.9, 0.08)),
    Family("flux-kontext", "FLUX.1 Kontext", "inpaint",
        ("FluxKontextPipeline", "FluxKontextInpaintPipeline"),
        "FluxKontextInpaintPipeline", "black-forest-labs/FLUX.1-Kontext-dev", Size(11.9, 4.9, 0.08)),
    Family("flux2", "FLUX.2", "edit",
        ("Flux2Pipeline",),
        "Flux2Pipeline", "black-forest-labs/FLUX.2-dev", Size(32.2, 24.0, 0.08)),
    Family("flux2-klein", "FLUX.2 klein", "inpaint",
        ("Flux2KleinPipeline", "Flux2KleinInpaintPipeline"),
        "Flux2KleinInpaintPipeline", "black-forest-labs/FLUX.2-klein-4B", Size(3.9, 4.0, 0.08)),
    Family("flux2-klein-kv", "FLUX.2 klein with a cache", "edit",
        ("Flux2KleinKVPipeline",),
        "Flux2KleinKVPipeline", "black-forest-labs/FLUX.2-klein-9b-kv", Size(9.1, 8.2, 0.08)),
    Family("chroma", "Chroma", "inpaint",
        ("ChromaPipeline", "ChromaImg2ImgPipeline", "ChromaInpaintPipeline"),
        "ChromaInpaintPipeline", "lodestones/Chroma1-HD", Size(8.9, 4.8, 0.08), guidance="guidance_scale"),
    Family("qwen-image", "Qwen-Image", "inpaint",
        ("QwenImagePipeline", "QwenImageImg2ImgPipeline", "QwenImageInpaintPipeline"),
        "QwenImageInpaintPipeline", "Qwen/Qwen-Image", Size(20.4, 8.3, 0.13)),
    Family("qwen-image-edit", "Qwen-Image-Edit", "inpaint",
        ("QwenImageEditPipeline", "QwenImageEditInpaintPipeline"),
        "QwenImageEditInpaintPipeline", "Qwen/Qwen-Image-Edit", Size(20.4, 8.3, 0.13), chooses_size="nearest"),
    Family("qwen-image-edit-plus", "Qwen-Image-Edit Plus", "edit",
        ("QwenImageEditPlusPipeline",),
        "QwenImageEditPlusPipeline", "Qwen/Qwen-Image-Edit-2509", Size(20.4, 8.3, 0.13)),
    Family("longcat-image-edit", "LongCat-Image-Edit", "edit",
        ("LongCatImageEditPipeline",),
        "LongCatImageEditPipeline", "meituan-longcat/LongCat-Image-Edit", Size(6.3, 8.3, 0.08), chooses_size="up"),
    Family("z-image", "Z-Image", "inpaint",
        ("ZImagePipeline", "ZImageImg2ImgPipeline", "ZImageInpaintPipeline"),
        "ZImageInpaintPipeline", "Tongyi-MAI/Z-Image-Turbo", Size(6.2, 4.0, 0.08), guided_above=0.0),
    Family("z-image-controlnet", "Z-Image with a ControlNet that inpaints", "inpaint",
        ("ZImageControlNetInpaintPipeline",),
        "ZImageControlNetInpaintPipeline", "alibaba-pai/Z-Image-Turbo-Fun-Controlnet-Union-2.1",
        Size(9.5, 4.0, 0.08), guided_above=0.0),
    Family("instruct-pix2pix", "InstructPix2Pix", "edit",
        ("StableDiffusionInstructPix2PixPipeline",),
        "StableDiffusionInstructPix2PixPipeline", "timbrooks/instruct-pix2pix", Size(0.86, 0.12, 0.08)),
    Family("instruct-pix2pix-xl", "InstructPix2Pix of Stable Diffusion XL", "edit",
        ("StableDiffusionXLInstructPix2PixPipeline",),
        "StableDiffusionXLInstructPix2PixPipeline", "diffusers/sdxl-instructpix2pix-768", Size(2.57, 0.82, 0.08)),
    Family("dreamlite", "DreamLite", "edit",
        ("DreamLitePipeline",),
        "DreamLitePipeline", "bytedance-research/DreamLite", Size(0.39, 2.1, 0.01), guided_above=-1.0),
    Family("dreamlite-mobile", "DreamLite Mobile", "edit",
        ("DreamLiteMobilePipeline",),
        "DreamLiteMobilePipeline", "bytedance-research/DreamLite-mobile", Size(0.39, 2.1, 0.01)),
)  # fmt: skip

BY_CLASS: dict[str, Family] = {name: family for family in FAMILIES for name in family.saved_as}
BY_NAME: dict[str, Family] = {family.name: family for family in FAMILIES}
