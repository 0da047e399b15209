"""Every number of the training in one place, and where its files lie."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parent.parent


def default_work() -> Path:
    """The work folder: the variable ``TRAINING_WORK``, else ``training/work`` (which git ignores)."""
    return Path(os.environ.get("TRAINING_WORK") or REPOSITORY / "training" / "work")


@dataclass(frozen=True)
class Settings:
    """Sizes in pixels, durations in minutes; the defaults are for a quiet machine of two cores.

    What the shipped model had is in the model card."""

    work: Path = field(default_factory=default_work)
    output: Path = REPOSITORY / "generation" / "models" / "embedded"
    photographs: Path = REPOSITORY / "examples"

    size: int = 192
    """Side of a drawing and of a generated layer."""
    latent_channels: int = 16
    latent_side: int = 12
    """``size / 16``: the autoencoder halves four times."""

    autoencoder_minutes: float = 25.0
    autoencoder_crop: int = 96
    autoencoder_batch: int = 8
    autoencoder_small_share: float = 0.75
    """Share of the run with crops of that size; the rest has crops 1.5 times as large, half as many."""
    autoencoder_rate: float = 1.2e-3
    autoencoder_width: int = 48

    decoder_minutes: float = 8.0
    decoder_rate: float = 8e-4

    text_width: int = 192
    text_layers: int = 2
    text_tokens: int = 32
    text_seconds: float = 40.0

    denoiser_minutes: float = 115.0
    denoiser_widths: tuple[int, ...] = (128, 160, 208)
    denoiser_batch: int = 24
    """Samples an update; each process works on this many, and each makes its updates."""
    denoiser_rate: float = 8.0e-4
    denoiser_average: float = 0.999
    workers: int = field(default_factory=lambda: (os.cpu_count() or 2) + 1)
    """Single-threaded processes that train together: one more than cores, so that no core waits."""
    compile: bool = True
    empty_captions: float = 0.08

    judge_minutes: float = 10.0

    checkpoint_minutes: float = 3.0
    sheet_minutes: float = 8.0
    seed: int = 20

    def folder(self, name: str) -> Path:
        """A folder under the work folder, made if it is not there."""
        path = self.work / name
        path.mkdir(parents=True, exist_ok=True)
        return path
