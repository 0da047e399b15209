"""A wheel is whole: unpacked elsewhere it has the page, the samples, the prompts and the model, and starts."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import httpx
import pytest

from shared.version import VERSION
from tests.architecture.test_habits import processes_of
from tests.support.processes import REPOSITORY, Process, System
from tests.support.studio import Studio
from tests.support.waiting import eventually
from tests.support.without import python_path_without

pytestmark = pytest.mark.system

SETUP = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["tool"]["setuptools"]
PACKAGES = tuple(pattern.removesuffix("*") for pattern in SETUP["packages"]["find"]["include"])


def checkout(folder: Path) -> Path:
    """A copy of what is there, without what a run leaves; with a recording in its place, which nobody wants to ship."""
    ignore = shutil.ignore_patterns("__pycache__", "sessions", ".tiny", "node_modules")
    for name in (*PACKAGES, "generation", "examples"):
        without = ignore if name in ("generation", "examples") else shutil.ignore_patterns("__pycache__")
        shutil.copytree(REPOSITORY / name, folder / name, ignore=without)
    for name in ("pyproject.toml", "setup.py", "README.md", "LICENSE", "Procfile", "Procfile.windows"):
        shutil.copy(REPOSITORY / name, folder / name)
    recording = folder / "generation" / "sessions" / "private"
    recording.mkdir(parents=True)
    (recording / "metadata.json").write_text("{}")
    return folder


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built without network: with the tools that are here."""
    built = tmp_path_factory.mktemp("wheel")
    options = ("--no-deps", "--no-build-isolation", "--no-index", "--disable-pip-version-check", "--quiet")
    done = subprocess.run(
        [sys.executable, "-m", "pip", "wheel", *options, "--wheel-dir", built, checkout(built / "checkout")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    (found,) = built.glob("*.whl")
    return found


@pytest.fixture(scope="module")
def unpacked(wheel: Path) -> Path:
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(wheel.parent / "unpacked")
    return wheel.parent / "unpacked"


@pytest.fixture
def elsewhere(quick: Studio, unpacked: Path) -> Studio:
    """A system that has the wheel alone: no checkout, no setting that names a file."""
    del quick.settings["PARAFOVEA_SECTOR_PROMPTS"]
    del quick.settings["PARAFOVEA_SESSIONS_DIR"]
    quick.settings["PYTHONPATH"] = str(unpacked)
    quick.sessions = quick.folder / "generation" / "sessions"
    return quick


def test_it_holds_what_is_in_git_and_nothing_that_was_recorded(wheel: Path) -> None:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=REPOSITORY, capture_output=True, check=False)
    if listed.returncode:
        pytest.skip("not a git checkout")
    tracked = {name for name in listed.stdout.decode().split("\0") if (REPOSITORY / name).is_file()}
    code = {name for name in tracked if name.split("/")[0] in PACKAGES}
    data = {name for name in tracked if name.startswith("generation/") or name in ("Procfile", "Procfile.windows")}
    data |= {name for name in tracked if name.startswith("examples/") and name.endswith((".jpg", "LICENCES.md"))}
    held = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}
    assert not (code | {f"parafovea/{name}" for name in data}) - held
    assert len(data) > 20
    assert {name.split("/")[0] for name in held} == {*PACKAGES, "parafovea"}
    assert not [name for name in held if "sessions/private" in name or name.endswith(".pyc")]


def test_it_says_which_version_it_is_and_what_it_needs(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        about = archive.read(f"parafovea-{VERSION}.dist-info/METADATA").decode()
        commands = archive.read(f"parafovea-{VERSION}.dist-info/entry_points.txt").decode()
    assert f"\nVersion: {VERSION}\n" in about
    assert "Requires-Dist: pyzmq" in about
    for line in about.splitlines():
        if line.startswith("Requires-Dist: torch"):
            assert line.endswith('extra == "generator"')
    assert "parafovea = cli.main:app" in commands


def test_unpacked_elsewhere_it_serves_page_samples_and_prompts(elsewhere: Studio, unpacked: Path) -> None:
    elsewhere.start("api")
    with httpx.Client(base_url=elsewhere.url, trust_env=False, timeout=20) as http:
        page = http.get("/")
        assert page.status_code == 200
        assert "<title>" in page.text
        assert http.get("/web/js/main.js").status_code == 200
        assert http.get("/web/fonts/inter-latin.woff2").status_code == 200
        samples = http.get("/samples").json()["samples"]
        assert len(samples) == len(list((REPOSITORY / "examples").glob("*.jpg")))
        for sample in samples:
            expected = (REPOSITORY / "examples" / sample["file"]).read_bytes()
            assert http.get(f"/samples/{sample['file']}").content == expected
        health = http.get("/health").json()
    assert health["version"] == VERSION
    assert health["prompts"] == {
        "file": str(unpacked / "parafovea" / "generation" / "sector_prompts.json"),
        "error": None,
    }


def test_unpacked_elsewhere_one_command_starts_all_and_the_embedded_model_paints(elsewhere: Studio) -> None:
    started = elsewhere.run("start", [sys.executable, "-m", "cli.main", "start"])
    wait_ready(elsewhere, started)
    elsewhere.start_session("mine")
    frame = elsewhere.generate(1, steps=1)
    elsewhere.wait_recorded("mine", [frame])
    assert elsewhere.http.get("/health").json()["model"]["id"] == "parafovea/embedded"
    assert (elsewhere.folder / "generation" / "sessions" / "mine" / "metadata.json").is_file()
    assert started.stop() == 143
    for name in processes_of("Procfile"):
        assert f"{name} stopped (rc=0)" in " ".join(started.out.split()), started.out
    assert "Traceback" not in started.out


def wait_ready(system: Studio, started: Process) -> None:
    def ready() -> bool:
        if started.exit_code is not None:
            raise RuntimeError(f"it ended:\n{started.out}\n{started.err}")
        others = all(system.is_ready(name) for name in ("replayer", "metrics"))
        return others and system.is_ready("api") and system.http.get("/ready").status_code == 200

    eventually(ready, 100, "/ready after 'parafovea start'")


def test_what_is_not_installed_is_said_before_anything_starts(system: System, unpacked: Path) -> None:
    system.settings["PYTHONPATH"] = python_path_without(["torch"], system.folder / "without")
    started = system.run("start", [sys.executable, "-m", "cli.main", "start"])
    assert started.wait(30) == 3
    assert started.err.startswith("parafovea: the generator needs torch: not installed here.")
    assert started.out == ""
