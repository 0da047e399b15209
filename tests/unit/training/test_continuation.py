"""Going on from a finished model: its weights, and nothing else, are the new run's first checkpoint."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from diffusers import AutoencoderTiny, UNet2DConditionModel

from training import autoencoder, denoiser, text
from training.continuation import begin_from
from training.dataset import Drawings
from training.settings import Settings
from training.workers import SharedWeights

NO_DRAWINGS = Drawings(torch.zeros(0, 8, 8, 4, dtype=torch.uint8).numpy(), [])


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(work=tmp_path)


def test_every_part_of_the_shipped_model_is_taken_over(settings: Settings) -> None:
    begin_from(settings, settings.output)
    vae = autoencoder.train(settings, NO_DRAWINGS)
    shipped_vae = AutoencoderTiny.from_pretrained(settings.output / "vae")
    assert all(torch.equal(value, vae.state_dict()[name]) for name, value in shipped_vae.state_dict().items())
    tokenizer, encoder = text.train(settings, NO_DRAWINGS)
    assert text.encode(encoder, tokenizer, ["a red balloon"], settings.text_tokens).isfinite().all()
    unet = denoiser.make(settings)
    weights = SharedWeights(unet, settings.denoiser_rate, settings.denoiser_average)
    weights.restore(torch.load(settings.folder("denoiser") / "checkpoint.pt")["weights"])
    weights.copy_into(unet, weights.master)
    shipped = UNet2DConditionModel.from_pretrained(settings.output / "unet", torch_dtype=torch.float32)
    assert all(torch.equal(value, unet.state_dict()[name]) for name, value in shipped.state_dict().items())
    assert int(weights.counts.sum()) == 0, "updates and samples are counted anew"


def test_a_run_that_has_begun_keeps_its_own_checkpoint(settings: Settings) -> None:
    checkpoint = settings.folder("denoiser") / "checkpoint.pt"
    checkpoint.write_bytes(b"this run's own")
    begin_from(settings, settings.output)
    assert checkpoint.read_bytes() == b"this run's own"


def test_a_model_of_another_size_is_refused(settings: Settings) -> None:
    with pytest.raises(RuntimeError, match=r"size mismatch|Missing key|Unexpected key"):
        begin_from(replace(settings, denoiser_widths=(64, 96, 128)), settings.output)
    assert not (settings.folder("denoiser") / "checkpoint.pt").exists()
