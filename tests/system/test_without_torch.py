"""Where the model's libraries are not installed: all works that needs none, and the rest says what is missing."""

from __future__ import annotations

import json
import subprocess
import sys

import httpx
import pytest

from shared.process.runner import EXIT_REFUSED
from tests.support.processes import REPOSITORY, System
from tests.support.recorded import record_pictures
from tests.support.waiting import eventually
from tests.support.without import python_path_without

pytestmark = pytest.mark.system

MODEL = ("torch", "diffusers", "transformers", "accelerate", "safetensors")
ALL = (*MODEL, "numpy", "scipy", "skimage")
PLAIN = ("api", "recorder", "replayer", "gaze", "metrics", "logger")


@pytest.fixture
def bare(system: System) -> System:
    """A system whose processes have the base dependencies alone."""
    system.settings["PYTHONPATH"] = python_path_without(ALL, system.folder / "without")
    return system


def command(system: System, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "cli.main", *arguments],
        env=system.environment(),
        cwd=system.folder,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_a_model_cannot_be_imported_there(bare: System) -> None:
    for module in ALL:
        done = subprocess.run([sys.executable, "-c", f"import {module}"], env=bare.environment(), check=False)
        assert done.returncode == 1


def test_every_other_process_runs(bare: System) -> None:
    for name in PLAIN:
        bare.start(name)

    def well() -> bool:
        processes = httpx.get(f"{bare.url}/health", trust_env=False).json()["processes"]
        return all(processes[name]["state"] == "ok" for name in ("api", "recorder", "replayer"))

    eventually(well, 20, "API, recorder and replayer are well")
    thumbnail = httpx.get(f"{bare.url}/samples/sunset.jpg/thumbnail", trust_env=False, timeout=30)
    assert thumbnail.headers["content-type"] == "image/webp"
    assert set(bare.stop_all().values()) == {0}


def test_a_subscriber_hears_what_passes(bare: System) -> None:
    tap = bare.run("tap", [sys.executable, "-m", "cli.main", "tap"])
    subscriber = bare.run(
        "subscriber",
        [sys.executable, str(REPOSITORY / "examples" / "subscriber.py"), f"ipc://{bare.bus_folder}/frames"],
    )
    bare.start("recorder")
    told = bare.ask("recorder", "start", {"session_id": "s"})
    assert told is not None
    assert told["type"] == "start.ok"
    eventually(lambda: "session.started" in tap.out, 20, "tap shows the message")
    assert subscriber.exit_code is None, subscriber.err


@pytest.mark.parametrize(
    "arguments", [["--version"], ["--help"], ["bus"], ["settings"], ["keys", "k"], ["check", "s"], ["export", "s"]]
)
def test_commands_that_need_no_pictures_work(bare: System, arguments: list[str]) -> None:
    bare.sessions.mkdir()
    record_pictures(bare.sessions)
    done = command(bare, *arguments)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("arguments", [["verify", "s"], ["compare", "s", "s"]])
def test_commands_that_need_them_say_what_is_missing(bare: System, arguments: list[str]) -> None:
    done = command(bare, *arguments)
    assert done.returncode == 3
    assert done.stderr == (
        f"parafovea: {arguments[0]} needs numpy, scikit-image: not installed here. "
        'Install with: python -m pip install "parafovea[compare]"\n'
    )


def test_comparing_needs_no_model_and_verifying_here_says_that_it_does(system: System) -> None:
    system.settings["PYTHONPATH"] = python_path_without(MODEL, system.folder / "without")
    system.sessions.mkdir()
    record_pictures(system.sessions)
    compared = command(system, "compare", "s", "s", "--json")
    assert compared.returncode == 0, compared.stderr
    assert json.loads(compared.stdout)
    verified = command(system, "verify", "s")
    assert verified.returncode == 3
    assert "torch, diffusers, transformers, accelerate, safetensors: not installed here" in verified.stderr
    assert 'pip install "parafovea[generator]"' in verified.stderr
    assert "Traceback" not in verified.stderr


def test_the_generator_says_what_is_missing(bare: System) -> None:
    generator = bare.start("generator", wait=False)
    assert generator.wait(30) == EXIT_REFUSED
    assert "generator does not start: it needs torch, diffusers," in generator.err
    assert 'pip install "parafovea[generator]"' in generator.err
    assert "Traceback" not in generator.err


def test_a_comparison_over_http_says_what_is_missing(bare: System) -> None:
    bare.sessions.mkdir()
    record_pictures(bare.sessions, "a")
    record_pictures(bare.sessions, "b")
    bare.start("api")
    answer = httpx.get(f"{bare.url}/session/compare?a=a&b=b", trust_env=False, timeout=60)
    assert 'pip install "parafovea[compare]"' in answer.json()["detail"]
