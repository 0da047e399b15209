"""Where a model's files are, and what its folder says of itself. Reads files only; loads no weights."""

from __future__ import annotations

import functools
import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from shared.process.model_settings import ModelSettings

INDEX = "model_index.json"
DEFAULTS = "parafovea.json"
SINGLE_FILES = (".safetensors", ".ckpt")
_HEADER_LIMIT = 100_000_000
_HUB_ID = re.compile(r"(?P<id>[\w.-]+/[\w.-]+)(@(?P<revision>[\w./-]+))?")
_SNAPSHOT = re.compile(r"models--(?P<owner>[\w.-]+?)--(?P<name>[\w.-]+)/snapshots/(?P<commit>[0-9a-f]{40})")


class ModelError(Exception):
    """The model cannot be used; the message says why, and what would do."""


@dataclass(frozen=True, slots=True)
class ModelFolder:
    """A model on this machine, and what its ``model_index.json`` says.

    Attributes:
        id: what the setting said: a path or a hub id.
        folder: of one that is a single file, the folder with its configurations.
        commit: of a hub snapshot; None for a folder of the user's own.
        single: the file with all weights, of a model that is one file.
    """

    id: str
    folder: Path
    index: dict[str, Any]
    commit: str | None = None
    single: Path | None = None

    @property
    def pipeline(self) -> str:
        """Name of the pipeline class that the model was saved from."""
        name = self.index["_class_name"]
        return str(name[-1] if isinstance(name, list) else name)

    @property
    def parts(self) -> tuple[str, ...]:
        """Names of the components that the index has."""
        return parts_of(self.index)

    @property
    def names(self) -> tuple[str, ...]:
        """By what recommendations may know it: a hub id, in the case that it has, and the last part of it."""
        hub = hub_id(self.id)
        if hub is None and (found := _SNAPSHOT.search(self.folder.as_posix())) and self.single is None:
            hub = f"{found['owner']}/{found['name']}", None
        if hub is not None:
            return hub[0], hub[0].partition("/")[2]
        return ((self.single or self.folder.absolute()).stem if self.single else self.folder.absolute().name,)


def parts_of(index: Mapping[str, Any]) -> tuple[str, ...]:
    """Names of the components that an index has."""
    return tuple(
        name
        for name, value in index.items()
        if isinstance(value, list) and len(value) == 2 and all(isinstance(one, str) for one in value)
    )


def hub_id(model: str) -> tuple[str, str | None] | None:
    """Id and revision (None: the newest) of what may be a model of the hub: ``owner/name`` or ``owner/name@revision``;
    None for anything else."""
    found = _HUB_ID.fullmatch(model)
    return (found["id"], found["revision"]) if found is not None else None


def local(model: str, models_dir: Path | None = None) -> Path | None:
    """The folder or file of this machine that a setting means: a path, or a name in the folder of models. None: there
    is none, and it may be a hub id."""
    path = Path(model).expanduser()
    if path.is_dir() or (path.is_file() and path.suffix in SINGLE_FILES):
        return path
    if models_dir is not None and model and not path.is_absolute() and ".." not in path.parts:
        inside = models_dir.expanduser() / path
        if inside.is_dir() or (inside.is_file() and inside.suffix in SINGLE_FILES):
            return inside
    return None


def read_index(folder: Path) -> dict[str, Any]:
    """The folder's ``model_index.json``. Raises ModelError: it is not there, or not understood."""
    try:
        index = read_json(folder / INDEX)
    except FileNotFoundError:
        raise ModelError(f"{folder} has no {INDEX}; point PARAFOVEA_MODEL to a folder saved by diffusers.") from None
    except (OSError, ValueError) as error:
        raise ModelError(f"{folder / INDEX} cannot be read: {first_line(error)}") from error
    named = index.get("_class_name") if isinstance(index, dict) else None
    name = named[-1] if isinstance(named, list) and named else named
    if not isinstance(name, str) or not name.isidentifier():
        raise ModelError(f"{folder / INDEX} names no pipeline class; take a folder that diffusers has saved whole.")
    return dict(index)


def read_json(path: Path) -> Any:
    """What a file of a model's folder says, whatever hand wrote it. Raises OSError; ValueError: it is no JSON."""
    return _parsed(path.read_bytes())


def _parsed(text: bytes) -> Any:
    try:
        return json.loads(text)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None


def read_header(path: Path) -> dict[str, Any]:
    """The header of a file of safetensors: of each tensor by its name, ``dtype`` and ``shape``. Raises ModelError: it
    cannot be read."""
    try:
        with path.open("rb") as file:
            length = int.from_bytes(file.read(8), "little")
            if not 0 < length <= min(_HEADER_LIMIT, path.stat().st_size):
                raise ValueError("its header has no possible length")
            header = _parsed(file.read(length))
            if not isinstance(header, dict):
                raise ValueError("its header is none")
            return {name: dict(one) for name, one in header.items() if name != "__metadata__"}
    except (OSError, ValueError, TypeError) as error:
        raise ModelError(f"{path} is damaged, or no file of safetensors: {first_line(error)}") from error


def is_lora(path: Path) -> bool:
    """Whether a file of safetensors is no model but what is added to one. An unchanged file is read once."""
    try:
        stat = path.stat()
    except OSError:
        return False
    return _is_lora(path, stat.st_size, stat.st_mtime_ns)


@functools.lru_cache(maxsize=1024)
def _is_lora(path: Path, _size: int, _mtime_ns: int) -> bool:
    try:
        return any(".lora" in name or "lora_" in name for name in read_header(path))
    except ModelError:
        return False


def within(folder: Path) -> list[Path]:
    """What lies in a folder, by name; nothing where it is none, or may not be read."""
    try:
        return sorted(path for path in folder.iterdir() if _is_text(path.name))
    except OSError:
        return []


def has_index(folder: Path) -> bool:
    """Whether a folder is one that diffusers has saved, as far as it may be read."""
    return os.path.isfile(folder / INDEX)  # which, other than Path's, raises nothing where that is forbidden


def _is_text(name: str) -> bool:
    """Whether a file's name can be said to anybody: the system takes bytes that are no UTF-8 too."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def network_file(settings: ModelSettings) -> Path:
    """The file with the network's weights that the settings name. Raises ModelError: it is not there."""
    return local_file(settings.network, settings.models_dir, "PARAFOVEA_NETWORK", (".gguf", ".safetensors"))


def local_file(text: str, models_dir: Path, setting: str, suffixes: tuple[str, ...]) -> Path:
    """A file that a setting names, by its path or by its name in the folder of models. Raises ModelError: it is not
    there, or of another kind."""
    for path in (Path(text).expanduser(), models_dir.expanduser() / text):
        if path.is_file():
            if path.suffix not in suffixes:  # as diffusers does, which takes .GGUF for a pickle
                is_like = path.suffix.lower() in suffixes
                why = "; rename it, in small letters" if is_like else ", and others can run code"
                raise ModelError(f"{setting}: {path.name} is no {' or '.join(suffixes)} file{why}.")
            return path
    raise ModelError(f"{setting}: there is no file {text!r}, here or in {models_dir}.")


def first_line(error: BaseException) -> str:
    """An error in one line, with its type."""
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[0][:300]}" if lines else type(error).__name__
