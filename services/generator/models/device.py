"""The one place where device and precision are chosen, and where what differs between devices is known."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch

from services.generator.models.files import ModelError, first_line

_DTYPES = {"float16": torch.float16, "bfloat16": torch.bfloat16, "float32": torch.float32}
_BFLOAT16_CAPABILITY = 8
"""First CUDA compute capability (major) whose tensor cores take bfloat16: Ampere."""
_WORTH_IT = 1.25
"""A precision is left only for one this much faster: a measurement's noise must not change pictures between starts."""
_MEASURE_TRIES = 8


@dataclass(frozen=True, slots=True)
class Placement:
    """Where a model's tensors live, and in which precision."""

    device: torch.device
    dtype: torch.dtype

    @property
    def dtype_name(self) -> str:
        return str(self.dtype).removeprefix("torch.")


def choose(device: str = "auto", dtype: str = "auto", measure_cpu: bool = False) -> Placement:
    """Choose device and precision.

    Args:
        device: auto (CUDA, else MPS, else the processor), or one of torch's.
        dtype: auto is bfloat16 on CUDA from Ampere on, float16 on
            older cards and on MPS where it works, float32 on the processor.
        measure_cpu: on the processor, let auto measure whether bfloat16 is faster. For models trained in bfloat16.

    Raises:
        ModelError: torch does not see the device.
    """
    place = _device(device)
    if dtype != "auto":
        return Placement(place, _DTYPES[dtype])
    if place.type == "cuda":
        major, _ = torch.cuda.get_device_capability(place)
        return Placement(place, torch.bfloat16 if major >= _BFLOAT16_CAPABILITY else torch.float16)
    if place.type == "mps":
        return Placement(place, torch.float16 if half_works(place) else torch.float32)
    return Placement(place, faster_cpu_dtype() if measure_cpu else torch.float32)


def faster_cpu_dtype(time_of: Callable[[torch.dtype], float] | None = None) -> torch.dtype:
    """float32, or bfloat16 where this processor is clearly faster with it. Takes some tens of milliseconds.

    Args:
        time_of: seconds that a precision takes once; by default, for a convolution and a product as a small UNet has
            them. Asked for both in turn, and the best of each counts, so that another process's work falls on both.
    """
    measure = time_of or _small_unet()
    rounds = [(measure(torch.float32), measure(torch.bfloat16)) for _ in range(_MEASURE_TRIES)]
    plain, brief = (min(times) for times in zip(*rounds, strict=True))
    return torch.bfloat16 if brief * _WORTH_IT < plain else torch.float32


def seeded(seed: int) -> torch.Generator:
    """The noise of a seed. On the processor for every device: a GPU's own generator would give other noise."""
    return torch.Generator("cpu").manual_seed(seed)


def make_repeatable() -> None:
    """Prefer algorithms that give the same bits each time, where there is a choice that costs little."""
    torch.backends.cudnn.benchmark = False
    torch.backends.cudnn.deterministic = True


def is_out_of_memory(error: BaseException) -> bool:
    """Whether a device, or the machine, had no memory left. MPS and the processor say so only in words."""
    if isinstance(error, MemoryError | torch.OutOfMemoryError):
        return True
    return isinstance(error, RuntimeError) and any(
        words in str(error).lower() for words in ("out of memory", "can't allocate memory", "not enough memory")
    )


@contextmanager
def said_as(sentence: Callable[[str], str]) -> Iterator[None]:
    """Whatever fails here becomes a ModelError, which ``sentence`` makes of the first line of what went wrong. That
    memory ran out is passed on as it is: whoever loads the model may keep more of it off the card."""
    try:
        yield
    except ModelError:
        raise
    except Exception as error:
        if is_out_of_memory(error):
            raise
        raise ModelError(sentence(first_line(error))) from error


def release_memory(place: torch.device) -> None:
    """Give back what no tensor uses any more. The caller has let go of tracebacks, whose frames hold tensors."""
    gc.collect()
    if place.type == "cuda":
        torch.cuda.empty_cache()
    elif place.type == "mps":
        torch.mps.empty_cache()


def environment(place: torch.device) -> dict[str, Any]:
    """What of the machine may change a picture in its last bits."""
    found: dict[str, Any] = {
        "threads": torch.get_num_threads(),
        "cpu_capability": torch.backends.cpu.get_cpu_capability(),
    }
    if place.type == "cuda":
        found["gpu"] = torch.cuda.get_device_name(place)
        found["cuda"] = torch.version.cuda
        found["cudnn"] = torch.backends.cudnn.version()
        found["tf32"] = {
            "products": torch.get_float32_matmul_precision() != "highest",
            "convolutions": torch.backends.cudnn.allow_tf32,
        }
    return found


def _device(device: str) -> torch.device:
    if device == "auto":
        if torch.cuda.is_available():
            return torch.device("cuda")
        return torch.device("mps" if torch.backends.mps.is_available() else "cpu")
    place = torch.device(device)
    if place.type == "cuda" and (place.index or 0) >= torch.cuda.device_count():
        seen = torch.cuda.device_count()
        raise ModelError(f"PARAFOVEA_DEVICE is {device}, but torch sees {seen} CUDA devices; set it to auto or cpu.")
    if place.type == "mps" and not torch.backends.mps.is_available():
        raise ModelError("PARAFOVEA_DEVICE is mps, but torch sees no MPS device; set it to auto or cpu.")
    return place


def half_works(place: torch.device) -> bool:
    """Some MPS drivers give NaN in half precision: try one product."""
    ones = torch.ones(64, 64, dtype=torch.float16, device=place)
    return bool(torch.equal((ones @ ones).cpu(), torch.full((64, 64), 64.0, dtype=torch.float16)))


def _small_unet() -> Callable[[torch.dtype], float]:
    made = {
        dtype: (
            torch.nn.Conv2d(128, 128, 3, padding=1, dtype=dtype),
            torch.zeros(2, 128, 16, 16, dtype=dtype),
            torch.nn.Linear(256, 1024, dtype=dtype),
            torch.zeros(2, 256, 256, dtype=dtype),
        )
        for dtype in (torch.float32, torch.bfloat16)
    }

    def time_of(dtype: torch.dtype) -> float:
        convolution, picture, product, tokens = made[dtype]
        with torch.inference_mode():
            start = time.perf_counter()
            convolution(picture)
            product(tokens)
            return time.perf_counter() - start

    return time_of
