"""``parafovea models`` on what is on this machine; with a hub in ``tests/system/test_models_command.py``."""

from __future__ import annotations

import json
import os
import shutil
import struct
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from cli.main import app
from services.generator.models.checking import Memory, Said, say_memory
from services.generator.models.families import FAMILIES
from services.generator.models.memory import GB, weighs
from services.generator.models.tiny import ensure_tiny
from shared.process.settings import Settings
from shared.process.worker import FAILED
from shared.system import extras
from tests.support.hub import header_of
from tests.support.processes import REPOSITORY
from tests.support.without import python_path_without

FLUX = {"transformer": 11_900_000_000, "text_encoder_2": 4_900_000_000, "vae": 80_000_000}


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return ensure_tiny(tmp_path_factory.mktemp("tiny"))


@pytest.fixture
def shelf(tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of models, with one in it; the working folder is an empty one."""
    shutil.copytree(tiny, tmp_path / "shelf" / "mine")
    (tmp_path / "empty").mkdir()
    monkeypatch.chdir(tmp_path / "empty")
    monkeypatch.setenv("PARAFOVEA_MODELS_DIR", str(tmp_path / "shelf"))
    return tmp_path / "shelf"


def models(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["models", *arguments])


def index(folder: Path, pipeline: str) -> None:
    folder.mkdir(parents=True)
    (folder / "model_index.json").write_text(json.dumps({"_class_name": pipeline}))


def one_file(shelf: Path, tiny: Path) -> None:
    """A model that is one file, with its configurations beside it."""
    (shelf / "one.safetensors").write_bytes(header_of({"model.diffusion_model.weight": [10, 10]}))
    shutil.copytree(tiny, shelf / "one", ignore=shutil.ignore_patterns("*.safetensors"))


def test_list_has_every_family_and_what_is_here_with_the_reason_where_one_is_refused(
    shelf: Path, tiny: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    index(shelf / "video", "WanPipeline")
    index(shelf / "owner" / "inner", "FluxFillPipeline")
    one_file(shelf, tiny)
    (shelf / "alone.safetensors").write_bytes(header_of({"model.diffusion_model.weight": [10, 10]}))
    (shelf / "style.safetensors").write_bytes(header_of({"unet.lora_A.weight": [4, 4]}))
    (shelf / "notes.txt").write_text("no model")
    monkeypatch.setenv("PARAFOVEA_MODEL", "mine")
    monkeypatch.setenv("PARAFOVEA_MODELS", "maker/elsewhere,/no/such/folder,tiny-edit")
    told = json.loads(models("list", "--json").stdout)
    assert [one["name"] for one in told["families"]] == [family.name for family in FAMILIES]
    schnell = next(one for one in told["families"] if one["name"] == "flux")
    assert (schnell["steps"], schnell["licence"], schnell["weights_gb"]) == (4, "Apache-2.0", 33.8)
    here = {one["name"]: one for one in told["here"]}
    kinds = {name: one["kind"] for name, one in here.items()}
    assert kinds["embedded"] == "layer"
    assert kinds["mine"] == kinds["owner/inner"] == kinds["one.safetensors"] == "inpaint"
    assert kinds["tiny-edit"] == "edit"
    assert "makes video" in here["video"]["why_not"]
    assert "a LoRA" in here["style.safetensors"]["why_not"]
    assert "one file" in here["alone.safetensors"]["why_not"]
    assert "models check maker/elsewhere" in here["maker/elsewhere"]["why_not"]
    assert "no such folder" in here["/no/such/folder"]["why_not"]
    assert [name for name, one in here.items() if one["is_set"]] == ["mine"]
    assert "notes.txt" not in here


def test_without_a_command_it_lists_for_other_programs_a_line_each(shelf: Path) -> None:
    lines = [line.split("\t") for line in models().stdout.splitlines()]
    assert sum(line[0] == "family" for line in lines) == len(FAMILIES)
    assert ["set", "embedded", "layer"] in [line[:3] for line in lines]


@pytest.mark.skipif(sys.platform == "win32", reason="no pseudo-terminals there")
@pytest.mark.parametrize("arguments", [["list"], ["show", "mine"], ["check", "mine"]])
def test_a_terminal_of_80_columns_is_enough(arguments: list[str], shelf: Path) -> None:
    printed = on_a_terminal(["models", *arguments])
    assert max(len(line) for line in printed if "/" not in line) <= 80
    assert len(printed) > 10


def on_a_terminal(arguments: list[str]) -> list[str]:
    import pty
    from fcntl import ioctl
    from termios import TIOCSWINSZ

    ours, theirs = pty.openpty()
    ioctl(theirs, TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY)}
    environment.pop("COLUMNS", None)
    command = [sys.executable, "-m", "cli.main", *arguments]
    with subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=subprocess.DEVNULL, env=environment):
        os.close(theirs)
        printed = b""
        while True:
            try:
                piece = os.read(ours, 65536)
            except OSError:  # Linux: nobody holds the other end any more
                break
            if not piece:
                break
            printed += piece
    os.close(ours)
    return printed.decode().splitlines()


def test_show_says_where_each_value_comes_from_and_its_snippet_can_be_pasted(
    shelf: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = json.loads(models("show", "mine", "--json").stdout)
    assert (told["kind"], told["family"], told["size_px"]) == ("inpaint", "stable-diffusion", 128)
    values = told["values"]
    assert values["steps"] == {"value": 4, "source": str(shelf / "mine" / "parafovea.json")}
    assert values["strength"]["source"] == "family stable-diffusion in Parafovea's presets"
    assert values["scheduler"] == {"value": "DDIMScheduler", "source": "its own configuration"}
    assert "its own may be another" in values["licence"]["source"]
    own = tmp_path / "own.toml"
    own.write_text(told["preset"].replace("steps = 4", "steps = 7"))
    monkeypatch.setenv("PARAFOVEA_PRESETS", str(own))
    again = json.loads(models("show", "mine", "--json").stdout)["values"]
    assert again["steps"] == {"value": 7, "source": f"mine in {own}"}
    assert again["size"]["source"] == f"mine in {own}"


def test_show_of_a_class_that_recommends_nothing_says_that_the_values_are_its_own(shelf: Path) -> None:
    text = models("show", "tiny-edit").stdout
    assert "parafovea.json" in text
    (shelf / "mine" / "parafovea.json").unlink()
    (shelf / "mine" / "model_index.json").write_text(
        (shelf / "mine" / "model_index.json").read_text().replace("InpaintPipeline", "PAGInpaintPipeline")
    )
    assert "StableDiffusionPAGInpaintPipeline" in models("show", "mine").stdout
    index(shelf / "unknown", "StableDiffusionLDM3DPipeline")
    refused = models("show", "unknown")
    assert (refused.exit_code, refused.stdout) == (FAILED, "")
    assert "unknown cannot be used: StableDiffusionLDM3DPipeline" in refused.stderr


def test_check_of_one_that_is_here(shelf: Path, tiny: Path) -> None:
    told = json.loads(models("check", "mine", "--json").stdout)
    assert (told["verdict"], told["to_fetch_bytes"], told["is_here"]) == ("fits", 0, True)
    assert told["parameters"]["unet"] > 1000
    one_file(shelf, tiny)
    told = json.loads(models("check", "one.safetensors", "--json").stdout)
    assert (told["kind"], told["parameters"]) == ("inpaint", {"checkpoint": 100})


def test_a_package_that_is_missing_is_refused_with_how_to_install_it(
    shelf: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    is_installed = extras._is_installed
    monkeypatch.setattr(extras, "_is_installed", lambda name: name != "bitsandbytes" and is_installed(name))
    monkeypatch.setenv("PARAFOVEA_QUANTIZE", "nf4")
    checked = models("check", "mine")
    assert checked.exit_code == FAILED
    assert 'pip install "parafovea[models]"' in checked.stdout


@pytest.mark.parametrize(
    ("setting", "value", "why"),
    [
        ("PARAFOVEA_LORA", "none.safetensors:0.5", "PARAFOVEA_LORA: there is no file 'none.safetensors'"),
        ("PARAFOVEA_TINY_DECODER", "nowhere", "PARAFOVEA_TINY_DECODER: there is no folder 'nowhere'"),
        ("PARAFOVEA_OFFLOAD", "group", "PARAFOVEA_OFFLOAD=group is for a card"),
    ],
)
def test_what_loading_would_refuse_of_the_settings_is_refused(
    shelf: Path, monkeypatch: pytest.MonkeyPatch, setting: str, value: str, why: str
) -> None:
    monkeypatch.setenv("PARAFOVEA_DEVICE", "cpu")
    monkeypatch.setenv(setting, value)
    told = models("check", "mine", "--json")
    assert told.exit_code == FAILED
    assert why in " ".join(json.loads(told.stdout)["refused"])


def test_that_four_bits_do_not_work_here_is_said_once(shelf: Path, monkeypatch: pytest.MonkeyPatch, tiny: Path) -> None:
    monkeypatch.setenv("PARAFOVEA_DEVICE", "cpu")
    monkeypatch.setenv("PARAFOVEA_QUANTIZE", "nf4")
    one_file(shelf, tiny)
    refused = json.loads(models("check", "one.safetensors", "--json").stdout)["refused"]
    assert len([why for why in refused if "nf4" in why]) == 1, refused


def test_a_damaged_file_and_a_device_that_is_not_there_are_sentences(
    shelf: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (shelf / "mine" / "vae" / "diffusion_pytorch_model.safetensors").write_bytes(b"\xff" * 20)
    damaged = models("check", "mine")
    assert (damaged.exit_code, "is damaged" in damaged.stderr) == (FAILED, True)
    monkeypatch.setenv("PARAFOVEA_DEVICE", "cuda:7")
    assert "PARAFOVEA_DEVICE is cuda:7" in models("check", "tiny").stderr


def test_without_the_models_libraries_it_says_what_to_install(tmp_path: Path) -> None:
    without = python_path_without(["torch", "diffusers", "transformers"], tmp_path / "without")
    done = subprocess.run(
        [sys.executable, "-m", "cli.main", "models"],
        env={**os.environ, "PYTHONPATH": without},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == FAILED
    assert "parafovea models needs torch, diffusers, transformers" in done.stderr
    assert 'pip install "parafovea[generator]"' in done.stderr


def on_a_card(free_gb: float, total_gb: float, ram_gb: float = 64, parameters: Mapping[str, int] = FLUX) -> Memory:
    needs = {way: weighs(parameters, 1024, "bfloat16", way, "transformer") for way in ("none", "nf4", "fp8")}
    sizes = (free_gb * GB, total_gb * GB, ram_gb * GB)
    return Memory("a card", False, "bfloat16", dict(parameters), needs, *sizes)


@pytest.mark.parametrize(
    ("there", "quantize", "refused", "warned"),
    [
        (on_a_card(78, 80), "none", "", ""),
        (on_a_card(30, 32), "none", "", "PARAFOVEA_OFFLOAD=model), which is slower; PARAFOVEA_QUANTIZE=nf4"),
        (on_a_card(15, 16), "none", "", "PARAFOVEA_OFFLOAD=group), which is slow; PARAFOVEA_QUANTIZE=nf4"),
        (on_a_card(15, 16), "nf4", "", ""),
        (on_a_card(2, 16), "none", "", "end what else is on the card"),
        (on_a_card(2, 4), "none", "a card has 4.0 GB in all", ""),
        (on_a_card(78, 80, ram_gb=20), "none", "", "pass through the machine's memory"),
    ],
)
def test_what_does_not_fit_a_card_whole_is_said(there: Memory, quantize: str, refused: str, warned: str) -> None:
    said = Said()
    say_memory(there, Settings(quantize=quantize), said)
    assert bool(said.refused) == bool(refused)
    assert bool(said.warnings) == bool(warned)
    assert refused in " ".join(said.refused)
    assert warned in " ".join(said.warnings)
