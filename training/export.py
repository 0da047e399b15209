"""Putting the trained parts together as an ordinary diffusers folder, and sample sheets from it."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import torch
from diffusers import (
    AutoencoderTiny,
    DPMSolverMultistepScheduler,
    StableDiffusionPipeline,
    UNet2DConditionModel,
)
from transformers import CLIPTextModel, CLIPTokenizer

from training.denoiser import NOISE
from training.sheets import save_sheet
from training.vocabulary import write as write_vocabulary

STEPS, GUIDANCE = 12, 2.5


def assemble(
    vae: AutoencoderTiny, encoder: CLIPTextModel, tokenizer: CLIPTokenizer, unet: UNet2DConditionModel
) -> StableDiffusionPipeline:
    """A text-to-image pipeline whose pictures are RGBA layers; no safety checker: the vocabulary is closed."""
    scheduler = DPMSolverMultistepScheduler(
        **NOISE, algorithm_type="dpmsolver++", solver_order=2, use_karras_sigmas=False, steps_offset=1
    )
    return StableDiffusionPipeline(
        vae=vae,
        text_encoder=encoder,
        tokenizer=tokenizer,
        unet=unet,
        scheduler=scheduler,
        safety_checker=None,
        feature_extractor=None,
        image_encoder=None,
        requires_safety_checker=False,
    )


def write(pipeline: StableDiffusionPipeline, folder: Path) -> int:
    """Write the folder in half precision, replacing what was there; returns its size in bytes."""
    building = folder.with_name(folder.name + ".new")
    shutil.rmtree(building, ignore_errors=True)
    pipeline.save_pretrained(building, safe_serialization=True)
    half = StableDiffusionPipeline.from_pretrained(building, dtype=torch.float16)
    half.save_pretrained(building, safe_serialization=True)
    for path in [building / "model_index.json", *building.glob("*/config.json")]:
        config = json.loads(path.read_text())
        config.pop("_name_or_path", None)  # where it was built means nothing to whoever gets it
        if "dtype" in config:
            # transformers loads a model in the precision named here, diffusers in float32: they have to agree.
            config["dtype"] = "float32"
        path.write_text(json.dumps(config, indent=2) + "\n")
    defaults = {"steps": STEPS, "guidance_scale": GUIDANCE, "size": pipeline.unet.config.sample_size * 16}
    (building / "parafovea.json").write_text(json.dumps(defaults) + "\n", encoding="utf-8")
    write_vocabulary(building)
    shutil.rmtree(folder, ignore_errors=True)
    building.rename(folder)
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


@torch.no_grad()
def draw(
    pipeline: StableDiffusionPipeline,
    captions: list[str],
    seed: int,
    steps: int = STEPS,
    guidance: float = GUIDANCE,
) -> np.ndarray:
    """Layers, number x size x size x 4, premultiplied, 0 to 1; one seed a caption, counted from ``seed``."""
    pipeline.set_progress_bar_config(disable=True)
    out = []
    for start in range(0, len(captions), 16):
        part = captions[start : start + 16]
        seeds = [torch.Generator().manual_seed(seed + start + number) for number in range(len(part))]
        out.append(
            pipeline(part, num_inference_steps=steps, guidance_scale=guidance, generator=seeds, output_type="np").images
        )
    return np.concatenate(out)


def sheet(
    pipeline: StableDiffusionPipeline,
    captions: list[str],
    path: Path,
    seed: int = 100,
    columns: int = 10,
    side: int = 112,
) -> None:
    """Draw the captions and write them as a labelled sheet."""
    save_sheet(draw(pipeline, captions, seed), path, columns=columns, labels=captions, side=side)
