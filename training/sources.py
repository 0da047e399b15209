"""The drawing sets: where each comes from, its licence, and what it is used for.

They are npm packages fetched by ``npm pack``; nothing of them enters git. Share-alike sets are left out.
"""

from __future__ import annotations

import json
import subprocess
import tarfile
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Source:
    """One set of drawings."""

    name: str
    package: str
    licence: str
    author: str
    style: str
    """The word by which captions ask for this set's manner; empty for sets kept from the model."""

    @property
    def for_model(self) -> bool:
        """Whether the model is trained on it (else only the judge of its quality is)."""
        return bool(self.style)


SOURCES: tuple[Source, ...] = (
    Source(
        "fluent-3d",
        "@lobehub/fluent-emoji-3d@1.1.0",
        "MIT",
        "Microsoft (Fluent Emoji), packed by LobeHub",
        "glossy",
    ),
    Source("noto", "@iconify-json/noto@1.2.9", "Apache-2.0", "Google (Noto Emoji)", "painted"),
    Source("noto-v1", "@iconify-json/noto-v1@1.2.5", "Apache-2.0", "Google (Noto Emoji v1)", "simple"),
    Source("emojione", "@iconify-json/emojione@1.2.3", "CC-BY-4.0", "Emoji One v2 (EmojiTwo)", "drawn"),
    Source("fluent-flat", "@iconify-json/fluent-emoji-flat@1.2.6", "MIT", "Microsoft (Fluent Emoji)", ""),
    Source("twemoji", "@iconify-json/twemoji@1.2.5", "CC-BY-4.0", "Twitter (Twemoji)", ""),
    Source("fxemoji", "@iconify-json/fxemoji@1.2.2", "Apache-2.0", "Mozilla (Firefox OS Emoji)", ""),
    Source("streamline", "@iconify-json/streamline-emojis@1.2.4", "CC-BY-4.0", "Streamline", ""),
)
BY_NAME: dict[str, Source] = {source.name: source for source in SOURCES}
MANNERS: tuple[str, ...] = ("glossy", "painted", "drawn", "simple")
"""The styles in the order in which an object is given them."""
MANNERS_EACH = 2
"""How many of its manners the denoiser learns for an object. All sets train the autoencoder and the broad judge; for
more than two drawings of each of so many objects, the denoiser would need more than an hour."""
STYLES: tuple[str, ...] = tuple(source.style for source in SOURCES if source.for_model)


def fetch(source: Source, raw: Path) -> Path:
    """The unpacked package's folder under ``raw``, downloaded if it is not there.

    Raises ``RuntimeError`` with npm's own words when the registry cannot be reached.
    """
    folder = raw / source.name
    if (folder / "package" / "package.json").exists():
        return folder / "package"
    folder.mkdir(parents=True, exist_ok=True)
    done = subprocess.run(["npm", "pack", "--silent", source.package], cwd=folder, capture_output=True, text=True)
    archives = sorted(folder.glob("*.tgz"))
    if done.returncode or not archives:
        raise RuntimeError(f"npm pack {source.package} failed: {done.stderr.strip() or 'no archive'}")
    with tarfile.open(archives[-1]) as archive:
        archive.extractall(folder, filter="data")
    licence = json.loads((folder / "package" / "package.json").read_text()).get("license")
    if licence != source.licence:
        raise RuntimeError(f"{source.package} states the licence {licence}, not {source.licence}: check it again")
    return folder / "package"
