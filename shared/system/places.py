"""Where the things are that come with the program: beside its code, whatever the working directory is.

What a user writes or has recorded (``generation/sessions``, ``.env``) is looked for from the working directory; what
ships is not, so that the same command means the same model, prompts and photographs wherever it is given.
"""

from __future__ import annotations

import sys
from pathlib import Path

_BESIDE = Path(__file__).resolve().parents[2]
"""The checkout, or of an installed wheel the folder that its packages lie in."""
_SHIPPED = _BESIDE / "parafovea"
"""Where a wheel has what in a checkout lies at the top; see ``setup.py``."""

ROOT = _SHIPPED if _SHIPPED.is_dir() else _BESIDE

MODELS = ROOT / "generation" / "models"
SAMPLES = ROOT / "examples"
PROCFILE = ROOT / ("Procfile.windows" if sys.platform == "win32" else "Procfile")

SECTOR_PROMPTS = Path("generation/sector_prompts.json")


def sector_prompts() -> Path:
    """The sector prompts where no setting names a file: the working directory's own, else those that ship."""
    own = SECTOR_PROMPTS.absolute()
    return own if own.is_file() else ROOT / SECTOR_PROMPTS
