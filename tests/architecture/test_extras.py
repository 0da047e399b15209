"""The base dependencies are light, and each extra is the one that the sentences name."""

from __future__ import annotations

import tomllib
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from shared.system.extras import EXTRAS

PROJECT = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())["project"]


def names(requirements: list[str]) -> set[str]:
    return {canonicalize_name(Requirement(text).name) for text in requirements}


def test_the_sentences_name_what_the_extras_bring() -> None:
    for extra, packages in EXTRAS.items():
        assert names(PROJECT["optional-dependencies"][extra]) == set(packages)


def test_what_everybody_installs_has_none_of_it() -> None:
    extra = {package for packages in EXTRAS.values() for package in packages}
    assert not names(PROJECT["dependencies"]) & extra
