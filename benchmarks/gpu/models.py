"""The models that are measured: which parts they have, at which size and in how many steps they run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from benchmarks.gpu import shapes
from benchmarks.gpu.shapes import Part

NAMES = ("sdturbo", "sd15", "sdxlturbo", "sdxl", "flux")
"""In the order in which they are measured, the quickest first."""
TINY_PX = 128
TINY_STEPS = 2
FLUX_DOUBLE, FLUX_SINGLE, T5_LAYERS = 19, 38, 24


@dataclass(frozen=True, slots=True)
class Model:
    """A model as it is written into a folder.

    Attributes:
        name: of the command, and of the folder.
        title: for readers.
        pipeline: the class that a real folder of it names.
        parts: networks by component; tokenizers go with them.
        scheduler: its class, and what that is made with.
        recommended: what a run has where a request names nothing: steps, guidance, size in pixels.
        index: what ``model_index.json`` has besides.
        note: a sentence on what differs from the real one; empty: nothing but its weights.
    """

    name: str
    title: str
    pipeline: str
    parts: Mapping[str, Part]
    scheduler: tuple[str, Mapping[str, Any]]
    recommended: Mapping[str, Any]
    index: Mapping[str, Any] = field(default_factory=dict)
    note: str = ""

    @property
    def network(self) -> str:
        """The component that runs at each step."""
        return "unet" if "unet" in self.parts else "transformer"


@dataclass(frozen=True, slots=True)
class Blocks:
    """How much of FLUX.1 there is."""

    double: int = FLUX_DOUBLE
    single: int = FLUX_SINGLE
    t5_layers: int = T5_LAYERS

    @property
    def is_whole(self) -> bool:
        return self == Blocks()


_NOISE = {"beta_schedule": "scaled_linear", "beta_start": 0.00085, "beta_end": 0.012, "steps_offset": 1}
_DDIM = ("DDIMScheduler", {**_NOISE, "clip_sample": False, "set_alpha_to_one": False})
_EULER = ("EulerDiscreteScheduler", _NOISE)
_TURBO = ("EulerDiscreteScheduler", {**_NOISE, "timestep_spacing": "trailing"})
_FLOW = ("FlowMatchEulerDiscreteScheduler", {"shift": 3.0, "use_dynamic_shifting": True})
_NO_CHECKER = {
    "safety_checker": [None, None],
    "feature_extractor": [None, None],
    "requires_safety_checker": False,
}


def model_of(name: str, tiny: bool = False, blocks: Blocks | None = None) -> Model:
    """A model of :data:`NAMES`; ``blocks``: of FLUX.1, how many."""
    if name == "flux":
        return _flux(tiny, blocks or (Blocks(1, 1, 1) if tiny else Blocks()))
    return {"sdturbo": _sd_turbo, "sd15": _sd15, "sdxlturbo": _sdxl_turbo, "sdxl": _sdxl}[name](tiny)


def _run(tiny: bool, steps: int, size: int, guidance: float) -> dict[str, Any]:
    """Strength 1: a smaller one would leave steps out."""
    steps, size = (TINY_STEPS, TINY_PX) if tiny else (steps, size)
    return {"steps": steps, "size": size, "guidance_scale": guidance, "strength": 1.0}


def _sd_turbo(tiny: bool) -> Model:
    parts = {
        "text_encoder": shapes.clip_h(tiny),
        "unet": shapes.unet_sd21(tiny),
        "vae": shapes.autoencoder(tiny, 768),
    }
    run = _run(tiny, 2, 512, 0.0)
    return Model("sdturbo", "SD-Turbo", "StableDiffusionPipeline", parts, _TURBO, run, _NO_CHECKER)


def _sd15(tiny: bool) -> Model:
    parts = {
        "text_encoder": shapes.clip_l(tiny),
        "unet": shapes.unet_sd15_inpainting(tiny),
        "vae": shapes.autoencoder(tiny, 512),
    }
    run = _run(tiny, 30, 512, 7.5)
    title = "Stable Diffusion 1.5 inpainting"
    return Model("sd15", title, "StableDiffusionInpaintPipeline", parts, _DDIM, run, _NO_CHECKER)


def _xl_parts(tiny: bool) -> dict[str, Part]:
    return {
        "text_encoder": shapes.clip_l(tiny),
        "text_encoder_2": shapes.clip_big_g(tiny),
        "unet": shapes.unet_sdxl(tiny),
        "vae": shapes.autoencoder(tiny, 1024, scaling_factor=0.13025),
    }


_XL = "StableDiffusionXLPipeline"


def _sdxl(tiny: bool) -> Model:
    run, index = _run(tiny, 30, 1024, 7.0), {"force_zeros_for_empty_prompt": True}
    return Model("sdxl", "Stable Diffusion XL", _XL, _xl_parts(tiny), _EULER, run, index)


def _sdxl_turbo(tiny: bool) -> Model:
    run, index = _run(tiny, 4, 512, 0.0), {"force_zeros_for_empty_prompt": True}
    return Model("sdxlturbo", "SDXL-Turbo", _XL, _xl_parts(tiny), _TURBO, run, index)


def _flux(tiny: bool, blocks: Blocks) -> Model:
    parts = {
        "text_encoder": shapes.clip_l(tiny),
        "text_encoder_2": shapes.t5_xxl(blocks.t5_layers, tiny),
        "transformer": shapes.flux_transformer(blocks.double, blocks.single, tiny),
        "vae": shapes.flux_autoencoder(tiny),
    }
    note = "" if tiny or blocks.is_whole else (
        f"{blocks.double} of {FLUX_DOUBLE} double and {blocks.single} of {FLUX_SINGLE} single blocks, "
        f"{blocks.t5_layers} of {T5_LAYERS} layers of T5-XXL"
    )  # fmt: skip
    name = f"flux-{blocks.double}-{blocks.single}-{blocks.t5_layers}"
    return Model(name, "FLUX.1 [dev]", "FluxPipeline", parts, _FLOW, _run(tiny, 28, 1024, 3.5), note=note)
