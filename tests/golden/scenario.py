"""One run of all there is to see: :func:`record` gives it by topic."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.golden import between
from tests.golden.api_alone import ApiAlone
from tests.golden.book import Book
from tests.golden.normal import Normaliser
from tests.golden.whole import Whole
from tests.support.buses import short_folder
from tests.support.processes import REPOSITORY, System

PROMPTS = {"default": ["a ladybug", "a mushroom"], "sectors": {"TL": ["a kite", "a balloon"], "BR": "a snail"}}
SETTINGS = {
    "PARAFOVEA_DEVICE": "cpu",
    "PARAFOVEA_DTYPE": "float32",
    # Whatever this machine's disk has free is enough.
    "PARAFOVEA_DISK_WARN_BYTES": "0",
    "PARAFOVEA_DISK_STOP_BYTES": "0",
    "PARAFOVEA_RESUME": "true",
}


def record() -> dict[str, dict[str, Any]]:
    """What the processes of this checkout say and write, with placeholders, by topic and name."""
    book = Book()
    with short_folder() as folder:
        system = System(_made(folder / "whole"), **SETTINGS)
        system.settings["PARAFOVEA_SECTOR_PROMPTS"] = str(folder / "prompts.json")
        (folder / "prompts.json").write_text(json.dumps(PROMPTS))
        settings = {**SETTINGS, "PARAFOVEA_SECTOR_PROMPTS": str(folder / "prompts.json")}
        try:
            whole = Whole(book, system)
            with whole.started():
                # While the model is loaded.
                ApiAlone(book, _made(folder / "alone"), settings).run()
                between.run(book, _made(folder / "between"), settings)
                whole.run()
            system.stop_all()
            system.assert_nothing_left()
        except BaseException:
            system.print_logs()
            raise
        finally:
            system.kill_all()
        return book.topics(Normaliser({str(folder): "<folder>", str(REPOSITORY): "<repository>"}))


def _made(folder: Path) -> Path:
    folder.mkdir()
    return folder
