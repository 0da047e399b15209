"""Models of the Hugging Face hub: what there is before anything is fetched, and fetching it, with a count of bytes."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from services.generator.language.vocabulary import FILE as VOCABULARY
from services.generator.models.files import DEFAULTS, INDEX, ModelError, ModelFolder, first_line, hub_id, read_index
from services.generator.models.room import free_disk, too_little_disk
from services.generator.models.weights import UNLOADED, Chosen, choose

log = logging.getLogger(__name__)

OnBytes = Callable[[int, int], None]
"""Called with bytes that are here, and bytes in all; from any thread. What it raises ends the fetching, and a file that
was begun is removed."""

_OURS = (DEFAULTS, VOCABULARY)
"""Files of a model's folder that diffusers knows nothing of, and that go with it."""


@dataclass(frozen=True, slots=True)
class Listing:
    """A model of the hub at one commit, before it is here.

    Attributes:
        folder: of the commit in the cache, with what of it is here.
        files: bytes by name.
        here: those of them that need not be fetched.
        licence: as its page says.
    """

    id: str
    commit: str
    folder: Path
    index: dict[str, Any]
    files: dict[str, int]
    here: frozenset[str]
    licence: str | None
    gated: bool

    def chosen_bytes(self, chosen: Chosen) -> int:
        return sum(self.files[name] for name in self.wanted(chosen))

    def here_bytes(self, chosen: Chosen) -> int:
        return sum(self.files[name] for name in self.wanted(chosen) if name in self.here)

    def wanted(self, chosen: Chosen) -> list[str]:
        """The files that are fetched: those that are loaded, and ours beside them."""
        return [*chosen.names, *(name for name in _OURS if name in self.files)]


def listing(model: str) -> Listing:
    """What a model of the hub consists of; a few kilobytes are fetched. ``model``: ``owner/name`` or
    ``owner/name@revision``. Raises ModelError: there is no such model, no network, or it is none of diffusers."""
    name, revision = _named(model)
    from huggingface_hub import HfApi, hf_hub_download

    try:
        info = HfApi().model_info(name, revision=revision, files_metadata=True)
        path = Path(hf_hub_download(name, INDEX, revision=info.sha))
        index = read_index(path.parent)
    except ModelError:
        raise
    except Exception as error:
        raise not_had(model, error) from error
    siblings = info.siblings or ()
    kept = path.parents[2] / "blobs"
    blobs = {one.rfilename: one.lfs.sha256 if one.lfs is not None else one.blob_id for one in siblings}
    card = info.card_data
    licence = (card.get("license_name") or card.get("license")) if card is not None else None
    return Listing(
        id=model,
        commit=str(info.sha),
        folder=path.parent,
        index=index,
        files={one.rfilename: one.size or 0 for one in siblings},
        here=frozenset(name for name, blob in blobs.items() if (path.parent / name).exists() or _is_in(kept, blob)),
        licence=str(licence) if licence else None,
        gated=bool(info.gated),
    )


def _is_in(folder: Path, blob: str | None) -> bool:
    return blob is not None and (folder / blob).exists()


def fetch_configurations(found: Listing, names: list[str]) -> None:
    """Fetch small files of a model into the listing's folder; those that it has not are left out. Raises ModelError."""
    from huggingface_hub import hf_hub_download

    try:
        for name in names:
            if name in found.files:
                hf_hub_download(found.id.partition("@")[0], name, revision=found.commit)
    except Exception as error:
        raise not_had(found.id, error) from error


def fetch(
    model: str,
    variant: str = "",
    allow_pickles: bool = False,
    on_bytes: OnBytes | None = None,
    without: Collection[str] = (),
    check: Callable[[ModelFolder], object] = lambda model: None,
) -> ModelFolder:
    """A model of the hub, fetched where it is not here. Files that were fetched before a break are not fetched again.

    Without a network, or with ``HF_HUB_OFFLINE=1``, the one in the cache is taken, if it is whole.

    Args:
        check: raises ModelError for a model that is not wanted, before its weights are fetched.

    Raises:
        ModelError: it cannot be had, or has no weights that are allowed.
    """
    try:
        if is_offline():
            raise ModelError(
                f"{model!r} is neither a folder here nor a model that could be fetched: it is not in the cache, or not "
                "whole, and HF_HUB_OFFLINE is set. Unset that to fetch it."
            )
        found = listing(model)
        check(to_be_looked_at(found, ["vae/config.json"]))
        folder = _download(found, choose(found.files, found.index, variant, allow_pickles, without), on_bytes)
    except ModelError as error:
        here = cached(model, variant, allow_pickles, without)
        if here is None:
            raise
        if not is_offline():
            log.warning("%s; the one in the cache is taken", error)
        return here
    except Exception as error:
        raise not_had(model, error) from error
    return ModelFolder(model, folder, read_index(folder), commit=folder.name)


def to_be_looked_at(found: Listing, names: list[str]) -> ModelFolder:
    """A model of whose files only these small ones are here, as far as it has them. Raises ModelError."""
    fetch_configurations(found, names)
    return ModelFolder(found.id, found.folder, found.index, commit=found.commit)


def _download(found: Listing, chosen: Chosen, on_bytes: OnBytes | None) -> Path:
    from huggingface_hub import snapshot_download
    from tqdm import tqdm  # type: ignore[import-untyped]

    total, done = found.chosen_bytes(chosen), found.here_bytes(chosen)
    told = on_bytes or (lambda done, of: None)
    lock = threading.Lock()

    class Counting(tqdm):  # type: ignore[misc]
        """Shows nothing; tells of the bar that counts bytes on the disk."""

        def __init__(self, *args: Any, **options: Any) -> None:
            self._counts = options.get("unit") == "B" and "Reconstruct" in str(options.get("desc"))
            self._done = self._most = done
            super().__init__(*args, **{**options, "disable": True})

        def update(self, n: float | None = 1) -> None:
            if self._counts:
                with lock:  # files come in several threads, and one that begins anew goes back
                    self._done += int(n or 0)
                    if self._done > self._most:
                        self._most = self._done
                        told(min(self._most, total), total)
            super().update(n)

    for sentence in too_little_disk(total - done, free_disk()):
        raise ModelError(f"{found.id} cannot be fetched: {sentence}")
    told(done, total)
    name, revision = _named(found.id)
    wanted = found.wanted(chosen)
    folder = Path(snapshot_download(name, revision=found.commit, allow_patterns=wanted, tqdm_class=Counting))
    told(total, total)
    _remember(folder, revision)
    return folder


def _remember(snapshot: Path, revision: str | None) -> None:
    """Have the cache know by which name this commit was asked for: only now, since by that name it is found without a
    network, and it has to be whole then."""
    ref = snapshot.parents[1] / "refs" / (revision or "main")
    if revision != snapshot.name:
        ref.parent.mkdir(parents=True, exist_ok=True)
        ref.write_text(snapshot.name, encoding="ascii")


def cached(
    model: str, variant: str = "", allow_pickles: bool = False, without: Collection[str] = ()
) -> ModelFolder | None:
    """A model of the hub that was fetched before; None where it was not, or where a file that is loaded is missing."""
    from huggingface_hub import get_cached_repo_tree, snapshot_download
    from huggingface_hub.errors import CachedRepoTreeNotFoundError

    name, revision = _named(model)
    try:
        folder = Path(snapshot_download(name, revision=revision, local_files_only=True, allow_patterns=[INDEX]))
        index = read_index(folder)
        try:
            names = [one.path for one in get_cached_repo_tree(name, revision=folder.name)]
        except CachedRepoTreeNotFoundError:  # fetched by an older huggingface_hub, or only looked at
            names = [path.relative_to(folder).as_posix() for path in folder.glob("*/*")]
        chosen = choose([INDEX, *names], index, variant, allow_pickles, without)
    except Exception as error:
        log.debug("%s is not in the cache: %s", name, error)
        return None
    found = ModelFolder(model, folder, index, commit=folder.name)
    of_parts = {one.partition("/")[0] for one in chosen.names}
    is_whole = all((folder / one).exists() for one in chosen.names) and set(found.parts) - UNLOADED <= of_parts
    return found if is_whole else None


def is_offline() -> bool:
    """Whether ``HF_HUB_OFFLINE`` keeps everything from the network."""
    from huggingface_hub import constants

    return bool(constants.HF_HUB_OFFLINE)


def _named(model: str) -> tuple[str, str | None]:
    named = hub_id(model)
    if named is None:
        raise ModelError(
            f"There is no folder {model!r}; a model is a folder, a .safetensors file, or a hub id like owner/name."
        )
    return named


def not_had(model: str, error: Exception) -> ModelError:
    """Why a model could not be had from the hub, and what would do."""
    from huggingface_hub import constants, errors

    name, _, revision = model.partition("@")
    if isinstance(error, errors.GatedRepoError):
        return ModelError(
            f"{model!r} is given only to who accepts its licence: do so on {constants.ENDPOINT}/{name}, then log in "
            "with 'hf auth login' or set HF_TOKEN."
        )
    if isinstance(error, errors.RevisionNotFoundError):
        return ModelError(f"{name!r} has no revision {revision!r}: name one that its page on the hub lists.")
    if isinstance(error, errors.RemoteEntryNotFoundError):
        return ModelError(
            f"{model!r} has no {INDEX}, so it is not saved by diffusers. If it is one file, download that and set "
            "PARAFOVEA_MODEL to it; else look for the same model 'in diffusers format'."
        )
    if isinstance(error, errors.RepositoryNotFoundError):
        return ModelError(
            f"{model!r} is neither a folder here nor a model that the hub has, or shows to you: look at how it is "
            "written; where it is private, log in with 'hf auth login' or set HF_TOKEN."
        )
    return ModelError(f"{model!r} is neither a folder here nor a model that could be fetched: {first_line(error)}")
