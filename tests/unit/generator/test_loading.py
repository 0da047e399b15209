"""What the settings can ask for beside a model: other files, other precision, LoRA, speed; each with a clear error."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import diffusers
import gguf
import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from services.generator.engine import Edit, EditCancelled, Pixels
from services.generator.load import load_engine
from services.generator.models import fitting
from services.generator.models.device import Placement
from services.generator.models.files import ModelError
from services.generator.models.fitting import Fit
from shared import sectors
from shared.process.settings import Settings
from tests.support.ldm import save_as_one_file
from tests.unit.generator.loaded import Folder, load, lora, picture


@pytest.fixture(scope="module")
def folder(family_folder: Folder) -> Folder:
    return family_folder


@pytest.fixture(scope="module")
def flux_lora(folder: Folder, tmp_path_factory: pytest.TempPathFactory) -> Path:
    pipeline = diffusers.FluxPipeline.from_pretrained(str(folder("flux-dev")))
    return lora(pipeline, "transformer", tmp_path_factory.mktemp("lora") / "style.safetensors")


def test_a_lora_changes_pictures_by_its_weight_and_is_a_part_of_the_model(
    folder: Folder, flux_lora: Path, photo: Pixels
) -> None:
    model = folder("flux-dev")
    plain, full, half, none = (
        load(model, lora=given) for given in ((), (str(flux_lora),), (f"{flux_lora}:0.5",), (f"{flux_lora}:0",))
    )
    pictures = [picture(engine, photo) for engine in (plain, full, half, none)]
    assert np.array_equal(pictures[3], pictures[0])
    assert len({one.tobytes() for one in pictures[:3]}) == 3
    assert len({engine.info.model.files_sha256 for engine in (plain, full, half, none)}) == 4
    assert len({engine.info.model.revision for engine in (plain, full, half, none)}) == 1
    assert plain.info.model.loras is None
    (said,) = half.info.model.loras or ()
    assert (said.file, said.weight, len(said.sha256)) == ("style.safetensors", 0.5, 64)
    assert json.loads(half.info.model.model_dump_json())["loras"][0]["weight"] == 0.5
    assert "loras" not in plain.info.model.model_dump()


def test_a_lora_of_another_model_and_one_that_is_not_there_are_refused(
    folder: Folder, flux_lora: Path, tmp_path: Path
) -> None:
    with pytest.raises(ModelError, match=r"nothing in style\.safetensors fits this model"):
        load(folder("sd"), lora=(str(flux_lora),))
    with pytest.raises(ModelError, match=r"there is no file 'none\.safetensors'"):
        load(folder("sd"), lora=("none.safetensors",))
    (tmp_path / "old.bin").write_bytes(b"")
    with pytest.raises(ModelError, match=r"old\.bin is no \.safetensors file"):
        load(folder("sd"), lora=(str(tmp_path / "old.bin"),))


def test_the_network_can_come_from_a_file_of_its_own(folder: Folder, tmp_path: Path, photo: Pixels) -> None:
    model = folder("flux-dev")
    state = diffusers.FluxTransformer2DModel.from_pretrained(str(model), subfolder="transformer").state_dict()
    save_file(state, tmp_path / "same.safetensors")
    writer = gguf.GGUFWriter(str(tmp_path / "small.gguf"), "flux")
    kind = gguf.GGMLQuantizationType.Q8_0
    for name, tensor in state.items():
        values = tensor.float().numpy()
        packed = values.ndim == 2 and values.shape[1] % 32 == 0
        writer.add_tensor(
            name, gguf.quants.quantize(values, kind) if packed else values, raw_dtype=kind if packed else None
        )
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    plain, same, small = (
        load(model, network=name, models_dir=tmp_path) for name in ("", "same.safetensors", "small.gguf")
    )
    assert np.array_equal(picture(same, photo), picture(plain, photo))
    assert not np.array_equal(picture(small, photo), picture(plain, photo))
    assert small.info.environment["network"] == "small.gguf"
    assert len({engine.info.model.files_sha256 for engine in (plain, same, small)}) == 3
    with pytest.raises(ModelError, match=r"there is no file 'none\.gguf'"):
        load(model, network="none.gguf")


def test_a_network_from_a_file_needs_no_weights_in_the_folder(folder: Folder, tmp_path: Path, photo: Pixels) -> None:
    model = shutil.copytree(folder("flux-dev"), tmp_path / "half")
    weights = model / "transformer" / "diffusion_pytorch_model.safetensors"
    weights.rename(tmp_path / "network.safetensors")
    expected = picture(load(folder("flux-dev")), photo)
    assert np.array_equal(picture(load(model, network=str(tmp_path / "network.safetensors")), photo), expected)


def test_weights_of_a_variant_are_loaded_where_there_are_no_others(
    folder: Folder, tmp_path: Path, photo: Pixels
) -> None:
    pipeline = diffusers.StableDiffusionPipeline.from_pretrained(str(folder("sd")), dtype=torch.float16)
    pipeline.save_pretrained(str(tmp_path / "half"), variant="fp16")
    (tmp_path / "half" / "parafovea.json").write_text('{"steps": 4}')
    found, asked = load(tmp_path / "half"), load(tmp_path / "half", variant="fp16")
    assert np.array_equal(picture(found, photo), picture(asked, photo))
    with pytest.raises(ModelError, match="PARAFOVEA_VARIANT=bf16: there are no such weights, but fp16"):
        load(tmp_path / "half", variant="bf16")


def test_a_model_can_be_one_file_with_configurations_beside_it(folder: Folder, tmp_path: Path, photo: Pixels) -> None:
    model = folder("sd")
    save_as_one_file(diffusers.StableDiffusionPipeline.from_pretrained(str(model)), tmp_path / "one.safetensors")
    engine = load(Path("one.safetensors"), models_dir=tmp_path, single_file_config=str(model))
    assert engine.info.model.pipeline == "StableDiffusionInpaintPipeline"
    assert np.array_equal(picture(engine, photo), picture(load(model), photo))
    with pytest.raises(ModelError, match=r"put one beside the file as one/") as refused:
        load(tmp_path / "one.safetensors")
    assert "stable-diffusion-v1-5" in str(refused.value), "it says which configurations are wanted"
    (tmp_path / "one").symlink_to(model)
    assert load(tmp_path / "one.safetensors").info.model.files_sha256 == engine.info.model.files_sha256


def test_a_checkpoint_that_is_a_pickle_is_not_opened(tmp_path: Path) -> None:
    (tmp_path / "model.ckpt").write_bytes(b"cos\nsystem\n")
    with pytest.raises(ModelError, match=r"model\.ckpt is a pickle.*PARAFOVEA_ALLOW_PICKLES"):
        load(tmp_path / "model.ckpt")


def test_a_tiny_decoder_replaces_the_autoencoder_of_its_latents_only(
    folder: Folder, tmp_path: Path, photo: Pixels
) -> None:
    blocks = {f"{part}_block_out_channels": (8,) * 4 for part in ("encoder", "decoder")}
    numbers = {f"num_{part}_blocks": (1,) * 4 for part in ("encoder", "decoder")}
    for channels in (4, 16):
        diffusers.AutoencoderTiny(latent_channels=channels, **blocks, **numbers).save_pretrained(
            str(tmp_path / f"taesd-{channels}")
        )
    engine = load(folder("sd"), tiny_decoder="taesd-4", models_dir=tmp_path)
    assert engine.info.environment["tiny_decoder"] == "taesd-4"
    assert not np.array_equal(picture(engine, photo), picture(load(folder("sd")), photo))
    with pytest.raises(ModelError, match="has 16 latent channels and the model 4"):
        load(folder("sd"), tiny_decoder=str(tmp_path / "taesd-16"))


@pytest.mark.parametrize("family", ["sdxl", "flux-dev"])
def test_weights_of_eight_bits_make_nearly_the_same_picture(folder: Folder, photo: Pixels, family: str) -> None:
    plain, brief = load(folder(family)), load(folder(family), quantize="fp8")
    assert brief.info.environment["quantize"] == "fp8"
    difference = np.abs(picture(brief, photo).astype(int) - picture(plain, photo)).max()
    assert 0 < difference < 128


def test_four_bits_need_a_card(folder: Folder) -> None:
    with pytest.raises(ModelError, match="PARAFOVEA_QUANTIZE=nf4 needs a CUDA card"):
        load(folder("sdxl"), quantize="nf4")


@pytest.mark.parametrize("cache", ["first_block:0.5", "taylorseer"])
def test_a_step_cache_is_recorded_and_keeps_nothing_for_the_next_run(folder: Folder, photo: Pixels, cache: str) -> None:
    plain, cached = load(folder("flux-dev")), load(folder("flux-dev"), step_cache=cache)
    assert cached.info.environment["step_cache"] == cache
    expected = picture(cached, photo)
    assert not np.array_equal(expected, picture(plain, photo))
    told: list[int] = []
    edit = Edit(photo, sectors.region("TL", 3, photo.shape[1], photo.shape[0]), "a bird", 4)
    with pytest.raises(EditCancelled):
        cached.run(edit, lambda done, of: told.append(done), lambda: len(told) >= 2)
    assert np.array_equal(picture(cached, photo), expected), "also not of a run that was broken off"


@pytest.mark.parametrize(
    ("family", "settings", "why"),
    [
        ("sdxl", {"step_cache": "first_block"}, "PARAFOVEA_STEP_CACHE does not work with a UNet2DConditionModel"),
        ("sdxl", {"attention": "native"}, "a UNet2DConditionModel has no choice of attention"),
        ("flux-dev", {"attention": "nonesuch"}, "there is no 'nonesuch'; there are .*native"),
        ("flux-dev", {"attention": "flash"}, "PARAFOVEA_ATTENTION=flash cannot be used here"),
        ("flux-dev", {"offload": "model"}, "PARAFOVEA_OFFLOAD=model is for a card"),
    ],
)
def test_what_a_model_or_a_machine_cannot_is_said(
    folder: Folder, family: str, settings: dict[str, str], why: str
) -> None:
    with pytest.raises(ModelError, match=why):
        load(folder(family), **settings)


@pytest.mark.parametrize(
    ("family", "settings"),
    [
        ("sdxl", {"channels_last": True}),
        ("sdxl", {"fuse_qkv": True}),
        ("flux-dev", {"fuse_qkv": True}),
        ("flux-dev", {"attention": "_native_math"}),
    ],
)
def test_what_makes_it_faster_is_recorded(folder: Folder, photo: Pixels, family: str, settings: dict[str, Any]) -> None:
    plain, tuned = load(folder(family)), load(folder(family), **settings)
    for name, value in settings.items():
        said = "attention_backend" if name == "attention" else name
        assert tuned.info.environment[said] == value
        assert plain.info.environment.get(said) != value
    difference = np.abs(picture(tuned, photo).astype(int) - picture(plain, photo)).max()
    assert difference <= 2


def test_a_choice_of_attention_does_not_reach_the_next_model(folder: Folder, photo: Pixels) -> None:
    before = picture(load(folder("flux-dev")), photo)
    load(folder("flux-dev"), attention="_native_math")
    after = load(folder("flux-dev"))
    assert after.info.environment["attention_backend"] == "native"
    assert np.array_equal(picture(after, photo), before)


def test_a_warm_up_runs_the_model_before_it_is_ready_and_changes_nothing(
    folder: Folder, photo: Pixels, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[str] = []
    settings = Settings(model=str(folder("sd")), device="cpu", dtype="float32", warm_up="yes")
    engine = load_engine(settings, on_loading=lambda what, done, of: said.append(what))
    assert [one.split(" ")[0] for one in said][-2:] == ["Loading", "Warming"]
    assert np.array_equal(picture(engine, photo), picture(load(folder("sd")), photo))


def test_where_memory_runs_out_all_the_same_more_is_kept_off_the_card(
    folder: Folder, photo: Pixels, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The processor stands in for the card: each way of placing a model, until one does not run out."""
    tried: list[str] = []

    def place(pipeline: Any, fit: Fit, placement: Placement, settings: Settings) -> None:
        tried.append(fit.offload)
        if fit.offload != "group":
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB")

    def after(fit: Fit, settings: Settings, placement: Placement) -> Fit | None:
        return real_after(fit, settings, Placement(torch.device("cuda:0"), placement.dtype))

    real_after = fitting.after
    monkeypatch.setattr(fitting, "place", place)
    monkeypatch.setattr(fitting, "after", after)
    engine = load(folder("sd"))
    assert tried == ["none", "model", "group"]
    assert engine.info.environment["offload"] == "group"
    assert "Memory ran out on cuda:0: PARAFOVEA_OFFLOAD=group was chosen" in (engine.info.advice or "")
    assert np.array_equal(picture(engine, photo), picture(engine, photo))
    tried.clear()
    with pytest.raises(ModelError, match=r"does not fit on cpu \(OutOfMemoryError: CUDA out of memory"):
        load(folder("sd"), offload="none")
    assert tried == ["none"], "what the settings say is done, and nothing else"
