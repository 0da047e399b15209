"""The API's folders import one way."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

API = Path(__file__).parents[3] / "services" / "api"
MAY_IMPORT = {
    "http": {"http"},
    "edge": {"edge", "http"},
    "bus": {"bus"},
    "live": {"live", "bus"},
    "work": {"work", "http"},
    "routes": {"routes", "http", "work", "service"},
    "service": {"bus", "http", "live", "work"},
    "server": {"edge", "http"},
    "operations": {"http", "routes"},
    "__main__": {"edge", "http", "operations", "server", "service"},
}
"""Folders and modules of the API, and which others each may import."""


@pytest.mark.parametrize("path", sorted(API.rglob("*.py")), ids=lambda path: str(path.relative_to(API)))
def test_imports_run_one_way(path: Path) -> None:
    room = path.relative_to(API).parts[0].removesuffix(".py")
    if room == "__init__":
        return
    modules = [
        name
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        for name in ([node.module or ""] if isinstance(node, ast.ImportFrom) else imported(node))
    ]
    rooms = {name.split(".")[2] for name in modules if name.startswith("services.api.")}
    assert rooms <= MAY_IMPORT[room]


def imported(node: ast.AST) -> list[str]:
    return [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
