"""Which values a run has, and whether what a request says of them does anything."""

from __future__ import annotations

from typing import Any

import diffusers
import numpy as np
import pytest

from services.generator.engine import Edit
from services.generator.models.presets import Preset
from services.generator.models.values import NO_NEGATIVE, Values
from shared.sectors import Region


def values(cls: str, preset: Preset | None = None, **configs: dict[str, Any]) -> Values:
    """Of a pipeline class with parts that have these configurations and nothing else."""
    real = getattr(diffusers, cls)
    parts = {name: type("Part", (), {"config": config})() for name, config in configs.items()}
    config = type("Config", (), configs.pop("own", {}))()
    pipeline = type(cls, (), {"__call__": real.__call__, "config": config, **parts})()
    return Values(pipeline, preset or Preset())


def edit(**asked: Any) -> Edit:
    return Edit(np.zeros((8, 8, 3), np.uint8), Region(0, 0, 4, 4), "a fox", 1, **asked)


@pytest.mark.parametrize(
    ("cls", "configs", "preset", "asked", "heeded"),
    [
        ("StableDiffusionInpaintPipeline", {}, {}, {}, True),
        ("StableDiffusionInpaintPipeline", {}, {}, {"guidance_scale": 1.0}, False),
        ("StableDiffusionInpaintPipeline", {"unet": {"time_cond_proj_dim": 256}}, {}, {}, False),
        ("FluxInpaintPipeline", {"transformer": {"guidance_embeds": True}}, {}, {"guidance_scale": 7.0}, False),
        ("FluxInpaintPipeline", {"transformer": {"guidance_embeds": True}}, {"true_cfg_scale": 3.0}, {}, True),
        ("FluxInpaintPipeline", {"transformer": {"guidance_embeds": False}}, {}, {}, False),
        ("FluxInpaintPipeline", {"transformer": {"guidance_embeds": False}}, {}, {"guidance_scale": 3.0}, True),
        ("FluxFillPipeline", {"transformer": {"guidance_embeds": True}}, {}, {}, False),
        ("Flux2Pipeline", {"transformer": {"guidance_embeds": True}}, {}, {}, False),
        ("Flux2KleinInpaintPipeline", {"own": {"is_distilled": True}}, {}, {"guidance_scale": 4.0}, False),
        ("Flux2KleinInpaintPipeline", {"own": {"is_distilled": False}}, {}, {"guidance_scale": 4.0}, False),
        ("QwenImageEditInpaintPipeline", {"transformer": {"guidance_embeds": False}}, {}, {}, True),
        ("QwenImageEditInpaintPipeline", {}, {}, {"guidance_scale": 1.0}, False),
        ("ZImageInpaintPipeline", {}, {"guidance_scale": 0.0}, {}, False),
        ("ZImageInpaintPipeline", {}, {}, {}, True),
    ],
)  # fmt: skip
def test_a_negative_prompt_that_does_nothing_is_said(
    cls: str, configs: dict[str, Any], preset: dict[str, Any], asked: dict[str, Any], heeded: bool
) -> None:
    own = values(cls, Preset(**preset), **configs)
    wanted = edit(negative_prompt="blurry", **asked)
    assert own.unheeded(wanted, own.of(wanted)) == ({} if heeded else {"fallback": NO_NEGATIVE})
    assert own.unheeded(edit(negative_prompt=" ", **asked), own.of(wanted)) == {}


def test_the_requests_value_then_the_presets_then_the_classs() -> None:
    own = values("StableDiffusionXLInpaintPipeline", Preset(steps=4, strength=1.0))
    assert own.of(edit()).steps == 4
    assert own.of(edit(steps=9)).steps == 9
    assert own.of(edit()).strength == 1.0
    assert own.of(edit()).guidance_scale == 7.5
    assert values("StableDiffusionXLInpaintPipeline").of(edit()).steps == 50


@pytest.mark.parametrize(
    ("cls", "configs"),
    [
        ("Flux2KleinInpaintPipeline", {"own": {"is_distilled": True}}),
        ("FluxFillPipeline", {"transformer": {"guidance_embeds": False}}),
    ],
)
def test_guidance_that_a_model_has_no_use_for_is_not_said_to_have_been_used(cls: str, configs: dict[str, Any]) -> None:
    own = values(cls, **configs)
    assert own.of(edit(guidance_scale=5.0)).guidance_scale is None
    assert own.call(edit(guidance_scale=5.0), own.of(edit(guidance_scale=5.0))).get("guidance_scale") is None


def test_true_guidance_needs_a_negative_prompt_and_gets_an_empty_one() -> None:
    own = values("QwenImageEditInpaintPipeline", Preset(guidance_scale=4.0), transformer={"guidance_embeds": False})
    call = own.call(edit(), own.of(edit()))
    assert (call["true_cfg_scale"], call["negative_prompt"]) == (4.0, " ")
    wanted = edit(negative_prompt="blurry")
    assert own.call(wanted, own.of(wanted))["negative_prompt"] == "blurry"
    plain = values("FluxInpaintPipeline", transformer={"guidance_embeds": True})
    assert plain.call(edit(), plain.of(edit()))["negative_prompt"] is None


@pytest.mark.parametrize(("strength", "steps"), [(0.1, 10), (0.5, 2), (1.0, 2), (0.34, 3)])
def test_a_small_strength_leaves_at_least_one_step(strength: float, steps: int) -> None:
    assert values("StableDiffusionInpaintPipeline", Preset(steps=2)).of(edit(strength=strength)).steps == steps
