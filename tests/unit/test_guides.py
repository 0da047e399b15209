"""The pages that are no reference: what they quote is said by the program, and forms can be read."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from shared.errors import BY_CODE
from shared.process.settings import PREFIX, Settings

ROOT = Path(__file__).parents[2]
TROUBLES = (ROOT / "docs" / "troubleshooting.md").read_text(encoding="utf-8")
GLOSSARY = (ROOT / "docs" / "glossary.md").read_text(encoding="utf-8")
FORMS = sorted((ROOT / ".github" / "ISSUE_TEMPLATE").glob("*.yml"))


def read(path: Path) -> Any:
    return yaml.safe_load(path.read_text(encoding="utf-8"))


@cache
def sentences() -> str:
    """Every text in the program, what is filled in left out."""
    found = []
    for folder in ("services", "shared", "cli", "reproduction"):
        for path in (ROOT / folder).rglob("*.py"):
            tree = ast.parse(path.read_text(encoding="utf-8"))
            found += [n.value for n in ast.walk(tree) if isinstance(n, ast.Constant) and isinstance(n.value, str)]
    return "\n".join(found)


def symptoms() -> list[str]:
    """What stands in the first column of the tables, from the second one on: the first quotes pip."""
    tables = TROUBLES.split("\n## ")[2:]
    return [row.split(" | ")[0].removeprefix("| ") for table in tables for row in re.findall(r"^\| .*\|$", table, re.M)]


def test_there_are_symptoms() -> None:
    assert len(symptoms()) > 30


@pytest.mark.parametrize("symptom", [one for one in symptoms() if "`" in one])
def test_what_is_quoted_is_said(symptom: str) -> None:
    for quoted in re.findall(r"`([^`]+)`", symptom):
        if quoted in BY_CODE or quoted.startswith(("X-", "/", "parafovea ")):
            continue
        for part in filter(None, (part.strip(" ,.") for part in quoted.split("..."))):
            assert part in sentences(), part


def test_every_setting_that_is_named_is_one() -> None:
    known = {PREFIX + name.upper() for name in Settings.model_fields}
    assert set(re.findall(rf"{PREFIX}[A-Z_]+", TROUBLES)) <= known


def test_each_word_is_explained_once_and_found_by_its_place() -> None:
    tables = [re.findall(r"^\| \*\*(.+?)\*\* \| .+ \|$", part, re.M) for part in GLOSSARY.split("\n## ")[1:]]
    words = [word for table in tables for word in table]
    assert len(words) == len(set(words)) > 50
    for table in tables:
        assert table == sorted(table, key=lambda word: word.replace("-", " "))


@pytest.mark.parametrize("form", [form for form in FORMS if form.name != "config.yml"], ids=lambda form: form.stem)
def test_a_form_for_issues_is_one_that_can_be_shown(form: Path) -> None:
    told = read(form)
    assert {"name", "description", "body"} <= told.keys()
    fields = [item for item in told["body"] if item["type"] != "markdown"]
    assert all(item["type"] in ("input", "textarea", "dropdown", "checkboxes") for item in fields)
    assert len({item["id"] for item in fields}) == len(fields)
    assert all(item["attributes"]["label"] for item in fields)
    assert any(item.get("validations", {}).get("required") for item in fields)


def test_the_citation_has_what_the_format_asks_for() -> None:
    told = read(ROOT / "CITATION.cff")
    assert {"cff-version", "message", "title", "authors"} <= told.keys()
    assert told["license"] == "Apache-2.0"
    assert "version" not in told, "it stands in shared/version.py alone"
