"""What makes a network faster goes together with what else the settings ask for, or is refused in a sentence."""

from __future__ import annotations

import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import accelerate
import diffusers
import numpy as np
import pytest
import torch

from services.generator.engine import Edit, EditCancelled, Pixels
from services.generator.models import fitting, loras, tuning
from services.generator.models.files import ModelError
from shared import sectors
from shared.process.settings import Settings
from tests.unit.generator.loaded import Folder, load, lora, picture


@pytest.mark.parametrize(
    ("settings", "why"),
    [
        ({"lora": ("style.safetensors",)}, "PARAFOVEA_FUSE_QKV leaves out what PARAFOVEA_LORA adds"),
        ({"quantize": "fp8"}, "PARAFOVEA_FUSE_QKV does not work with PARAFOVEA_QUANTIZE=fp8"),
        ({"network": "small.gguf"}, "PARAFOVEA_FUSE_QKV does not work with a .gguf file"),
    ],
)
def test_fused_products_are_refused_where_they_would_be_of_other_weights(settings: dict[str, Any], why: str) -> None:
    with pytest.raises(ModelError, match=why):
        tuning.refuse(Settings(fuse_qkv=True, **settings))
    tuning.refuse(Settings(**settings))


def test_a_lora_is_not_left_out_silently(family_folder: Folder, tmp_path: Path) -> None:
    pipeline = diffusers.FluxPipeline.from_pretrained(str(family_folder("flux-dev")))
    style = lora(pipeline, "transformer", tmp_path / "style.safetensors")
    with pytest.raises(ModelError, match="take one of them alone"):
        load(family_folder("flux-dev"), lora=(str(style),), fuse_qkv=True)


def test_weights_are_arranged_before_anything_holds_on_to_them(
    family_folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Fused layers need the hooks of group offloading, and what it copies is to be in the layout that was asked for."""
    found: list[tuple[bool, bool]] = []
    place = fitting.place

    def noted(pipeline: Any, *rest: Any) -> None:
        fused = any(hasattr(part, "to_qkv") for part in pipeline.unet.modules())
        arranged = pipeline.unet.conv_in.weight.is_contiguous(memory_format=torch.channels_last)
        found.append((fused, arranged))
        place(pipeline, *rest)

    monkeypatch.setattr(fitting, "place", noted)
    engine = load(family_folder("sdxl"), fuse_qkv=True, channels_last=True)
    assert found == [(True, True)]
    assert {"fuse_qkv", "channels_last"} <= engine.info.environment.keys()


class _Block(torch.nn.Module):
    def fuse_qkv_projections(self) -> None:
        raise RuntimeError("no such shape")


def test_what_nobody_foresaw_is_said_with_its_setting() -> None:
    class Pipeline:
        transformer = _Block()

    with pytest.raises(ModelError, match=r"PARAFOVEA_FUSE_QKV does not work with this model: .*no such shape"):
        tuning.tune_before_placing(Pipeline(), Settings(fuse_qkv=True))


def test_that_memory_ran_out_is_passed_on(tmp_path: Path) -> None:
    """Whoever loads the model may keep more of it off the card, and then it works."""
    out = torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB")

    class Full:
        def fuse_qkv_projections(self) -> None:
            raise out

        def load_lora_weights(self, *where: Any, **options: Any) -> None:
            raise out

    (tmp_path / "style.safetensors").write_bytes(b"")
    with pytest.raises(torch.OutOfMemoryError):
        tuning.tune_before_placing(SimpleNamespace(unet=Full()), Settings(fuse_qkv=True))
    with pytest.raises(torch.OutOfMemoryError):
        loras.load(Full(), Settings(lora=("style.safetensors",), models_dir=tmp_path))


@pytest.mark.parametrize("cache", ["first_block:0.5", "taylorseer"])
def test_a_step_cache_outlives_what_offloading_does_after_each_run(
    family_folder: Folder, photo: Pixels, monkeypatch: pytest.MonkeyPatch, cache: str
) -> None:
    """The processor stands in for the card: its hooks are put on and taken off as a card's are."""
    expected = picture(load(family_folder("flux-dev"), step_cache=cache), photo)

    def offload(pipeline: Any, device: object = None) -> None:
        pipeline.remove_all_hooks()
        _, hook = accelerate.cpu_offload_with_hook(pipeline.transformer, torch.device("cpu"))
        pipeline._all_hooks = [hook]

    monkeypatch.setattr(diffusers.DiffusionPipeline, "enable_model_cpu_offload", offload)
    monkeypatch.setattr(fitting, "place", lambda pipeline, fit, placement, settings: offload(pipeline))
    engine = load(family_folder("flux-dev"), step_cache=cache)
    assert np.array_equal(picture(engine, photo), expected), "picture() makes it twice"


def test_a_run_of_one_step_that_was_broken_off_does_not_shift_the_next(family_folder: Folder, photo: Pixels) -> None:
    engine = load(family_folder("flux-dev"), step_cache="first_block:0.5")
    expected = picture(engine, photo)
    told: list[int] = []
    edit = Edit(photo, sectors.region("TL", 3, photo.shape[1], photo.shape[0]), "a bird", 4)
    with pytest.raises(EditCancelled):
        engine.run(edit, lambda done, of: told.append(done), lambda: len(told) >= 1)
    assert np.array_equal(picture(engine, photo), expected)


@pytest.mark.parametrize("family", ["flux2", "flux2-klein"])
def test_a_cache_of_the_first_block_is_refused_where_each_run_would_fail(family_folder: Folder, family: str) -> None:
    with pytest.raises(ModelError, match=re.escape("PARAFOVEA_STEP_CACHE=first_block does not work with a Flux2")):
        load(family_folder(family), step_cache="first_block:0.2")
    load(family_folder(family), step_cache="taylorseer")
