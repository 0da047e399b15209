"""What tells one state of a model from another."""

from __future__ import annotations

import hashlib
import json
import logging
import os
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path

from services.generator.models.files import ModelFolder
from shared.system.cache import cache_root

log = logging.getLogger(__name__)


def revision_of(model: ModelFolder, kept_in: Path | None = None) -> str:
    """The hub's commit, or a SHA-256 over all files of the folder, whatever they are: what frames have had since there
    were any. Hashing ten gigabytes takes long, so hashes are kept under the files' names, sizes and times."""
    if model.commit is not None:
        return model.commit
    if model.single is not None:
        return _sha256_of([("", digest) for digest in digests([model.single], kept_in)])
    files = sorted(path for path in model.folder.rglob("*") if path.is_file())
    names = [path.relative_to(model.folder).as_posix() for path in files]
    return _sha256_of(zip(names, digests(files, kept_in), strict=True))


def files_sha256(files: Sequence[tuple[str, Path]], kept_in: Path | None = None) -> str:
    """A SHA-256 over the files that are loaded, each as a name and where it lies: the same for a hub's snapshot and for
    a copy of it, whatever else lies beside. Names are relative to the model's folder, or say what a file is for."""
    return _sha256_of(
        sorted(zip((name for name, _ in files), digests([path for _, path in files], kept_in), strict=True))
    )


def digests(files: Sequence[Path], kept_in: Path | None = None) -> list[str]:
    """SHA-256 of each file, from before where its path, size and time are the same."""
    folder = (kept_in or cache_root()) / "digests"
    return [_digest(path, folder) for path in files]


def _digest(path: Path, folder: Path) -> str:
    stat = path.stat()
    known = json.dumps([str(path.resolve()), stat.st_size, stat.st_mtime_ns])
    kept = folder / hashlib.sha256(known.encode()).hexdigest()
    try:
        return kept.read_text(encoding="ascii")
    except OSError:
        log.debug("hashing %s", path)
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    _keep(kept, digest)
    return digest


def _sha256_of(files: Iterable[tuple[str, str]]) -> str:
    content = hashlib.sha256()
    for name, digest in files:
        content.update(f"{name}\0{digest}\n".encode())
    return content.hexdigest()


def _keep(path: Path, text: str) -> None:
    """Write through a temporary name; a cache that cannot be written is only slower."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile("w", dir=path.parent, delete=False, encoding="ascii") as file:
            file.write(text)
        os.replace(file.name, path)
    except OSError as error:
        log.debug("the hash of a model's file is not kept: %s", error)
