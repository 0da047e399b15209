"""Which files of a model's folder a pipeline loads: of each part its configurations, and one set of weights.

A repository holds much else: weights in other precisions, as pickles and for other libraries, pictures, a README. What
is chosen here is what is downloaded, what the model's identity is worked out from, and what its memory is counted from.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from services.generator.models.files import INDEX, ModelError, ModelFolder, parts_of
from shared.process.model_settings import ModelSettings

NETWORKS = ("transformer", "unet")
"""Names of the component that runs at each step."""
UNLOADED = frozenset({"safety_checker"})
"""Parts that are left out: see :mod:`loading`."""

_WEIGHTS = re.compile(
    r"(?P<base>diffusion_pytorch_model|model|pytorch_model|text_encoder|openvino_model|flax_model|tf_model|"
    r"diffusion_flax_model|adapter_model)"
    r"(?:\.(?P<variant>(?!safetensors|bin)[\w-]+?))?(?:(?P<shard>-\d{5}-of-\d{5})(?:\.(?P<late>[\w-]+))?)?"
    r"\.(?P<kind>safetensors|bin|ckpt|pt|pth|msgpack|h5|onnx|onnx_data|xml|tflite)"
)
_WEIGHTS_INDEX = re.compile(r"[\w.-]+?\.(?P<kind>safetensors|bin)\.index(?:\.(?P<variant>[\w-]+))?\.json")
_TEXTS = frozenset({".json", ".txt", ".model", ".jinja"})
_VARIANTS = ("bf16", "fp16")
"""Those that are taken by themselves where there are no plain weights, the better first."""


@dataclass(frozen=True, slots=True)
class Chosen:
    """The files that are loaded, sorted, relative to the folder; ``variant``: what diffusers is to be asked for."""

    names: tuple[str, ...]
    variant: str | None
    pickles: bool

    @property
    def weights(self) -> tuple[str, ...]:
        """Those of them that hold weights."""
        return tuple(name for name in self.names if _WEIGHTS.fullmatch(PurePosixPath(name).name))  # not their index


def choose(
    names: Iterable[str],
    index: Mapping[str, Any],
    variant: str = "",
    allow_pickles: bool = False,
    without: Collection[str] = (),
) -> Chosen:
    """What of a folder's files is loaded.

    Args:
        names: of all files, relative to the folder, with forward slashes.
        variant: of weights that is asked for; empty: the plain ones, else what there is.
        without: parts whose weights come from elsewhere.

    Raises:
        ModelError: a part has weights only as pickles and these are not allowed, or none has the variant asked for.
    """
    found: list[str] = [INDEX] if INDEX in names else []
    pickles = False
    weights: dict[str, dict[str, list[str]]] = {}
    for part, files in _by_part(names, index).items():
        texts, there, is_pickle = _sorted(part, files, str(index[part][0]))
        found += [f"{part}/{file}" for file in texts]
        if there and part not in without:
            if is_pickle and not allow_pickles:
                raise ModelError(
                    f"{part} has its weights only as pickles (.bin), which can run any code of their maker. Take a "
                    "model with .safetensors files, or set PARAFOVEA_ALLOW_PICKLES=true if you trust this one."
                )
            weights[part] = there
            pickles = pickles or is_pickle
    taken = _variant(weights, variant)
    for part, there in weights.items():
        own = taken if taken in there else "" if "" in there else sorted(there)[0]
        found += [f"{part}/{file}" for file in there[own]]
    return Chosen(tuple(sorted(found)), taken or None, pickles)


def without(settings: ModelSettings) -> tuple[str, ...]:
    """Parts whose weights come from elsewhere."""
    return NETWORKS if settings.network else ()


def chosen_by(names: Iterable[str], index: Mapping[str, Any], settings: ModelSettings) -> Chosen:
    """What of a folder's files is loaded with some settings. Raises ModelError: as :func:`choose`."""
    return choose(names, index, settings.variant, settings.allow_pickles, without(settings))


def network_part(model: ModelFolder) -> str:
    """The component that runs at each step; empty where there is none."""
    return next((name for name in NETWORKS if name in model.parts), "")


def need_sentencepiece(model: ModelFolder, chosen: Chosen) -> Iterator[str]:
    """Tokenizers that are kept as a model of sentencepiece alone: they are converted while they are loaded."""
    for part in model.parts:
        kept = {name.rpartition("/")[2] for name in chosen.names if name.startswith(f"{part}/")}
        has_model = any(name.endswith(".model") for name in kept)
        if part.startswith("tokenizer") and "tokenizer.json" not in kept and has_model:
            yield part


def _variant(weights: Mapping[str, Mapping[str, list[str]]], asked: str) -> str:
    """The variant that a pipeline is loaded in, the same for all of its parts: a part that does not have it is loaded
    from its plain weights. None is needed as long as every part has plain ones."""
    there = sorted({variant for part in weights.values() for variant in part if variant})
    if asked:
        if weights and asked not in there:
            said = ", ".join([*there, *(["plain ones"] if any("" in part for part in weights.values()) else [])])
            raise ModelError(f"PARAFOVEA_VARIANT={asked}: there are no such weights, but {said}.")
        return asked
    if all("" in part for part in weights.values()):
        return ""
    needed = [part for part in weights.values() if "" not in part]
    return next((one for one in (*_VARIANTS, *there) if any(one in part for part in needed)), "")


def _by_part(names: Iterable[str], index: Mapping[str, Any]) -> dict[str, list[str]]:
    """Files by component, without folders within."""
    parts: dict[str, list[str]] = {part: [] for part in parts_of(index) if part not in UNLOADED}
    for name in names:
        part, slash, file = name.partition("/")
        if slash and part in parts and "/" not in file and not file.startswith("."):
            parts[part].append(file)
    return parts


def _sorted(part: str, files: Iterable[str], library: str) -> tuple[list[str], dict[str, list[str]], bool]:
    """Of one component: texts, weights by variant (empty: the plain ones), and whether these are pickles."""
    kinds: dict[str, dict[str, list[str]]] = {"safetensors": {}, "bin": {}}
    shards: dict[str, dict[str, list[str]]] = {"safetensors": {}, "bin": {}}
    texts: list[str] = []
    for file in files:
        if match := _WEIGHTS.fullmatch(file):
            if match["kind"] in kinds:
                into = shards if match["shard"] else kinds
                into[match["kind"]].setdefault(match["variant"] or match["late"] or "", []).append(file)
        elif match := _WEIGHTS_INDEX.fullmatch(file):
            shards[match["kind"]].setdefault(match["variant"] or "", []).append(file)
        elif PurePosixPath(file).suffix in _TEXTS:
            texts.append(file)
    kind = "safetensors" if kinds["safetensors"] or shards["safetensors"] else "bin"
    # Where both are there, diffusers follows the index of the shards, transformers takes the whole file.
    first, then = (shards, kinds) if library == "diffusers" else (kinds, shards)
    return texts, {**then[kind], **first[kind]}, kind == "bin"
