"""The golden files: one a topic, made to be read and compared line by line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.golden import raw_json

DATA = Path(__file__).parent / "data"


def topics() -> list[str]:
    """The topics that there are files of."""
    return sorted(path.stem for path in DATA.glob("*.json"))


def load(topic: str) -> dict[str, Any]:
    """The items of a topic, by name."""
    found: dict[str, Any] = raw_json.parse((DATA / f"{topic}.json").read_bytes())
    return found


def write(recorded: dict[str, dict[str, Any]]) -> None:
    """Write all anew; a topic that is no more loses its file."""
    DATA.mkdir(exist_ok=True)
    for path in DATA.glob("*.json"):
        if path.stem not in recorded:
            path.unlink()
    for topic, items in recorded.items():
        (DATA / f"{topic}.json").write_text(raw_json.pretty(items), encoding="utf-8")
