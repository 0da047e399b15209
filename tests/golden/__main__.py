"""``python -m tests.golden --write`` records today's behaviour anew. Only an intended change of it is a reason to."""

from __future__ import annotations

import argparse

from tests.golden.files import write
from tests.golden.scenario import record


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true", required=True, help="write tests/golden/data anew")
    parser.parse_args()
    write(record())


if __name__ == "__main__":
    main()
