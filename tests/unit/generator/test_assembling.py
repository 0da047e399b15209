"""From a model's files to an engine: its memory counted in one way, its failures said, and what a frame says of it."""

from __future__ import annotations

import gc
import json
import shutil
import struct
import weakref
from pathlib import Path
from typing import Any

import pytest
import torch

from services.generator.models import assembling, checking, denoising, fitting, loading, memory, painters, sources
from services.generator.models.checking import check
from services.generator.models.device import Placement
from services.generator.models.files import ModelError
from services.generator.models.looking import Expected, look
from services.generator.painting.cutout import NothingDrawn
from shared.errors import GenerationFailed
from shared.process.settings import Settings
from tests.unit.generator.loaded import Folder, load

CPU = Placement(torch.device("cpu"), torch.float32)


def with_preset(model: Path, folder: Path, **preset: Any) -> Path:
    shutil.copytree(model, folder)
    (folder / "parafovea.json").write_text(json.dumps(preset))
    return folder


def test_a_frame_says_what_a_preset_changes_in_its_pixels(family_folder: Folder, tmp_path: Path) -> None:
    plain = load(with_preset(family_folder("flux-dev"), tmp_path / "a", size=64)).info
    other = load(
        with_preset(family_folder("flux-dev"), tmp_path / "b", size=96, timestep_spacing="trailing", true_cfg_scale=4.0)
    ).info
    assert plain.model.files_sha256 == other.model.files_sha256
    differing = {
        name: (plain.environment.get(name), value)
        for name, value in other.environment.items()
        if plain.environment.get(name) != value
    }
    assert differing == {"work_px": (64, 96), "timestep_spacing": (None, "trailing"), "true_cfg_scale": (None, 4.0)}


def of_type(path: Path, dtype: str, count: int, size: int) -> Path:
    header = json.dumps({"w": {"dtype": dtype, "shape": [count], "data_offsets": [0, count * size]}}).encode()
    path.write_bytes(struct.pack("<Q", len(header)) + header + bytes(count * size))
    return path


@pytest.mark.parametrize(("dtype", "size", "counted"), [("F8_E4M3", 1, 800), ("BF16", 2, 800), ("U8", 1, 400)])
def test_weights_of_eight_bits_count_whole_since_they_are_widened(
    tmp_path: Path, dtype: str, size: int, counted: int
) -> None:
    assert memory.count_file(of_type(tmp_path / "x.safetensors", dtype, 800, size), "float32") == counted


def test_the_memory_of_another_network_is_counted_alike_by_all_who_ask(
    family_folder: Folder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    network = of_type(tmp_path / "half.safetensors", "BF16", 5_000_000_000, 0)
    settings = Settings(model=str(family_folder("flux-dev")), device="cpu", dtype="float32", network=str(network))
    wanted = sources.find(settings)
    asked: list[tuple[int, str]] = []
    real = memory.weighs

    def noted(parameters: Any, *rest: Any) -> Any:
        asked.append((parameters["transformer"], rest[-1]))
        return real(parameters, *rest)

    monkeypatch.setattr(memory, "weighs", noted)
    monkeypatch.setattr(fitting, "free_bytes", lambda place: 10e9)
    assert not assembling.fits_beside(wanted, settings)
    assembling.weighs(wanted, settings, CPU, 64)
    found = look(settings)
    check(found, Expected(found), settings)
    assert set(asked) == {(5_000_000_000, "transformer")}


def test_memory_that_runs_out_while_weights_are_read_is_said_as_that(
    family_folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB")

    monkeypatch.setattr(loading, "_set_scheduler", full)
    with pytest.raises(ModelError, match=r"does not fit on cpu \(OutOfMemoryError: CUDA out of memory.*Take a smaller"):
        load(family_folder("sd"))


@pytest.mark.parametrize("kind", [ModelError, RuntimeError, torch.OutOfMemoryError])
def test_whatever_fails_nothing_stays_in_memory(
    family_folder: Folder, monkeypatch: pytest.MonkeyPatch, kind: type[Exception]
) -> None:
    held: list[weakref.ref[Any]] = []

    def fail(pipeline: Any, *_: Any) -> None:
        held.append(weakref.ref(pipeline.unet))
        raise kind("this went wrong")

    monkeypatch.setattr(fitting, "place", fail)
    with pytest.raises((ModelError, RuntimeError), match="this went wrong") as raised:
        load(family_folder("sd"))
    gc.collect()
    assert held[0]() is None, f"though somebody keeps the {raised.typename}"


@pytest.mark.parametrize(
    ("settings", "why"),
    [
        ({"quantize": "nf4"}, "PARAFOVEA_QUANTIZE=nf4 needs a CUDA card"),
        ({"offload": "group"}, "PARAFOVEA_OFFLOAD=group is for a card"),
        ({"quantize": "fp8", "fuse_qkv": True}, "PARAFOVEA_FUSE_QKV does not work with PARAFOVEA_QUANTIZE=fp8"),
    ],
)
def test_what_loading_refuses_a_check_refuses(family_folder: Folder, settings: dict[str, Any], why: str) -> None:
    given = Settings(model=str(family_folder("sdxl")), device="cpu", **settings)
    found = look(given)
    assert any(one.startswith(why) for one in check(found, Expected(found), given).said.refused)
    plain = Settings(model=str(family_folder("sdxl")), device="cpu")
    assert checking.check(found, Expected(found), plain).said.refused == []
    with pytest.raises(ModelError, match=why):
        load(family_folder("sdxl"), **settings)


def test_a_warm_up_of_two_steps_need_not_draw_anything(tiny_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def nothing(rgba: Any) -> None:
        raise NothingDrawn

    monkeypatch.setattr(painters, "cut_out", nothing)
    assert load(Path("tiny-layer"), warm_up="yes").info.model.kind == "layer"

    def overflow(*_: Any, **__: Any) -> None:
        raise GenerationFailed("The model gave no picture: its numbers overflowed in float16.")

    monkeypatch.setattr(denoising.Denoiser, "run", overflow)
    with pytest.raises(GenerationFailed, match="overflowed"):
        load(Path("tiny-layer"), warm_up="yes")
