"""A folder of each family loads as the class it names and as its siblings with a mask, and paints a small picture.

They are those of ``tests/support/families``; what is tested with them elsewhere rests on this.
"""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from services.generator.models.processors import load_processor_without_torchvision, processors_of
from tests.support.families import FAMILIES, NOT_RUN, SIBLINGS, build
from tests.support.families.asking import STEPS, calls_of, choose_small, hub_class, load, picture, request

OWN_SIZE = {
    "JoyImageEditPipeline", "Kandinsky5I2IPipeline", "LongCatImageEditPipeline", "QwenImageEditInpaintPipeline",
    "QwenImageLayeredPipeline",
}  # fmt: skip
"""Classes that paint at a size of their own choice, whatever they are given: about 1024 x 1024 (layers: 640 x 640),
of which here a quarter is left."""
NO_CALLBACK = {"LongCatImageEditPipeline", "DreamLitePipeline", "DreamLiteMobilePipeline"}
PAIRS = [(name, sibling) for name in FAMILIES for sibling in (None, *SIBLINGS.get(name, ()))]


@pytest.fixture(scope="module")
def folder_of(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """The folder of a family, written at the first call."""
    whole = tmp_path_factory.mktemp("families")

    def get(name: str) -> Path:
        folder = whole / name
        return folder if folder.is_dir() else build(name, folder)

    return get


@pytest.mark.parametrize(("name", "sibling"), PAIRS, ids=[f"{name}-{sibling or 'itself'}" for name, sibling in PAIRS])
def test_it_loads_and_paints(
    name: str, sibling: str | None, folder_of: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = folder_of(name)
    assert sibling != hub_class(folder)
    pipeline = load(folder, sibling)
    assert type(pipeline).__name__ == (sibling or hub_class(folder))
    choose_small(monkeypatch, pipeline)
    asked = request(pipeline)
    calls, told = calls_of(pipeline), []
    takes = inspect.signature(pipeline.__call__).parameters
    if "callback_on_step_end" in takes:
        asked["callback_on_step_end"] = lambda _, step, __, tensors: (told.append(step), tensors)[1]
    elif "callback" in takes:
        asked |= {"callback": lambda step, *_: told.append(step), "callback_steps": 1}
    with torch.inference_mode():
        painted = picture(pipeline(**asked))
    assert np.isfinite(painted).all()
    assert painted.max() > painted.min()
    assert calls
    assert len(calls) % STEPS == 0
    rounds = 2 if name == "visualcloze" else 1
    assert len(told) == (0 if type(pipeline).__name__ in NO_CALLBACK else rounds * STEPS)
    if type(pipeline).__name__ in OWN_SIZE:
        assert painted.shape[-2] in {160, 256}
    elif name != "deepfloyd-if-inpaint":  # which paints at the side of its UNet
        assert painted.shape[:2] == (64, 64)


@pytest.mark.parametrize("name", ["sd-inpaint", "flux-fill", "qwen-image", "z-image"])
def test_the_same_folder_is_built_each_time(name: str, folder_of: Callable[[str], Path], tmp_path: Path) -> None:
    first, again = folder_of(name), build(name, tmp_path / name)
    files = sorted(path.relative_to(first) for path in first.rglob("*") if path.is_file())
    assert files == sorted(path.relative_to(again) for path in again.rglob("*") if path.is_file())
    assert any(path.suffix == ".safetensors" for path in files)
    assert all((first / path).read_bytes() == (again / path).read_bytes() for path in files)


@pytest.mark.parametrize("name", NOT_RUN)
def test_what_cannot_be_run_here_still_loads(name: str, folder_of: Callable[[str], Path]) -> None:
    pipeline = load(folder_of(name))
    with pytest.raises(NameError, match="ftfy"):
        pipeline(**request(pipeline))


def test_a_processor_reads_a_picture_without_torchvision(folder_of: Callable[[str], Path]) -> None:
    from transformers import Qwen2VLProcessor

    processor = load_processor_without_torchvision(folder_of("qwen-image-edit"))
    assert isinstance(processor, Qwen2VLProcessor)
    text = "<|vision_start|><|image_pad|><|vision_end|>a fox"
    found = processor(text=[text], images=[Image.new("RGB", (112, 56))], return_tensors="pt")
    frames, down, across = found["image_grid_thw"][0].tolist()
    pads = int((found["input_ids"] == processor.image_token_id).sum())
    assert (frames, pads) == (1, down * across // 4)


def test_a_processor_is_found_in_each_form_of_its_files(folder_of: Callable[[str], Path], tmp_path: Path) -> None:
    """transformers 5 writes the pictures' part into the processor's file; older ones wrote the template as JSON."""
    source = folder_of("qwen-image-edit") / "processor"
    (tmp_path / "processor").mkdir()
    (tmp_path / "model_index.json").write_text(json.dumps({"processor": ["transformers", "Qwen2VLProcessor"]}))
    for file in ("tokenizer.json", "tokenizer_config.json"):
        (tmp_path / "processor" / file).write_bytes((source / file).read_bytes())
    images = json.loads((source / "preprocessor_config.json").read_text())
    whole = {"image_processor": images, "processor_class": "Qwen2VLProcessor"}
    (tmp_path / "processor" / "processor_config.json").write_text(json.dumps(whole))
    (tmp_path / "processor" / "chat_template.json").write_text(json.dumps({"chat_template": "{{ messages }}"}))
    processor = processors_of(tmp_path).given["processor"]
    assert processor.image_processor.patch_size == 14
    assert processor.chat_template == "{{ messages }}"


def test_only_what_needs_torchvision_is_loaded_beside(folder_of: Callable[[str], Path]) -> None:
    def names(name: str) -> tuple[list[str], list[str]]:
        found = processors_of(folder_of(name))
        return list(found.given), list(found.later)

    assert names("qwen-image-edit") == (["processor"], [])
    assert names("longcat-image-edit") == (["text_processor"], [])
    assert names("kandinsky5-i2i") == (["tokenizer"], [])
    assert names("flux2") == ([], ["tokenizer"])
    for name in ("sd-inpaint-checked", "flux-fill", "qwen-image", "z-image-omni", "kandinsky22-inpaint"):
        assert names(name) == ([], [])


def test_a_faster_class_for_pictures_has_a_slower_one_in_its_place(tmp_path: Path) -> None:
    folder = build("sd-inpaint-checked", tmp_path)
    fast = "CLIPImageProcessorFast"
    changed = {
        folder / "model_index.json": {"feature_extractor": ["transformers", fast]},
        folder / "feature_extractor" / "preprocessor_config.json": {"image_processor_type": fast},
    }
    for file, values in changed.items():
        file.write_text(json.dumps(json.loads(file.read_text()) | values))
    found = processors_of(folder)
    assert found.options() == {"feature_extractor": None}
    assert found.later["feature_extractor"].size == {"shortest_edge": 32}


def test_torchvision_where_it_is_makes_the_processors(
    folder_of: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    find = "services.generator.models.processors.importlib.util.find_spec"
    monkeypatch.setattr(find, lambda _: Any)
    assert processors_of(folder_of("qwen-image-edit")).options() == {}
