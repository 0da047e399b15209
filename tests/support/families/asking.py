"""Loading a family's folder as any pipeline class, and asking it for a small picture with what it takes."""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from services.generator.models.processors import processors_of

SIDE = 64
STEPS = 2


def hub_class(folder: Path) -> str:
    return str(json.loads((folder / "model_index.json").read_text(encoding="utf-8"))["_class_name"])


def load(folder: Path, class_name: str | None = None) -> Any:
    """The pipeline of a folder: of the class that the folder names, or of a sibling's."""
    import diffusers
    import torch

    loader = getattr(diffusers, class_name or hub_class(folder))
    processors = processors_of(folder)
    options = processors.options()
    if "requires_safety_checker" in inspect.signature(loader.__init__).parameters:
        options |= {"safety_checker": None, "feature_extractor": None, "requires_safety_checker": False}
    dtype: Any = torch.float32
    if loader.__name__ == "ZImageOmniPipeline":  # which gives its autoencoder bfloat16 whatever its precision is
        dtype = {"vae": torch.bfloat16, "default": torch.float32}
    pipeline = loader.from_pretrained(str(folder), local_files_only=True, dtype=dtype, **options)
    processors.complete(pipeline)
    if loader.__name__ == "ChromaInpaintPipeline" and "guidance_embeds" not in pipeline.transformer.config:
        pipeline.transformer.register_to_config(guidance_embeds=False)  # which it asks for, and its model has not
    pipeline.set_progress_bar_config(disable=True)
    return pipeline


def photograph(side: int = SIDE, mode: str = "RGB") -> Any:
    """A slope of colours."""
    import numpy as np
    from PIL import Image

    slope = np.linspace(0, 255, side, dtype=np.uint8)
    across, down = np.meshgrid(slope, slope)
    return Image.fromarray(np.stack([across, down, across // 2 + down // 2], axis=2)).convert(mode)


def mask(side: int = SIDE) -> Any:
    """The right half is to be painted."""
    from PIL import Image

    picture = Image.new("L", (side, side))
    picture.paste(255, (side // 2, 0, side, side))
    return picture


_PECULIAR: dict[str, Callable[[int], dict[str, Any]]] = {
    "StableDiffusionXLControlNetUnionInpaintPipeline": lambda _: {"control_mode": [0]},
    "BriaFiboEditPipeline": lambda _: {"prompt": '{"edit_instruction": "a fox"}'},
    "ChronoEditPipeline": lambda _: {"num_frames": 5},
    "VisualClozePipeline": lambda side: {
        "task_prompt": "inpaint",
        "content_prompt": "a fox",
        "image": [[photograph(side)] * 2, [photograph(side), None]],
        "upsampling_width": side,
        "upsampling_height": side,
    },
    "KandinskyV22InpaintPipeline": lambda _: dict.fromkeys(("image_embeds", "negative_image_embeds"), _embedding()),
    "KandinskyV22InpaintCombinedPipeline": lambda _: {"prior_num_inference_steps": STEPS},
    "QwenImage21Pipeline": lambda _: {"output_resolution": 128},
    "QwenImageLayeredPipeline": lambda side: {"image": photograph(side, "RGBA")},
}
"""What only one class takes or asks for."""


def _embedding() -> Any:
    import torch

    return torch.zeros(1, 32)


def request(pipeline: Any, side: int = SIDE, **more: Any) -> dict[str, Any]:
    """The arguments of a call: of those that this class takes, each with something small."""
    import torch

    wanted: dict[str, Any] = {
        "prompt": "a fox", "negative_prompt": "blurry", "image": photograph(side), "mask_image": mask(side),
        "mask": mask(side), "control_image": photograph(side), "control_mask": mask(side), "height": side,
        "width": side, "num_inference_steps": STEPS, "strength": 1.0, "output_type": "np",
        "generator": torch.Generator("cpu").manual_seed(5), "max_area": side * side, "_auto_resize": False,
    } | _PECULIAR.get(type(pipeline).__name__, lambda _: {})(side) | more  # fmt: skip
    takes = inspect.signature(pipeline.__call__).parameters
    return {name: value for name, value in wanted.items() if name in takes and value is not None}


_CHOOSING = (
    "qwenimage.pipeline_qwenimage_edit", "qwenimage.pipeline_qwenimage_edit_inpaint",
    "qwenimage.pipeline_qwenimage_edit_plus", "qwenimage.pipeline_qwenimage_layered",
    "longcat_image.pipeline_longcat_image_edit",
)  # fmt: skip
"""Modules whose classes choose an area themselves: 1024 x 1024 pixels, or 640 x 640."""


def choose_small(patch: Any, pipeline: Any) -> None:
    """Let a class that chooses its size choose a quarter of each side, until pytest's monkeypatch ``patch`` is undone.
    On a processor the pictures of such classes take seconds, however tiny the network."""
    import importlib

    for name in _CHOOSING:
        module = importlib.import_module(f"diffusers.pipelines.{name}")
        choose = module.calculate_dimensions
        patch.setattr(module, "calculate_dimensions", lambda area, ratio, choose=choose: choose(area / 16, ratio))
    if type(pipeline).__name__ == "Kandinsky5I2IPipeline":
        pipeline.resolutions = [(width // 4, height // 4) for width, height in pipeline.resolutions]
    if type(pipeline).__name__ == "JoyImageEditPipeline":
        module = importlib.import_module("diffusers.pipelines.joyimage.image_processor")
        patch.setattr(module, "BUCKETS", {1024: [(256, 256), (128, 512), (512, 128)]})


def picture(answer: Any) -> Any:
    """The first picture of what a call gave: most classes call them images."""
    import numpy as np

    found = next(getattr(answer, name) for name in ("images", "image", "frames") if hasattr(answer, name))
    return np.asarray(found[0])


def calls_of(pipeline: Any) -> list[int]:
    """Grows by a number, of pictures at once, with each call of the network that takes away the noise."""
    network = getattr(pipeline, "transformer", None) or pipeline.unet
    counted: list[int] = []

    def count(_: Any, values: tuple[Any, ...], named: dict[str, Any], __: Any) -> None:
        counted.append(len(values[0] if values else next(iter(named.values()))))

    network.register_forward_hook(count, with_kwargs=True)
    return counted
