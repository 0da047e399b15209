"""Where a model's files are, what they hold, and of which kind the model is. Reads files only; loads no weights."""

from __future__ import annotations

import hashlib
import inspect
import json
import logging
import os
import re
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from services.generator.engine import ModelKind
from shared.system.cache import cache_root

log = logging.getLogger(__name__)

INDEX = "model_index.json"
DEFAULTS = "parafovea.json"
RGBA_CHANNELS = 4
_HUB_ID = re.compile(r"(?P<id>[\w.-]+/[\w.-]+)(@(?P<revision>[\w./-]+))?")


class ModelError(Exception):
    """The model cannot be used; the message says why, and what would do."""


@dataclass(frozen=True, slots=True)
class ModelFolder:
    """A model's folder on this machine, and what its ``model_index.json`` says.

    Attributes:
        id: what the setting said: a path or a hub id.
        commit: of a hub snapshot; None for a folder of the user's own.
    """

    id: str
    folder: Path
    index: dict[str, Any]
    commit: str | None = None

    @property
    def pipeline(self) -> str:
        """Name of the pipeline class that the model was saved from."""
        name = self.index["_class_name"]
        return str(name[-1] if isinstance(name, list) else name)


@dataclass(frozen=True, slots=True)
class Defaults:
    """What a model's folder recommends in its ``parafovea.json``; None leaves it to the pipeline. ``size``: side of the
    square that the model works at, in pixels."""

    steps: int | None = None
    guidance_scale: float | None = None
    strength: float | None = None
    size: int | None = None


def find(model: str) -> ModelFolder:
    """The folder of a model: a path, or a hub id (``owner/name`` or ``owner/name@revision``), downloaded if needed.
    Raises ModelError: there is no such model, or it is not one of diffusers."""
    path = Path(model).expanduser()
    if path.is_dir():
        return ModelFolder(model, path, read_index(path))
    hub = _HUB_ID.fullmatch(model)
    if hub is None:
        raise ModelError(f"There is no folder {model!r}; PARAFOVEA_MODEL is a folder or a hub id like owner/name.")
    from diffusers import DiffusionPipeline

    try:
        snapshot = Path(DiffusionPipeline.download(hub["id"], revision=hub["revision"]))
    except Exception as error:
        raise ModelError(
            f"{model!r} is neither a folder here nor a model that could be fetched: {first_line(error)}"
        ) from error
    return ModelFolder(model, snapshot, read_index(snapshot), commit=snapshot.name)


def read_index(folder: Path) -> dict[str, Any]:
    """The folder's ``model_index.json``. Raises ModelError: it is not there, or not understood."""
    try:
        index = json.loads((folder / INDEX).read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ModelError(f"{folder} has no {INDEX}; point PARAFOVEA_MODEL to a folder saved by diffusers.") from None
    except (OSError, ValueError) as error:
        raise ModelError(f"{folder / INDEX} cannot be read: {first_line(error)}") from error
    if not isinstance(index, dict) or "_class_name" not in index:
        raise ModelError(f"{folder / INDEX} names no pipeline class.")
    return index


def read_defaults(folder: Path) -> Defaults:
    """The folder's own recommendations; all None where it has none. Raises ModelError: the file is there and is not
    understood."""
    path = folder / DEFAULTS
    if not path.is_file():
        return Defaults()
    try:
        return Defaults(**json.loads(path.read_text(encoding="utf-8")))
    except (TypeError, ValueError) as error:
        raise ModelError(f"{path} is not understood: {first_line(error)}") from error


def kind_of(model: ModelFolder) -> ModelKind:
    """How the model edits, from its pipeline class and its parts.

    - *layer*: its autoencoder's decoder has four output channels, so it makes RGBA.
    - *edit*: its class takes an image, but neither a mask nor a strength (an image-to-image pipeline, which does
      take one, is the same model as one that inpaints).
    - *inpaint*: ``AutoPipelineForInpainting`` has a class for it.

    Raises:
        ModelError: none of these, or a class that this diffusers does not know.
    """
    if _decoded_channels(model.folder) == RGBA_CHANNELS:
        return "layer"
    import diffusers
    from diffusers.pipelines.auto_pipeline import AUTO_INPAINT_PIPELINES_MAPPING, _get_task_class

    cls = getattr(diffusers, model.pipeline, None)
    if cls is None:
        raise ModelError(f"diffusers {diffusers.__version__} has no pipeline {model.pipeline}; a newer one may.")
    takes = inspect.signature(cls.__call__).parameters.keys()
    if "image" in takes and not takes & {"mask_image", "strength", "control_image"} and "controlnet" not in model.index:
        return "edit"
    try:
        _get_task_class(AUTO_INPAINT_PIPELINES_MAPPING, model.pipeline)
    except ValueError:
        raise ModelError(
            f"{model.pipeline} neither inpaints, nor edits an image, nor makes an RGBA object; choose another model, "
            "or set PARAFOVEA_MODEL_KIND if you know better."
        ) from None
    return "inpaint"


def revision_of(model: ModelFolder, kept_in: Path | None = None) -> str:
    """What tells one state of a model from another: the hub's commit, or a SHA-256 over the folder's files. Hashing ten
    gigabytes takes long, so the result is kept under the names, sizes and times of the files."""
    if model.commit is not None:
        return model.commit
    files = sorted(path for path in model.folder.rglob("*") if path.is_file())
    names = [path.relative_to(model.folder).as_posix() for path in files]
    listing = hashlib.sha256(str(model.folder.resolve()).encode())
    for name, path in zip(names, files, strict=True):
        stat = path.stat()
        listing.update(f"{name}\0{stat.st_size}\0{stat.st_mtime_ns}\n".encode())
    kept = (kept_in or cache_root()) / "revisions" / listing.hexdigest()
    try:
        return kept.read_text(encoding="ascii")
    except OSError:
        log.debug("hashing the files of %s", model.folder)
    content = hashlib.sha256()
    for name, path in zip(names, files, strict=True):
        with path.open("rb") as file:
            content.update(f"{name}\0{hashlib.file_digest(file, 'sha256').hexdigest()}\n".encode())
    revision = content.hexdigest()
    _keep(kept, revision)
    return revision


def first_line(error: BaseException) -> str:
    """An error in one line, with its type."""
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[0][:300]}" if lines else type(error).__name__


def _decoded_channels(folder: Path) -> int | None:
    try:
        config = json.loads((folder / "vae" / "config.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    channels = config.get("out_channels")
    return channels if isinstance(channels, int) else None


def _keep(path: Path, text: str) -> None:
    """Write through a temporary name; a cache that cannot be written is only slower."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile("w", dir=path.parent, delete=False, encoding="ascii") as file:
            file.write(text)
        os.replace(file.name, path)
    except OSError as error:
        log.debug("the model's revision is not kept: %s", error)
