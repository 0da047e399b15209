"""Where the repository's own files are."""

from pathlib import Path

EXAMPLES = Path(__file__).parents[3] / "examples"
