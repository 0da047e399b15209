"""Habits that a reader relies on: small files, docstrings, no silent except, and a Procfile that starts everything."""

from __future__ import annotations

import ast
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MAX_LINES = 260
"""A file is one idea, 50 to 250 lines; a few lines of grace."""


def tracked() -> list[Path]:
    """Files in git, and those about to be."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        check=False,
    )
    if listed.returncode:
        pytest.skip("not a git checkout")
    return [ROOT / name for name in listed.stdout.decode().split("\0") if name and (ROOT / name).is_file()]


def sources() -> list[str]:
    return sorted(
        str(path.relative_to(ROOT))
        for folder in ("services", "shared", "cli", "reproduction")
        for path in (ROOT / folder).rglob("*.py")
    )


@pytest.mark.parametrize("source", sources())
def test_a_file_is_one_idea(source: str) -> None:
    lines = len((ROOT / source).read_text(encoding="utf-8").splitlines())
    assert lines <= MAX_LINES


@pytest.mark.parametrize("source", sources())
def test_every_module_says_what_it_is(source: str) -> None:
    tree = ast.parse((ROOT / source).read_text(encoding="utf-8"))
    if not tree.body:
        return
    assert ast.get_docstring(tree), "no docstring"


@pytest.mark.parametrize("source", sources())
def test_no_error_is_swallowed_without_a_word(source: str) -> None:
    for node in ast.walk(ast.parse((ROOT / source).read_text(encoding="utf-8"))):
        if isinstance(node, ast.ExceptHandler):
            only = node.body[0] if len(node.body) == 1 else None
            swallowed = isinstance(only, ast.Pass)
            assert not swallowed, f"line {node.lineno}: except ...: pass"


def processes_of(procfile: str) -> dict[str, str]:
    lines = (ROOT / procfile).read_text(encoding="utf-8").splitlines()
    return dict(line.split(": ", 1) for line in lines if line and not line.startswith("#"))


def test_every_process_of_the_procfile_is_there() -> None:
    started = processes_of("Procfile")
    assert {"generator", "recorder", "replayer", "gaze", "api"} <= set(started)
    for name, command in started.items():
        # Without exec the shell takes the signal, dies at once, and honcho loses sight of a process that still drains.
        assert command == f"exec python -m services.{name}"
        assert (ROOT / "services" / name / "__main__.py").exists()


def test_windows_starts_the_same() -> None:
    assert processes_of("Procfile.windows") == {
        name: command.removeprefix("exec ") for name, command in processes_of("Procfile").items()
    }


def test_nothing_that_a_run_makes_is_in_git() -> None:
    names = {str(path.relative_to(ROOT)) for path in tracked()}
    assert not [name for name in names if name.endswith((".pyc", ".log")) or "/__pycache__/" in name]
    assert not [name for name in names if name.startswith("generation/sessions/")]
    assert ".env" not in names


def test_documents_link_to_what_is_there() -> None:
    missing = []
    for path in tracked():
        if path.suffix != ".md":
            continue
        text = re.sub(r"```.*?```", "", path.read_text(encoding="utf-8"), flags=re.S)
        for target in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", text):
            if "://" not in target and not (path.parent / target).exists():
                missing.append(f"{path.relative_to(ROOT)}: {target}")
    assert not missing


@pytest.mark.parametrize("source", sources())
def test_json_is_read_by_the_one_that_loses_no_memory(source: str) -> None:
    if source != "shared/json_loads.py":
        assert "orjson.loads(" not in (ROOT / source).read_text(encoding="utf-8"), "see shared/json_loads.py"
