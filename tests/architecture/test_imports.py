"""Imports run one way, and only the generator may import what is heavy. Read from the sources, so nothing is run."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SERVICES = sorted(path.name for path in (ROOT / "services").iterdir() if (path / "__init__.py").exists())
FOLDERS = ("services", "shared", "cli", "reproduction")
HEAVY = frozenset(
    {
        *("torch", "diffusers", "transformers", "accelerate", "safetensors", "onnxruntime"),
        *("numpy", "scipy", "skimage", "PIL", "cv2"),
    }
)
MAY_BE_HEAVY = (
    "services/generator/",
    "reproduction/",
    "cli/comparing",
    "cli/models_",
    "cli/verifying",
    "services/api/work/thumbnail_worker.py",  # a process of its own, started when a thumbnail is wanted
)
"""Where pixels are made or compared. Everything else starts in the time that its small libraries take."""

ROOMS = ("language", "engine", "measuring", "painting", "models", "natural")
"""Of the generator, the lowest first; ``engine.py`` is the seam that the process itself sees."""
_OF_GENERATOR = re.compile(r"services\.generator\.(\w+)")

SHARED = (
    *("errors", "version", "texts", "ids", "body", "sectors", "bounds", "json_loads", "refusals", "prompts"),
    *("gaze.sample", "gaze.screen", "gaze.events", "gaze.detectors", "gaze.trace"),
    *("png_chunks", "images", "system", "session.format.ids", "session.format.layout"),
    *("fields", "change", "frame", "gaze", "bus", "process"),
    *("session.format", "session.text", "session.reading", "session.writing", "session.check", "session.transfer"),
    "remaking",
)
"""The rooms of ``shared/``, and its modules that stand in none, the lowest first. A session's names, of which its ids
consist, are below the fields of messages, all else of its format above."""

DOCUMENTED = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)


def sources() -> list[str]:
    return sorted(str(path.relative_to(ROOT)) for folder in FOLDERS for path in (ROOT / folder).rglob("*.py"))


def imported(source: str, *, for_types: bool = False) -> set[str]:
    """Every module that a file imports, also within functions; those for a type checker alone only ``for_types``."""
    tree = ast.parse((ROOT / source).read_text(encoding="utf-8"))
    found: set[str] = set()
    for node in ast.walk(tree):
        if not for_types and isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            node.body = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{source}: imports are written out in full"
            assert node.module
            found.add(node.module)
            found.update(f"{node.module}.{alias.name}" for alias in node.names)
    return found


def named(source: str) -> set[str]:
    """Modules of services and commands that a file has in its texts: one of them may be started by its name."""
    tree = ast.parse((ROOT / source).read_text(encoding="utf-8"))
    said = {node.body[0].value for node in ast.walk(tree) if isinstance(node, DOCUMENTED) and ast.get_docstring(node)}
    texts = (node for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str))
    return {name for text in texts if text not in said for name in re.findall(r"\b(?:services|cli)\.\w+", text.value)}


def test_there_is_something_to_look_at() -> None:
    assert {"api", "gaze", "generator", "logger", "metrics", "recorder", "replayer"} <= set(SERVICES)
    assert len(sources()) > 50


def room_of(source: str) -> str:
    """The part of the generator that a file belongs to; empty for any other file."""
    match = _OF_GENERATOR.match(source.removesuffix(".py").replace("/", "."))
    return match[1] if match else ""


def circles() -> set[frozenset[str]]:
    """The modules that import each other, by whatever way round: also within functions, and for a type checker."""
    files = {source.removesuffix(".py").removesuffix("/__init__").replace("/", "."): source for source in sources()}
    reached = {name: imported(source, for_types=True) & files.keys() for name, source in files.items()}
    for through in files:  # Warshall, "A theorem on Boolean matrices", Journal of the ACM 9(1), 1962
        for name in files:
            if through in reached[name]:
                reached[name] |= reached[through]
    in_circles = {name for name in files if name in reached[name]}
    return {frozenset(other for other in reached[name] if name in reached[other]) for name in in_circles}


def test_no_modules_import_each_other() -> None:
    assert circles() == set()


@pytest.mark.parametrize("source", [source for source in sources() if room_of(source) in ROOMS])
def test_the_generators_rooms_import_downwards(source: str) -> None:
    """Nothing in a room knows the process around it, or a room above."""
    rooms = {match[1] for name in imported(source, for_types=True) if (match := _OF_GENERATOR.match(name))}
    assert rooms <= set(ROOMS[: ROOMS.index(room_of(source)) + 1])


def shared_room(name: str) -> str:
    """The room of :data:`SHARED` that a module of ``shared/`` is in: the longest name that it begins with."""
    rooms = [room for room in SHARED if f"{name}.".startswith(f"shared.{room}.")]
    return max(rooms, key=len, default="")


def test_the_rooms_of_shared_import_downwards() -> None:
    modules = {source.removesuffix(".py").replace("/", "."): source for source in sources() if "__init__" not in source}
    upwards = set()
    for module, source in modules.items():
        if module.startswith("shared."):
            own = shared_room(module)
            assert own, f"{module} is in no room of SHARED; say what it stands above and below"
            above = SHARED[SHARED.index(own) + 1 :]
            names = imported(source, for_types=True) & modules.keys()
            upwards |= {f"{module} ({own}) imports {name}" for name in names if shared_room(name) in above}
    assert not sorted(upwards)


@pytest.mark.parametrize("source", [source for source in sources() if source.startswith("services/")])
def test_a_service_imports_no_other_service(source: str) -> None:
    own = source.split("/")[1]
    foreign = {name for name in imported(source) if name.startswith("services.") and name.split(".")[1] != own}
    assert not foreign
    assert not {name for name in imported(source) if name.split(".")[0] in ("cli", "tests", "benchmarks", "training")}


@pytest.mark.parametrize("source", [source for source in sources() if source.startswith("services/")])
def test_a_service_starts_no_other_service_and_no_command_by_its_name(source: str) -> None:
    assert not {name for name in named(source) if name.split(".")[:2] != source.split("/")[:2]}


def test_a_module_that_is_named_in_a_text_is_found() -> None:
    assert "services.api" in named("services/api/work/thumbnails.py")
    assert not named("services/api/__main__.py"), "a docstring starts nothing"


@pytest.mark.parametrize("source", [source for source in sources() if source.startswith("shared/")])
def test_shared_imports_nothing_of_ours_but_itself(source: str) -> None:
    ours = {"services", "cli", "reproduction", "tests", "benchmarks", "training"}
    assert not {name for name in imported(source) if name.split(".")[0] in ours}


@pytest.mark.parametrize("source", [source for source in sources() if not source.startswith(MAY_BE_HEAVY)])
def test_only_the_generator_and_comparison_import_what_is_heavy(source: str) -> None:
    assert not {name.split(".")[0] for name in imported(source)} & HEAVY


@pytest.mark.parametrize("source", [source for source in sources() if not source.startswith("services/generator/")])
def test_only_the_generator_imports_torch(source: str) -> None:
    forbidden = {"torch", "diffusers", "transformers"}
    if source.startswith(("reproduction/", "cli/")):
        pytest.skip("a command may load the model in its own process")
    assert not {name.split(".")[0] for name in imported(source)} & forbidden


@pytest.mark.parametrize("source", sources())
def test_nothing_pickles(source: str) -> None:
    assert not {name.split(".")[0] for name in imported(source)} & {
        "pickle",
        "dill",
        "cloudpickle",
        "marshal",
        "shelve",
    }
