import pytest
import torch

from services.generator.models import device
from services.generator.models.files import ModelError


def test_the_processor_runs_in_float32_unless_told() -> None:
    assert device.choose("cpu") == device.Placement(torch.device("cpu"), torch.float32)
    assert device.choose("cpu", "bfloat16").dtype_name == "bfloat16"


def test_auto_prefers_cuda_then_mps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)
    for capability, dtype in (((9, 0), torch.bfloat16), ((8, 0), torch.bfloat16), ((7, 5), torch.float16)):
        monkeypatch.setattr(torch.cuda, "get_device_capability", lambda place, found=capability: found)
        assert device.choose() == device.Placement(torch.device("cuda"), dtype)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(device, "half_works", lambda place: True)
    assert device.choose() == device.Placement(torch.device("mps"), torch.float16)
    monkeypatch.setattr(device, "half_works", lambda place: False)
    assert device.choose() == device.Placement(torch.device("mps"), torch.float32)


@pytest.mark.parametrize("name", ["cuda", "cuda:3", "mps"])
def test_a_device_that_is_not_there_is_said(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 0)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    with pytest.raises(ModelError, match=f"PARAFOVEA_DEVICE is {name}"):
        device.choose(name)


@pytest.mark.parametrize(
    ("times", "dtype"),
    [((1.0, 0.5), torch.bfloat16), ((1.0, 0.9), torch.float32), ((1.0, 3.0), torch.float32)],
)
def test_bfloat16_is_chosen_where_it_is_clearly_faster(times: tuple[float, float], dtype: torch.dtype) -> None:
    assert device.faster_cpu_dtype(lambda asked: times[asked == torch.bfloat16]) == dtype


def test_the_measurement_runs_here() -> None:
    assert device.choose("cpu", measure_cpu=True).dtype in (torch.float32, torch.bfloat16)


def test_a_seed_gives_its_noise() -> None:
    first, again = (torch.randn(4, generator=device.seeded(2**63 - 1)) for _ in range(2))
    assert torch.equal(first, again)
    assert not torch.equal(first, torch.randn(4, generator=device.seeded(1)))


def test_half_precision_that_works_is_seen() -> None:
    assert device.half_works(torch.device("cpu"))
