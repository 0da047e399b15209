"""Of which kind a model is, and which are refused, for every pipeline class that diffusers has."""

from __future__ import annotations

import inspect
from pathlib import Path

import diffusers
import pytest

from services.generator.models.families import BY_CLASS, FAMILIES
from services.generator.models.files import ModelError, ModelFolder
from services.generator.models.kinds import Role, call_of, role_of
from tests.unit.generator.folders import saved_as

CLASSES = sorted(name for name in dir(diffusers) if name.endswith("Pipeline") and name != "DiffusionPipeline")


def role(pipeline: str, asked: str = "auto") -> Role:
    return role_of(ModelFolder(pipeline, Path("/nowhere"), {"_class_name": pipeline}), asked)


@pytest.mark.parametrize(
    ("pipeline", "kind", "loaded_by"),
    [
        ("StableDiffusionInpaintPipeline", "inpaint", "StableDiffusionInpaintPipeline"),
        ("StableDiffusionPipeline", "inpaint", "StableDiffusionInpaintPipeline"),
        ("LatentConsistencyModelPipeline", "inpaint", "StableDiffusionInpaintPipeline"),
        ("StableDiffusionXLPipeline", "inpaint", "StableDiffusionXLInpaintPipeline"),
        ("StableDiffusion3Pipeline", "inpaint", "StableDiffusion3InpaintPipeline"),
        ("FluxPipeline", "inpaint", "FluxInpaintPipeline"),
        ("FluxFillPipeline", "inpaint", "FluxFillPipeline"),
        ("FluxKontextPipeline", "inpaint", "FluxKontextInpaintPipeline"),
        ("Flux2KleinPipeline", "inpaint", "Flux2KleinInpaintPipeline"),
        ("Flux2Pipeline", "edit", "Flux2Pipeline"),
        ("ChromaPipeline", "inpaint", "ChromaInpaintPipeline"),
        ("QwenImagePipeline", "inpaint", "QwenImageInpaintPipeline"),
        ("QwenImageEditPipeline", "inpaint", "QwenImageEditInpaintPipeline"),
        ("QwenImageEditPlusPipeline", "edit", "QwenImageEditPlusPipeline"),
        ("ZImageControlNetInpaintPipeline", "inpaint", "ZImageControlNetInpaintPipeline"),
        ("StableDiffusionInstructPix2PixPipeline", "edit", "StableDiffusionInstructPix2PixPipeline"),
    ],
)
def test_the_class_that_is_loaded_is_the_one_with_a_mask(pipeline: str, kind: str, loaded_by: str) -> None:
    found = role(pipeline)
    assert (found.kind, found.loaded_by) == (kind, loaded_by)


def test_a_family_is_loaded_by_a_class_that_takes_what_its_kind_needs() -> None:
    for family in FAMILIES:
        takes = call_of(family.loaded_by)
        assert "image" in takes, family.name
        assert ("mask_image" in takes) == (family.kind == "inpaint"), family.name
    assert len(BY_CLASS) == sum(len(family.saved_as) for family in FAMILIES), "a class is of one family"


def test_each_class_of_diffusers_edits_here_or_is_refused_with_a_reason_and_a_way_out() -> None:
    taken = {}
    for name in CLASSES:
        try:
            taken[name] = role(name)
        except ModelError as error:
            said = str(error)
            assert name in said, name
            assert "PARAFOVEA_MODEL_KIND" in said or "parafovea models" in said, said
    assert taken.keys() == BY_CLASS.keys(), "one that nobody has tried is not taken silently"


@pytest.mark.parametrize(
    ("pipeline", "why"),
    [
        ("NoSuchPipeline", "has no pipeline NoSuchPipeline"),
        ("AudioLDM2Pipeline", "makes no pictures"),
        ("WanPipeline", "makes video"),
        ("WanImageToVideoPipeline", "makes video"),
        ("StableDiffusionDepth2ImgPipeline", "works with depth"),
        ("MarigoldDepthPipeline", "works with depth"),
        ("StableDiffusionUpscalePipeline", "makes a picture larger"),
        ("StableDiffusionControlNetInpaintPipeline", "needs a control picture"),
        ("QwenImageControlNetInpaintPipeline", "needs a control picture"),
        ("QwenImageLayeredPipeline", "takes a picture apart into layers"),
        ("KandinskyV22InpaintPipeline", "spread over two repositories"),
        ("PaintByExamplePipeline", "after an example picture"),
        ("SanaPipeline", "makes pictures from text alone"),
    ],
)
def test_others_are_refused_by_name_with_the_reason(pipeline: str, why: str) -> None:
    with pytest.raises(ModelError, match=why) as refused:
        role(pipeline)
    assert pipeline in str(refused.value)


def test_the_setting_is_believed() -> None:
    assert role("QwenImageLayeredPipeline", "edit").loaded_by == "QwenImageLayeredPipeline"
    assert role("FluxKontextPipeline", "edit").loaded_by == "FluxKontextPipeline"
    assert role("AmusedInpaintPipeline", "inpaint").loaded_by == "AmusedInpaintPipeline"
    with pytest.raises(ModelError, match="takes no mask"):
        role("WanPipeline", "inpaint")


def test_four_decoded_channels_make_a_layer_model(tmp_path: Path) -> None:
    assert role_of(saved_as(tmp_path / "m", "StableDiffusionPipeline", vae_channels=4)).kind == "layer"
    assert role_of(saved_as(tmp_path / "n", "StableDiffusionPipeline", vae_channels=4), "inpaint").kind == "inpaint"


def test_a_class_whose_call_takes_a_mask_inpaints_though_it_is_of_no_family(monkeypatch: pytest.MonkeyPatch) -> None:
    class NewInpaintPipeline:
        def __call__(self, prompt: str, image: object, mask_image: object) -> None: ...

    monkeypatch.setattr(diffusers, "NewInpaintPipeline", NewInpaintPipeline, raising=False)
    assert role("NewInpaintPipeline") == Role("inpaint", "NewInpaintPipeline", None)
    assert "mask_image" in inspect.signature(NewInpaintPipeline.__call__).parameters
