"""One version, in one place; what shows it, shows that one."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path

from packaging.version import Version

from services.api.openapi.document import build
from shared.version import VERSION

ROOT = Path(__file__).parents[2]


def test_the_package_has_no_version_of_its_own() -> None:
    told = tomllib.loads((ROOT / "pyproject.toml").read_text())
    assert "version" not in told["project"]
    assert told["project"]["dynamic"] == ["version"]
    attribute = told["tool"]["setuptools"]["dynamic"]["version"]["attr"]
    module, _, name = attribute.rpartition(".")
    source = (ROOT / module.replace(".", "/")).with_suffix(".py").read_text(encoding="utf-8")
    # As setuptools reads it: a literal, for which nothing need be imported.
    assert re.search(rf'^{name} = "{re.escape(VERSION)}"$', source, re.M)
    assert str(Version(VERSION)) == VERSION


def test_the_command_tells_it() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "cli.main", "--version"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout == f"parafovea {VERSION}\n"


def test_the_openapi_document_tells_it() -> None:
    assert build()["info"]["version"] == VERSION
