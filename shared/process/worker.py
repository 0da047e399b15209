"""A process that works for the one that started it: it prints what it finds as JSON, a line each, and an error too."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable

from shared.errors import ParafoveaError
from shared.process.runner import REFUSALS
from shared.process.settings import Settings, load_settings
from shared.system.extras import NotInstalled

FAILED = 3
"""Exit code of one that could not do what it was asked."""


def work(find: Callable[[Settings], Iterable[object]]) -> None:
    """Print what is found, as it is found. Raises SystemExit: it failed; the last line is the error, or its sentence
    stands on standard error."""
    try:
        for found in find(load_settings()):
            print(json.dumps(found), flush=True)
    except ParafoveaError as error:
        print(json.dumps(error.to_json()), flush=True)
        sys.exit(FAILED)
    except (*REFUSALS, NotInstalled, OSError) as error:
        sys.exit(str(error))
