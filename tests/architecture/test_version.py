"""One version, in one place; what shows it, shows that one."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path

from packaging.version import Version

from services.api.operations import build
from services.generator.painting.renderer import RENDERER
from shared.bus.message import PROTOCOL_VERSION
from shared.session.format.metadata import FORMAT
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


def test_the_changelog_knows_it() -> None:
    """Of a release its heading, with a date; of what is on its way to one, what it will be."""
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    first, *older = re.findall(r"^## \[(.+?)\](?: - (\d{4}-\d\d-\d\d))?$", text, re.M)
    version = Version(VERSION)
    if version.is_devrelease:
        assert first == ("Unreleased", "")
        assert f"To be {version.base_version}." in text
    else:
        assert first[0] == VERSION
        assert first[1]
    assert all(date for _, date in older)
    known = [Version(name) for name, _ in older]
    assert known == sorted(known, reverse=True)
    assert all(one < version for one in known)


def test_the_policy_names_the_numbers_that_are() -> None:
    text = (ROOT / "docs" / "versions.md").read_text(encoding="utf-8")
    assert f"| `v` in each message, now {PROTOCOL_VERSION} |" in text
    assert f"| `format` in `metadata.json`, now {FORMAT} |" in text
    assert f"| `environment.renderer`, now {RENDERER} |" in text
