"""``python -m tests.attack``: see :mod:`tests.attack.bench`."""

from __future__ import annotations

import sys

from tests.attack.bench import main

if __name__ == "__main__":
    sys.exit(main())
