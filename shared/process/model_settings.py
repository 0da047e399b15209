"""The settings of the model: which one, on what, and what is done so that it fits and runs fast."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, field_validator
from pydantic_settings import BaseSettings, NoDecode

MAX_LORAS = 8

_STEP_CACHE = re.compile(r"(?:(none|taylorseer)|(first_block)(?::(\d{1,3}(?:\.\d{1,6})?))?)\Z")


OF_ONE_MODEL = ("model_kind", "variant", "single_file_config", "network", "lora", "tiny_decoder")
"""Settings that were made for the model that the settings name, and would not fit another."""


class ModelSettings(BaseSettings):
    model: str = Field(
        "",
        description="folder, hub id or .safetensors file that diffusers can load; empty: the embedded model; tiny: "
        "random weights, for tests",
    )
    model_kind: Literal["auto", "inpaint", "edit", "layer"] = Field(
        "auto", description="how the model edits; set, it also loads families that are not known to edit"
    )
    device: str = Field("auto", pattern=r"^(auto|cpu|mps|cuda(:\d+)?)$", description="auto, cuda, cuda:N, mps or cpu")
    dtype: Literal["auto", "float16", "bfloat16", "float32"] = Field("auto", description="precision of the model")
    models_dir: Path = Field(
        Path("generation/models"), description="folder of models: a name in it is enough, and POST /model may load it"
    )
    models: Annotated[tuple[str, ...], NoDecode] = Field(
        (), description="comma-separated folders and hub ids that POST /model may load besides"
    )
    segmenter: Path | None = Field(
        None, description=".onnx file of a network that finds whole things, such as ISNet; default: the embedded one"
    )
    presets: Path | None = Field(
        None, description="file of your own recommendations by model, as 'parafovea models show' prints them"
    )
    variant: str = Field(
        "", pattern=r"^[\w-]*$", description="of weights, such as fp16; empty: what there is, the plain ones first"
    )
    allow_pickles: bool = Field(
        False, description="load weights that are pickles (.bin, .ckpt), which can run any code of their maker"
    )
    single_file_config: str = Field(
        "", description="folder or hub id with the configurations for a model that is one file"
    )
    network: str = Field(
        "", description=".gguf or .safetensors file with other weights for the model's network, such as quantised ones"
    )
    lora: Annotated[tuple[str, ...], NoDecode] = Field(
        (), description="comma-separated LoRA files with weights: style.safetensors:0.8,light.safetensors"
    )
    offload: Literal["auto", "none", "model", "group"] = Field(
        "auto", description="what stays off the card while it is not used; auto: what is needed for the model to fit"
    )
    quantize: Literal["none", "nf4", "fp8"] = Field("none", description="weights of 4 or 8 bits, which changes pixels")
    compile: bool = Field(False, description="compile the network: faster after a first start of minutes")
    attention: str = Field("", pattern=r"^\w*$", description="diffusers' attention backend, such as native or flash")
    channels_last: bool = Field(False, description="memory layout that convolutions on a GPU are faster with")
    fuse_qkv: bool = Field(False, description="one product for query, key and value")
    tiny_decoder: str = Field("", description="folder or hub id of an AutoencoderTiny in place of the autoencoder")
    step_cache: str = Field(
        "none",
        description="reuse between steps, which changes pixels: none, first_block:THRESHOLD or taylorseer",
    )
    warm_up: Literal["auto", "yes", "no"] = Field(
        "auto", description="run the model once before it is ready; auto: on an accelerator, or where it is compiled"
    )

    def for_model(self, name: str) -> Self:
        """The settings for another model: those that were made for one alone have their defaults again."""
        plain = {each: ModelSettings.model_fields[each].default for each in OF_ONE_MODEL}
        return self if name == self.model else self.model_copy(update={**plain, "model": name})

    @field_validator("models", "lora", mode="before")
    @classmethod
    def _split_names(cls, value: object) -> object:
        return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value

    @field_validator("lora")
    @classmethod
    def _are_loras(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if len(value) > MAX_LORAS:
            raise ValueError(f"at most {MAX_LORAS} LoRA files")
        for one in value:
            parse_lora(one)
        return value

    @field_validator("step_cache")
    @classmethod
    def _is_a_cache(cls, value: str) -> str:
        if not _STEP_CACHE.match(value):
            raise ValueError(
                f"{value[:100]!r} is none; write none, taylorseer or first_block, which may be "
                "followed by a threshold, as in first_block:0.1"
            )
        return value


def parse_lora(text: str) -> tuple[str, float]:
    """File and weight of a LoRA as the settings tell it; the weight is 1 where none stands behind a colon. Raises
    ValueError: the weight is no number, or is out of range."""
    path, colon, weight = text.rpartition(":")
    if not colon or "/" in weight or "\\" in weight:  # the colon of C:\lora.safetensors, or of nothing
        path, weight = text, "1"
    try:
        number = float(weight)
    except ValueError:
        if path.lower().endswith(".safetensors"):
            raise ValueError(f"{text[:100]!r}: {weight[:20]!r} is no weight; write file.safetensors:0.8") from None
        path, number = text, 1.0
    if not (-10 <= number <= 10):
        raise ValueError(f"{text[:100]!r}: a LoRA's weight is from -10 to 10")
    if not path:
        raise ValueError(f"{text[:100]!r} names no file")
    return path, number


def parse_step_cache(text: str) -> tuple[str, float | None]:
    """Name and threshold of a step cache; None: its own. Raises ValueError: it is none."""
    found = _STEP_CACHE.match(text)
    if found is None:
        raise ValueError(f"{text[:100]!r} is no step cache")
    return found[1] or found[2], float(found[3]) if found[3] else None
