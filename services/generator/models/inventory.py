"""The models that are on this machine, wherever one may be: beside the program, in a folder, in the hub's cache."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from services.generator.models import hub, sources, tiny
from services.generator.models.files import (
    INDEX,
    ModelError,
    ModelFolder,
    has_index,
    hub_id,
    is_lora,
    local,
    read_index,
    within,
)
from services.generator.models.kinds import role_of
from services.generator.models.weights import chosen_by, without
from shared.process.model_settings import ModelSettings
from shared.system.places import MODELS


@dataclass(frozen=True, slots=True)
class Here:
    """A model that is on this machine, or that the settings name.

    Attributes:
        name: as PARAFOVEA_MODEL takes it.
        kind: None where it would not be loaded, or is not here.
        why: in a sentence or two, why there is no kind; else None.
        is_set: it is the one that PARAFOVEA_MODEL names.
    """

    name: str
    where: Path | None
    kind: str | None
    why: str | None
    is_set: bool = False


def models_here(settings: ModelSettings, models_dir: Path = MODELS) -> list[Here]:
    """Every model of this machine, and those that only the settings name. Nothing is fetched."""
    named = settings.model or sources.EMBEDDED
    found: list[Here] = []
    for name, where, kind, why in _found(settings, models_dir):
        if where.resolve() not in {one.where.resolve() for one in found if one.where}:
            found.append(Here(name, where, kind, why, _is(name, where, named, settings)))
    for name in dict.fromkeys((named, *settings.models)):
        if not any(_is(one.name, one.where, name, settings) for one in found):
            found.append(_only_named(name, settings, name == named))
    return found


_Found = tuple[str, Path, str | None, str | None]


def _found(settings: ModelSettings, models_dir: Path) -> Iterator[_Found]:
    embedded = models_dir / sources.EMBEDDED
    if embedded.is_dir():
        yield sources.EMBEDDED, embedded, *_kind_of_folder(sources.EMBEDDED, embedded, settings)
    shelf = settings.models_dir.expanduser()
    for path in within(shelf):
        yield from _in_folder(path, shelf, settings)
        if path.is_dir() and not has_index(path):
            for inner in within(path):
                yield from _in_folder(inner, shelf, settings)
    for name in filter(None, (settings.model, *settings.models)):
        if (here := local(name, settings.models_dir)) is not None:
            kind = _kind_of_file(here, settings) if here.is_file() else _kind_of_folder(name, here, settings)
            yield name, here, *kind
    yield from _in_cache(settings)


def _in_folder(path: Path, shelf: Path, settings: ModelSettings) -> Iterator[_Found]:
    name = path.relative_to(shelf).as_posix()
    if has_index(path):
        yield name, path, *_kind_of_folder(name, path, settings)
    elif path.is_file() and path.suffix == ".safetensors" and path.parent == shelf:
        yield name, path, *_kind_of_file(path, settings)


def _in_cache(settings: ModelSettings) -> Iterator[_Found]:
    from huggingface_hub import CacheNotFound, scan_cache_dir

    try:
        repositories = scan_cache_dir().repos
    except (CacheNotFound, OSError):
        return
    for one in sorted(repositories, key=lambda one: one.repo_id):
        whole = [each for each in one.revisions if has_index(each.snapshot_path)]
        if one.repo_type != "model" or not whole:
            continue
        newest = max(whole, key=lambda each: ("main" in each.refs, each.last_modified))
        at_commit = f"{one.repo_id}@{newest.commit_hash}"
        is_whole = _cached(at_commit, settings) is not None
        name = at_commit if is_whole and "main" not in newest.refs else one.repo_id
        kind, why = _kind_of_folder(name, newest.snapshot_path, settings)
        if kind is not None and not is_whole:
            kind, why = None, f"not whole; 'parafovea models download {name}' fetches what is missing"
        yield name, newest.snapshot_path, kind, why


def _cached(name: str, settings: ModelSettings) -> ModelFolder | None:
    return hub.cached(name, settings.variant, settings.allow_pickles, without(settings))


def _kind_of_folder(name: str, folder: Path, settings: ModelSettings) -> tuple[str | None, str | None]:
    try:
        index = read_index(folder)
        kind = role_of(ModelFolder(name, folder, index), settings.model_kind).kind
        names = [path.relative_to(folder).as_posix() for path in folder.glob("*/*")]
        chosen_by([INDEX, *names], index, settings)
    except ModelError as error:
        return None, str(error)
    return kind, None


def _kind_of_file(path: Path, settings: ModelSettings) -> tuple[str | None, str | None]:
    """Of a file with all weights, by the configurations that are here. What else such a file may be, its names say."""
    if is_lora(path):
        return None, "a LoRA, for PARAFOVEA_LORA"
    beside = path.with_suffix("")
    named = local(settings.single_file_config, settings.models_dir) if settings.single_file_config else None
    folder = named or (beside if beside.is_dir() else None)
    if folder is None or not folder.is_dir():
        return None, f"one file; 'parafovea models show {path.name}' fetches its configurations and says its kind"
    try:
        return role_of(ModelFolder(path.name, folder, read_index(folder), single=path), settings.model_kind).kind, None
    except ModelError as error:
        return None, str(error)


def _is(name: str, where: Path | None, asked: str, settings: ModelSettings) -> bool:
    """Whether a model is the one that a setting names."""
    if name == asked:
        return True
    here = local(asked, settings.models_dir)
    return here is not None and where is not None and here.resolve() == where.resolve()


def _only_named(name: str, settings: ModelSettings, is_set: bool) -> Here:
    if name == sources.EMBEDDED:
        return Here(name, None, None, "not there: run from a whole checkout, or set PARAFOVEA_MODEL", is_set)
    if name in tiny.NAMES:
        kind = tiny.NAMES[name]
        return Here(name, None, "inpaint" if kind == "text" else kind, None, is_set)
    if hub_id(name) is not None:
        if (whole := _cached(name, settings)) is not None:
            return Here(name, whole.folder, *_kind_of_folder(name, whole.folder, settings), is_set)
        return Here(name, None, None, f"not here yet; 'parafovea models check {name}' says what it takes", is_set)
    return Here(name, None, None, "there is no such folder or file", is_set)
