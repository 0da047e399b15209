"""Which of a repository's files are loaded, and with that fetched and hashed."""

from __future__ import annotations

import pytest

from services.generator.models.files import ModelError
from services.generator.models.weights import Chosen, choose

INDEX = {
    "_class_name": "StableDiffusionPipeline",
    "_diffusers_version": "0.42.1",
    "unet": ["diffusers", "UNet2DConditionModel"],
    "text_encoder": ["transformers", "CLIPTextModel"],
    "tokenizer": ["transformers", "CLIPTokenizer"],
    "safety_checker": ["stable_diffusion", "StableDiffusionSafetyChecker"],
    "image_encoder": [None, None],
    "requires_safety_checker": True,
}
UNET = "unet/diffusion_pytorch_model"
TEXT = "text_encoder/model"
ALWAYS = ("model_index.json", "text_encoder/config.json", "tokenizer/merges.txt", "unet/config.json")
CLUTTER = (
    *("README.md", ".DS_Store", "unet/.DS_Store", "v1-5-pruned.ckpt", "v1-5.safetensors", "grid.png", "parafovea.json"),
    *("unet/diffusion_flax_model.msgpack", "unet/model.onnx", "unet/openvino_model.bin.md", "unet/readme.md"),
    *(
        "safety_checker/model.safetensors",
        "image_encoder/model.safetensors",
        "other/config.json",
        "unet/old/config.json",
    ),
)


def chosen(*weights: str, variant: str = "", pickles: bool = False) -> Chosen:
    return choose([*ALWAYS, *CLUTTER, *weights], INDEX, variant, pickles)


def test_of_each_part_its_configurations_and_one_set_of_weights() -> None:
    found = chosen(f"{UNET}.safetensors", f"{UNET}.bin", f"{UNET}.fp16.safetensors", f"{TEXT}.safetensors")
    assert found == Chosen(tuple(sorted([*ALWAYS, f"{UNET}.safetensors", f"{TEXT}.safetensors"])), None, False)
    assert found.weights == (f"{TEXT}.safetensors", f"{UNET}.safetensors")


def test_a_variant_is_taken_where_it_is_asked_for_and_the_plain_weights_where_a_part_has_no_such() -> None:
    found = chosen(f"{UNET}.safetensors", f"{UNET}.fp16.safetensors", f"{TEXT}.safetensors", variant="fp16")
    assert found.weights == (f"{TEXT}.safetensors", f"{UNET}.fp16.safetensors")
    assert found.variant == "fp16"


def test_a_variant_is_taken_by_itself_where_there_is_nothing_else() -> None:
    found = chosen(f"{UNET}.fp16.safetensors", f"{UNET}.fp16.bin", f"{TEXT}.fp16.safetensors")
    assert (found.variant, found.weights) == ("fp16", (f"{TEXT}.fp16.safetensors", f"{UNET}.fp16.safetensors"))


def test_the_variant_is_one_for_the_whole_pipeline() -> None:
    """As diffusers loads it: where one part has nothing else, every part that has the variant is loaded in it."""
    found = chosen(f"{UNET}.safetensors", f"{UNET}.fp16.safetensors", f"{TEXT}.fp16.safetensors")
    assert (found.variant, found.weights) == ("fp16", (f"{TEXT}.fp16.safetensors", f"{UNET}.fp16.safetensors"))
    with pytest.raises(ModelError, match="PARAFOVEA_VARIANT=bf16: there are no such weights, but fp16, plain ones"):
        chosen(f"{UNET}.safetensors", f"{UNET}.fp16.safetensors", variant="bf16")


def test_of_a_whole_file_and_shards_beside_it_each_library_loads_its_own() -> None:
    shards = [f"{part}-0000{n}-of-00002.safetensors" for part in (UNET, TEXT) for n in (1, 2)]
    indices = [f"{part}.safetensors.index.json" for part in (UNET, TEXT)]
    found = chosen(f"{UNET}.safetensors", f"{TEXT}.safetensors", *shards, *indices)
    assert set(found.weights) == {*shards[:2], f"{TEXT}.safetensors"}


def test_the_weights_of_a_part_can_come_from_elsewhere() -> None:
    found = choose([*ALWAYS, f"{UNET}.bin", f"{TEXT}.safetensors"], INDEX, without=("unet",))
    assert found.weights == (f"{TEXT}.safetensors",)
    assert "unet/config.json" in found.names


def test_shards_go_with_their_index() -> None:
    plain = [f"{UNET}-0000{n}-of-00002.safetensors" for n in (1, 2)] + [f"{UNET}.safetensors.index.json"]
    brief = [f"{UNET}.fp16-0000{n}-of-00002.safetensors" for n in (1, 2)] + [f"{UNET}.safetensors.index.fp16.json"]
    late = [f"{TEXT}-0000{n}-of-00002.fp16.safetensors" for n in (1, 2)]
    assert set(chosen(*plain, *brief).names) - set(ALWAYS) == set(plain)
    assert set(chosen(*plain, *brief, *late, variant="fp16").names) - set(ALWAYS) == {*brief, *late}


def test_pickles_are_loaded_only_where_they_are_allowed() -> None:
    with pytest.raises(ModelError, match=r"unet has its weights only as pickles.*PARAFOVEA_ALLOW_PICKLES"):
        chosen(f"{UNET}.bin", f"{TEXT}.safetensors")
    found = chosen(f"{UNET}.bin", f"{TEXT}.safetensors", pickles=True)
    assert found.pickles
    assert found.weights == (f"{TEXT}.safetensors", f"{UNET}.bin")
    assert not chosen(f"{UNET}.bin", f"{UNET}.safetensors").pickles
