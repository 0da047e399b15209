"""A model's folder as diffusers saves one, written once and used again."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from pathlib import Path
from typing import Any

from benchmarks.gpu import tokens, weights
from benchmarks.gpu.models import Model, model_of
from benchmarks.gpu.weights import Noise

VERSION = "1"
"""Raise when what is written changes: folders of another version are left alone."""
GB = 1_000_000_000
INDEX = "model_index.json"
_SPARE_BYTES = 2 * GB
_WRITTEN_BYTES = 2
"""Of a parameter, in bfloat16."""
_SAME_WEIGHTS = {"sdxlturbo": "sdxl"}
"""Models with the networks of another, whose files they share."""


class NoRoom(Exception):
    """The disk has too little space for a model; the message says how much is wanted."""


def ensure(model: Model, tiny: bool, root: Path) -> Path:
    """The folder of a model below ``root``. Built beside and renamed, so that what is there is whole.

    Raises:
        NoRoom: there is not enough space for it.
        OSError: it cannot be written.
    """
    target = place_of(model, root, tiny)
    if is_there(model, root, tiny):
        return target
    root.mkdir(parents=True, exist_ok=True)
    other = _SAME_WEIGHTS.get(model.name)
    shared = ensure(model_of(other, tiny), tiny, root) if other else None
    if shared is None:
        _check_space(model, root)
    building = Path(tempfile.mkdtemp(prefix=f".{target.name}-", dir=root))
    try:
        if shared is not None:
            shutil.copytree(shared, building, copy_function=_link, dirs_exist_ok=True)
            _write_texts(building, model)
        else:
            _write_texts(building, model)
            _write_weights(building, model)
        os.rename(building, target)
    finally:
        shutil.rmtree(building, ignore_errors=True)
    return target


def place_of(model: Model, root: Path, tiny: bool = False) -> Path:
    """Where its folder is, or will be."""
    return root / f"{'tiny-' if tiny else ''}{model.name}-{VERSION}"


def is_there(model: Model, root: Path, tiny: bool = False) -> bool:
    """Whether it is written already."""
    return (place_of(model, root, tiny) / INDEX).is_file()


def files_of(folder: Path) -> list[Path]:
    """All its files, sorted."""
    return sorted(path for path in folder.rglob("*") if path.is_file())


def written_bytes(model: Model) -> int:
    """What its weights take on disk."""
    return _WRITTEN_BYTES * sum(weights.parameters(part) for part in model.parts.values())


def free_bytes(root: Path) -> int:
    """What models below ``root`` may still take of the disk."""
    there = next(path for path in (root, *root.absolute().parents) if path.exists())
    return shutil.disk_usage(there).free - _SPARE_BYTES


def _check_space(model: Model, root: Path) -> None:
    wanted, there = written_bytes(model), free_bytes(root)
    if wanted > there:
        raise NoRoom(
            f"{model.title} takes {wanted / GB:.1f} GB, and the disk of {root} has {max(there, 0) / GB:.1f} GB to "
            "spare; name another with --folder"
        )


def _link(source: str, target: str) -> None:
    try:
        os.link(source, target)
    except OSError:  # a file system without links
        shutil.copy2(source, target)


def _write_weights(folder: Path, model: Model) -> None:
    noise = Noise()
    for name, part in model.parts.items():
        network = weights.make(part)
        file = "diffusion_pytorch_model" if part.library == "diffusers" else "model"
        weights.write(folder / name / f"{file}.safetensors", weights.shapes_of(network), noise)


def _write_texts(folder: Path, model: Model) -> None:
    """All that is no weights. Files that are there are exchanged, not written to: they may be another folder's too."""
    import diffusers

    index: dict[str, Any] = {"_class_name": model.pipeline, "_diffusers_version": diffusers.__version__, **model.index}
    for name, part in model.parts.items():
        place = folder / name
        place.mkdir(exist_ok=True)
        index[name] = [part.library, part.cls]
        _save_config(weights.make(part), place)
        if name.startswith("text_encoder"):
            tokenizer = name.replace("text_encoder", "tokenizer")
            is_t5 = part.cls.startswith("T5")
            index[tokenizer] = ["transformers", "T5TokenizerFast" if is_t5 else "CLIPTokenizer"]
            (tokens.save_t5 if is_t5 else tokens.save_clip)(_emptied(folder / tokenizer))
    scheduler, config = model.scheduler
    index["scheduler"] = ["diffusers", scheduler]
    getattr(diffusers, scheduler)(**config).save_config(_emptied(folder / "scheduler"))
    _exchange(folder / "parafovea.json", model.recommended)
    _exchange(folder / INDEX, index)


def _save_config(network: Any, place: Path) -> None:
    (place / "config.json").unlink(missing_ok=True)
    if hasattr(network, "save_config"):
        network.save_config(place)
    else:
        network.config.architectures = [type(network).__name__]
        network.config.save_pretrained(place)


def _emptied(place: Path) -> Path:
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir()
    return place


def _exchange(path: Path, content: Any) -> None:
    path.unlink(missing_ok=True)
    path.write_text(json.dumps(content, indent=2), encoding="utf-8")
