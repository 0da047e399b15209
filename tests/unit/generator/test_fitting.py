"""How much memory a model takes, and what is done where that is more than there is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from services.generator.models import fitting, memory
from services.generator.models.device import Placement
from services.generator.models.files import ModelError, ModelFolder
from services.generator.models.fitting import Fit
from services.generator.models.memory import GB, Weighs, weighs
from services.generator.models.weights import Chosen
from shared.process.settings import Settings
from tests.unit.generator.folders import weights

FLUX = {"transformer": 11.9e9, "text_encoder": 0.12e9, "text_encoder_2": 4.76e9, "vae": 0.08e9}
CARD, PROCESSOR = (Placement(torch.device(name), torch.bfloat16) for name in ("cuda:0", "cpu"))


def flux(quantize: str = "none", dtype: str = "bfloat16") -> Weighs:
    return weighs(FLUX, 1024, dtype, quantize, "transformer")


def test_a_models_memory_is_that_of_its_weights_and_of_a_run() -> None:
    assert flux().needed("none") / GB == pytest.approx(33.7 + 3.0, abs=0.1)
    assert flux().needed("model") / GB == pytest.approx(23.8 + 3.0, abs=0.1)
    assert flux(dtype="float32").needed("none") == pytest.approx(2 * flux().needed("none"))
    assert flux("nf4").needed("none") / GB == pytest.approx(9.4 + 3.0 + 0.2, abs=0.2)
    assert flux("fp8").needed("none") < 0.6 * flux().needed("none")
    assert weighs(FLUX, 512, "bfloat16").runs < flux().runs


@pytest.mark.parametrize(
    ("there_gb", "offload"), [(80, "none"), (40, "none"), (30, "model"), (24, "group"), (12, "group"), (4, None)]
)
def test_the_least_is_kept_off_the_card_that_lets_it_fit(there_gb: float, offload: str | None) -> None:
    assert flux().offload_for(there_gb * GB) == offload


def decide(there_gb: float | None, placement: Placement = CARD, **settings: Any) -> Fit:
    return fitting.decide(flux(), None if there_gb is None else there_gb * GB, Settings(**settings), placement)


def test_what_nobody_asked_for_is_said_with_figures_and_what_would_do() -> None:
    assert decide(80) == Fit("none")
    assert decide(None) == Fit("none")
    chosen = decide(30)
    assert chosen.offload == "model"
    assert chosen.said is not None
    for part in ("needs about 36.7 GB", "cuda:0 has 30.0 GB free", "PARAFOVEA_OFFLOAD=model", "PARAFOVEA_QUANTIZE=nf4"):
        assert part in chosen.said
    assert "may not fit" in (decide(4).said or "")
    assert "may run out of memory" in (decide(8, PROCESSOR).said or "")
    assert decide(80, PROCESSOR).said is None


def test_what_is_asked_for_is_done() -> None:
    assert decide(80, offload="group") == Fit("group")
    assert decide(4, offload="none") == Fit("none")
    with pytest.raises(ModelError, match="is for a card; the model is on the processor"):
        decide(80, PROCESSOR, offload="group")


class Pipeline:
    """Notes how it is placed."""

    def __init__(self, error: Exception | None = None) -> None:
        self.placed: list[tuple[str, dict[str, Any]]] = []
        self._error = error

    def to(self, device: Any) -> None:
        self.placed.append(("to", {"device": device}))

    def enable_model_cpu_offload(self, **options: Any) -> None:
        if self._error is not None:
            raise self._error
        self.placed.append(("model", options))

    def enable_group_offload(self, **options: Any) -> None:
        self.placed.append(("group", options))


@pytest.mark.parametrize("offload", ["none", "model", "group"])
def test_a_pipeline_is_placed_as_was_decided(offload: Any) -> None:
    pipeline = Pipeline()
    fitting.place(pipeline, Fit(offload), CARD, Settings())
    ((how, options),) = pipeline.placed
    assert how == ("to" if offload == "none" else offload)
    assert CARD.device in options.values()
    if offload == "group":
        assert options["use_stream"] is True


def test_a_pipeline_that_cannot_be_offloaded_is_said_and_no_memory_is_left_to_its_error() -> None:
    with pytest.raises(ModelError, match=r"PARAFOVEA_OFFLOAD=model does not work with this model: no sequence"):
        fitting.place(Pipeline(ValueError("no sequence")), Fit("model"), CARD, Settings())
    with pytest.raises(torch.OutOfMemoryError):
        fitting.place(Pipeline(torch.OutOfMemoryError("CUDA out of memory")), Fit("model"), CARD, Settings())
    with pytest.raises(RuntimeError, match="CUDA error: out of memory"):
        fitting.place(Pipeline(RuntimeError("CUDA error: out of memory")), Fit("model"), CARD, Settings())


def test_parameters_are_counted_from_headers(tmp_path: Path) -> None:
    weights(tmp_path / "unet" / "diffusion_pytorch_model-00001-of-00002.safetensors", 3, 5)
    weights(tmp_path / "unet" / "diffusion_pytorch_model-00002-of-00002.safetensors", 7)
    weights(tmp_path / "vae" / "diffusion_pytorch_model.safetensors", 2)
    names = tuple(sorted(path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*.safetensors")))
    model = ModelFolder("m", tmp_path, {})
    assert memory.parameters_of(model, Chosen(names, None, False)) == {"unet": 22, "vae": 2}


@pytest.mark.parametrize("content", [b"", b"\xff" * 8, (3).to_bytes(8, "little") + b"{}x", b"\x02" + bytes(7) + b"[]"])
def test_a_damaged_file_is_said(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "model.safetensors").write_bytes(content)
    with pytest.raises(ModelError, match=r"model\.safetensors is damaged"):
        memory.count_parameters(tmp_path / "model.safetensors")
