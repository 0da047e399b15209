"""The benchmark for graphics cards, with tiny models on the processor: that it measures, not what."""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks.gpu import __main__ as command
from benchmarks.gpu import card, fitting, folders, measuring
from benchmarks.gpu.card import Card
from benchmarks.gpu.figures import KINDS, OF_CUDA, OF_SMI
from benchmarks.gpu.measuring import VARIANTS, Measured, Options
from benchmarks.gpu.models import NAMES, TINY_PX, TINY_STEPS, Blocks, model_of
from benchmarks.gpu.over_http import CLIENTS, TENTH, Answered, of_full_queue
from benchmarks.gpu.watching import watched
from services.generator.engine import Edit, edited_picture
from services.generator.load import load_engine
from shared.process.settings import PREFIX, Settings
from shared.sectors import region
from tests.support.processes import REPOSITORY
from tests.support.waiting import eventually

pytestmark = pytest.mark.system

REQUESTS = 2
GB = 1e9
H100 = Card("cuda", "bfloat16", 80 * GB, {"card": "a card", "torch": "2", "diffusers": "0"})
SHARES = {name for name in KINDS if "own_share" in name} | {"idle_share"}
"""Differences: of a tiny model they may be less than nothing, since a run's time comes in whole milliseconds."""


def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "benchmarks.gpu", *arguments],
        cwd=REPOSITORY,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_command_measures_a_tiny_model_on_the_processor(tmp_path: Path) -> None:
    out = tmp_path / "results" / "gpu.json"
    ended = run(
        *("--tiny", "--models", "sd15", "--requests", str(REQUESTS)), "--folder", str(tmp_path), "--out", str(out)
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    told = json.loads(out.read_text())
    assert told["tiny"]
    assert told["machine"]["device"] == "cpu"
    assert {"card", "torch", "diffusers", "transformers", "python"} <= told["machine"].keys()
    (model,) = told["models"]
    assert (model["model"], model["variant"], model["failed"]) == ("sd15", "plain", None)
    check_figures(model["figures"])
    assert model["counts"] == {
        "alone": REQUESTS,
        "requests": TENTH,
        "recorded_requests": REQUESTS,
        "queued_requests": TENTH + CLIENTS,
    }
    about = model["about"]
    assert (about["steps"], about["size_px"], about["device"]) == (TINY_STEPS, TINY_PX, "cpu")
    assert about["parameters"].keys() == {"text_encoder", "unet", "vae"}
    assert "compile" not in about["environment"], "it is measured where it is asked for, which it wasn't"
    assert "Measured on: none, the processor" in ended.stdout
    assert f"Stable Diffusion 1.5 inpainting: {TINY_PX} px, {TINY_STEPS} steps, float32 on cpu" in ended.stdout
    for name in model["figures"]:
        assert KINDS[name].words in ended.stdout


def check_figures(figures: dict[str, Any]) -> None:
    """Every one that a processor has, and each a number that can be one."""
    assert figures.keys() == KINDS.keys() - OF_CUDA - OF_SMI
    for name, figure in figures.items():
        assert figure["unit"] == KINDS[name].unit
        assert math.isfinite(figure["value"])
        assert figure["value"] > 0 or name in SHARES, name
    values = {name: figure["value"] for name, figure in figures.items()}
    for name in values:
        if name.endswith("_p50"):
            assert values[name] <= values[f"{name.removesuffix('_p50')}_p95"]
    assert values["idle_share"] <= 100
    assert values["loaded_memory"] <= values["peak_memory"]


@pytest.mark.skipif(sys.platform == "darwin", reason="there may be a card that no variable hides")
@pytest.mark.parametrize("device", [(), ("--device", "cuda")], ids=["any", "cuda"])
def test_without_a_card_it_refuses_in_a_sentence(device: tuple[str, ...], tmp_path: Path) -> None:
    ended = run(*device, "--folder", str(tmp_path), CUDA_VISIBLE_DEVICES="")
    assert ended.returncode == 2
    (line,) = ended.stderr.splitlines()
    assert line.startswith("There is no graphics card here" if not device else "--device is cuda, but torch sees 0")
    assert not ended.stdout
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--models", "sd15,sd16"], "no model sd16; there are sdturbo, sd15"),
        (["--models", ","], "--models names none; there are sdturbo, sd15"),
        (["--requests", "1"], "--requests is at least 2"),
        (["--steps", "0"], "--steps is at least 1"),
    ],
)
def test_what_cannot_be_measured_is_said(arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main(["--tiny", *arguments]) == 2
    assert said in capsys.readouterr().err


@pytest.mark.parametrize("name", NAMES)
def test_each_model_is_written_and_runs(name: str, tmp_path: Path) -> None:
    model = model_of(name, tiny=True)
    folder = folders.ensure(model, True, tmp_path)
    assert folders.ensure(model, True, tmp_path) == folder, "it is written once"
    engine = load_engine(Settings(_env_file=None, model=str(folder), device="cpu"))
    pixels = np.full((192, 192, 3), 90, np.uint8)
    edit = Edit(pixels, region("MC", 3, 192, 192), "a bee", 1)
    picture = edited_picture(edit, engine.run(edit, lambda done, of: None, lambda: False))
    assert (picture != pixels).any()
    assert engine.info.work is not None
    assert engine.info.work.size == TINY_PX
    engine.close()


def test_models_with_the_same_weights_have_them_on_the_disk_once(tmp_path: Path) -> None:
    turbo, whole = (folders.ensure(model_of(name, True), True, tmp_path) for name in ("sdxlturbo", "sdxl"))
    file = "unet/diffusion_pytorch_model.safetensors"
    assert (turbo / file).samefile(whole / file)
    assert not (turbo / "parafovea.json").samefile(whole / "parafovea.json")


@pytest.mark.parametrize(
    ("free_gb", "blocks"),
    [(80, Blocks(19, 38, 24)), (40, Blocks(19, 38, 24)), (24, Blocks(11, 22, 14)), (12, Blocks(4, 8, 5)), (4, None)],
)
def test_of_flux_there_are_as_many_blocks_as_fit(
    free_gb: float, blocks: Blocks | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fitting, "available_bytes", lambda: None)
    monkeypatch.setattr(folders, "free_bytes", lambda root: 100 * GB)
    assert fitting.blocks_for(Card("cuda", "bfloat16", free_gb * GB, {}), tmp_path) == blocks


def test_real_models_have_as_many_parameters_as_their_makers_say() -> None:
    """In millions; of each network, to the last digit that is published."""
    from benchmarks.gpu.weights import parameters

    networks = {name: model_of(name) for name in NAMES}
    counted = {name: parameters(model.parts[model.network]) / 1e6 for name, model in networks.items()}
    assert counted == pytest.approx(
        {"sdturbo": 865.9, "sd15": 859.5, "sdxlturbo": 2567.5, "sdxl": 2567.5, "flux": 11901.4}, abs=0.1
    )


@pytest.fixture
def _a_card(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(card, "ask", lambda device: H100)


@pytest.mark.usefixtures("_a_card")
def test_compiling_is_measured_where_it_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[Options] = []

    def measure(name: str, options: Options) -> Iterator[Measured]:
        seen.append(options)
        yield from ()

    monkeypatch.setattr(measuring, "measure", measure)
    for more in ([], ["--compile"], ["--channels-last", "--compile"]):
        assert command.main(["--models", "sd15", *more]) == 0
    assert [one.variants for one in seen] == [("plain",), ("plain", "compile"), ("plain", "compile", "channels_last")]
    known = {PREFIX + name.upper() for name in Settings.model_fields}
    assert all(settings.keys() <= known for settings in VARIANTS.values())


@pytest.mark.usefixtures("_a_card")
def test_what_failed_stands_beside_what_did_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(folders, "free_bytes", lambda root: 0)
    out = tmp_path / "gpu.json"
    where = ["--folder", str(tmp_path / "models"), "--out", str(out)]
    assert command.main(["--models", "sd15,flux", *where]) == 1
    told = {model["model"]: model["failed"] for model in json.loads(out.read_text())["models"]}
    assert told["sd15"].startswith("Stable Diffusion 1.5 inpainting takes 2.1 GB, and the disk")
    assert told["flux"].startswith("not even one block")
    assert "FLUX.1 [dev], plain: not even one block" in capsys.readouterr().out


def test_the_queue_counts_from_the_first_answer_while_others_wait() -> None:
    """Each run takes 30 of 40 ms; the first answer comes late, and the last ones find an empty queue."""
    at = [5.0, 5.04, 5.08, 5.12, 5.16, 7.0, 8.0, 9.0]
    figures = of_full_queue([Answered(100, 30, one) for one in at])
    assert figures == pytest.approx({"idle_share": 25, "throughput": 25})


def test_a_card_is_watched_by_what_its_driver_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = tmp_path / "asked"
    program = tmp_path / "nvidia-smi"
    program.write_text(f'#!/bin/sh\nprintf "80, 1000\\n[N/A], 5\\n90, 2000\\n"\necho "$@" > {asked}\nexec sleep 60\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    with watched("GPU-1") as seen:
        eventually(asked.exists, what="nvidia-smi was started")
        eventually(asked.read_text, what="it has its arguments")
    assert "-i GPU-1 --query-gpu=utilization.gpu,memory.used" in asked.read_text()
    assert seen == pytest.approx({"card_busy": 85, "card_memory": 2000 * 1024 * 1024 / GB})


def test_without_that_program_nothing_is_watched(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with watched("GPU-1") as seen:
        pass
    assert seen == {}
    assert card.smi("driver_version") == []
