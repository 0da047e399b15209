"""Of which kind a model is, and by which class it is loaded: from its index and its parts' configurations alone."""

from __future__ import annotations

import inspect
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from services.generator.engine import ModelKind
from services.generator.models.families import BY_CLASS, Family
from services.generator.models.files import ModelError, ModelFolder, read_json

RGBA_CHANNELS = 4

_BY_SETTING = "If you know better, set PARAFOVEA_MODEL_KIND."
_REFUSED: tuple[tuple[str, str], ...] = (
    (
        r"QwenImageLayered",
        "takes a picture apart into layers and makes nothing new; take Qwen-Image-Edit, which edits",
    ),
    (r"ZImageOmni", "works in bfloat16 alone, whatever it is asked for; take Z-Image, which inpaints"),
    (r"BriaFibo", "wants its prompt as a description in JSON, which a second model writes; take another editor"),
    (r"JoyImage|Kandinsky5", "chooses among a few fixed sizes, which would squeeze a sector; take Qwen-Image-Edit"),
    (r"QwenImage21", "makes pictures with opacity, in layers of its own; take Qwen-Image-Edit, which edits"),
    (r"GlmImage", "draws token by token, and seeds the whole process anew; take Qwen-Image-Edit"),
    (r"ChronoEdit|SanaWM", "makes a few frames of video; take Qwen-Image-Edit"),
    (r"SanaSprint", "takes no mask, and diffusers has no sibling of it that does; take Z-Image"),
    (r"PaintByExample", "repaints after an example picture, not after a prompt; take Stable Diffusion inpainting"),
    (r"VisualCloze", "works from grids of examples; take FLUX.1 Fill, which it is made of"),
    (r"RePaint|DiffEdit|CycleDiffusion|ModelEditing", "takes no prompt for a masked part; take Stable Diffusion"),
    (r"^(IF|Amused|UniDiffuser|VersatileDiffusion|AltDiffusion|UnCLIP|StableUnCLIP)", "is no longer kept by diffusers"),
    (
        r"^Kandinsky(V22|3|)(Inpaint|Prior|Img2Img|Combined|Decoder|Emb2Emb|Controlnet)*(Combined)?Pipeline$",
        "is spread over two repositories, of which one folder holds half; take Stable Diffusion XL inpainting",
    ),
    (r"(?<!ZImage)ControlNet|Controlnet|Adapter|ControlPipeline|FluxControl|ControlImg2Img",
     "needs a control picture (edges, depth, a pose) beside the photograph, which nobody makes here; take the model "
     "that it was made for, without it"),
    (r"Video|I2V|V2V|TI2VA|Wan|LTX|Cosmos|Mochi|CogVideo|SkyReels|Framepack|Helios|Allegro|PIA|AnimateDiff|FreeNoise",
     "makes video, not a picture"),
    (r"Upscale|SuperResolution|Refiner", "makes a picture larger or finer, and changes nothing in it"),
    (r"Marigold|Depth", "works with depth or surfaces, not with a prompt for a part of a picture"),
    (r"ImageVariation|Redux", "makes another picture like a whole one, without a prompt for a part of it"),
    (r"^Onnx|Modular", "is loaded by other means than this server has; take the model in diffusers' usual form"),
    (r"Audio|Music|Speech|ShapE|DiffusionGemma|DanceDiffusion", "makes no pictures"),
)  # fmt: skip
"""By a pattern that a class is found by, why its models are not taken."""


@dataclass(frozen=True, slots=True)
class Role:
    """How a model is to be used.

    Attributes:
        loaded_by: name of the pipeline class.
        family: None where only the settings, or its class's own call, say that it edits.
    """

    kind: ModelKind
    loaded_by: str
    family: Family | None


def role_of(model: ModelFolder, asked: str = "auto") -> Role:
    """How a model edits.

    - *layer*: its autoencoder's decoder has four output channels, so it makes RGBA.
    - a :class:`Family`'s kind, where it is of one.
    - *inpaint*: any other class whose call takes a mask.

    Args:
        asked: a kind that the settings name, which is believed; ``auto``.

    Raises:
        ModelError: none of these, or a class that this diffusers does not know; the message has the way out.
    """
    family = BY_CLASS.get(model.pipeline)
    if asked == "auto":
        _refuse(model.pipeline)
    if _decoded_channels(model.folder) == RGBA_CHANNELS and asked in ("auto", "layer"):
        return Role("layer", model.pipeline, family)
    if family is not None and asked in ("auto", family.kind):
        return Role(family.kind, family.loaded_by, family)
    takes = call_of(model.pipeline)
    if asked == "inpaint":
        return Role("inpaint", model.pipeline if "mask_image" in takes else _inpainting_class(model.pipeline), None)
    if asked != "auto":
        return Role("edit" if asked == "edit" else "layer", model.pipeline, family)
    if {"mask_image", "image"} <= takes.keys():
        return Role("inpaint", model.pipeline, None)
    if "image" not in takes:
        raise ModelError(
            f"{model.pipeline} makes pictures from text alone: diffusers has no class that changes a part of one with "
            "its weights. Choose a model that inpaints or edits: 'parafovea models' lists families."
        )
    raise ModelError(
        f"{model.pipeline} is of no family that is known to edit a part of a picture; 'parafovea models' lists those "
        f"that are. {_BY_SETTING}"
    )


def _refuse(pipeline: str) -> None:
    """Raise ModelError where a class is known not to do what is wanted here."""
    for pattern, why in _REFUSED:
        if pipeline not in BY_CLASS and re.search(pattern, pipeline):
            raise ModelError(f"{pipeline} {why}. {_BY_SETTING}")


def call_of(pipeline: str) -> dict[str, Any]:
    """The parameters that a pipeline class's call takes, by name. Raises ModelError: diffusers has no such class."""
    return dict(inspect.signature(pipeline_class(pipeline).__call__).parameters)


def pipeline_class(name: str) -> Any:
    """A pipeline class of diffusers. Raises ModelError: it has none of that name, or lacks a package for it."""
    import diffusers

    try:
        found = getattr(diffusers, name, None)
    except (ImportError, RuntimeError) as error:
        raise ModelError(f"{name} cannot be imported: {error}") from error
    if found is None or not hasattr(found, "__call__"):  # noqa: B004 (of the class, to be looked at)
        raise ModelError(
            f"diffusers {diffusers.__version__} has no pipeline {name}; a newer one may, or it was made for other code."
        )
    return found


def _inpainting_class(pipeline: str) -> str:
    from diffusers.pipelines.auto_pipeline import AUTO_INPAINT_PIPELINES_MAPPING, _get_task_class

    family = BY_CLASS.get(pipeline)
    if family is not None and family.kind == "inpaint":
        return family.loaded_by
    try:
        return str(_get_task_class(AUTO_INPAINT_PIPELINES_MAPPING, pipeline).__name__)
    except ValueError:
        raise ModelError(
            f"PARAFOVEA_MODEL_KIND is inpaint, but {pipeline} takes no mask, and diffusers has no class that does with "
            "its weights."
        ) from None


def _decoded_channels(folder: Path) -> int | None:
    try:
        config = read_json(folder / "vae" / "config.json")
    except (OSError, ValueError):
        return None
    channels = config.get("out_channels") if isinstance(config, dict) else None
    return channels if isinstance(channels, int) else None
