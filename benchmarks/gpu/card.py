"""What is measured on: the card, its driver, the versions of the libraries. Asked in a process of its own, because a
process that has looked at a card goes on to hold some of its memory."""

from __future__ import annotations

import json
import platform
import shutil
import subprocess
import sys
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from benchmarks.gpu.folders import GB
from shared.system.memory import available_bytes
from tests.support.processes import REPOSITORY

LIBRARIES = ("torch", "diffusers", "transformers", "accelerate", "numpy", "pillow")
NO_CARD = (
    "There is no graphics card here that torch sees, so there is nothing to measure. --tiny runs the command with tiny "
    "models on the processor; --device cpu measures the real shapes there, which takes hours."
)
_ASK_TIMEOUT_S = 300.0
_SMI_TIMEOUT_S = 20.0


class NoCard(Exception):
    """What was to be measured on is not there; the message says so."""


@dataclass(frozen=True, slots=True)
class Card:
    """What is measured on.

    Attributes:
        device: cuda, mps or cpu, with an index where one was named.
        dtype: the precision that the server chooses for it.
        free_bytes: of its memory.
        about: what readers of a figure should know.
    """

    device: str
    dtype: str
    free_bytes: float
    about: dict[str, Any]

    @property
    def is_processor(self) -> bool:
        return self.device == "cpu"


def ask(device: str) -> Card:
    """The card that the server would take for a ``device`` of its settings. Raises NoCard: torch sees none such."""
    command = [sys.executable, "-m", "benchmarks.gpu.card", device]
    try:
        asked = subprocess.run(
            command, cwd=REPOSITORY, capture_output=True, text=True, timeout=_ASK_TIMEOUT_S, check=False
        )
    except subprocess.TimeoutExpired:
        raise NoCard(f"torch did not say within {_ASK_TIMEOUT_S:g} s what there is; try nvidia-smi.") from None
    if asked.returncode:
        lines = asked.stderr.strip().splitlines()
        raise NoCard(lines[-1] if lines else f"torch ended with {asked.returncode}")
    found = Card(**json.loads(asked.stdout.splitlines()[-1]))
    if found.is_processor and device == "auto":
        raise NoCard(NO_CARD)
    return found


def smi(query: str, card: str = "") -> list[str]:
    """What nvidia-smi says of a card; empty where it is not installed, or does not answer."""
    command = smi_command(query, card)
    if not command:
        return []
    try:
        told = subprocess.run(command, capture_output=True, text=True, timeout=_SMI_TIMEOUT_S, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return []
    lines = told.stdout.strip().splitlines()
    return [] if told.returncode or not lines else [value.strip() for value in lines[0].split(",")]


def smi_command(query: str, card: str, *more: str) -> list[str]:
    """The command for :func:`smi`; empty where there is none. ``card``: its UUID; empty: the first."""
    program = shutil.which("nvidia-smi")
    named = ["-i", card] if card else []
    return [program, *named, f"--query-gpu={query}", "--format=csv,noheader,nounits", *more] if program else []


def _look(device: str) -> dict[str, Any]:
    import torch

    from services.generator.models.device import choose

    placement = choose(device)
    place = placement.device
    about: dict[str, Any] = {
        "device": str(place),
        "dtype": placement.dtype_name,
        "system": platform.platform(),
        "python": platform.python_version(),
        **{name: version(name) for name in LIBRARIES},
    }
    if place.type == "cuda":
        about |= _cuda(place)
    else:
        about["card"] = f"none, the processor ({_processor()})" if place.type == "cpu" else f"MPS ({_processor()})"
    about["torch"] = torch.__version__  # with the build's own addition, as +cpu
    return {
        "device": str(place),
        "dtype": placement.dtype_name,
        "free_bytes": _free_bytes(place),
        "about": about,
    }


def _free_bytes(place: Any) -> float:
    import torch

    if place.type == "cuda":
        return float(torch.cuda.mem_get_info(place)[0])
    if place.type == "mps":
        return float(torch.mps.recommended_max_memory() - torch.mps.driver_allocated_memory())
    return float(available_bytes() or 0)


def _cuda(place: Any) -> dict[str, Any]:
    import torch

    properties = torch.cuda.get_device_properties(place)
    uuid = str(getattr(properties, "uuid", "") or "")
    named = f"GPU-{uuid}" if uuid and not uuid.startswith("GPU-") else uuid
    return {
        "card": properties.name,
        "uuid": named,
        "memory_gb": round(properties.total_memory / GB, 1),
        "capability": ".".join(map(str, torch.cuda.get_device_capability(place))),
        "driver": next(iter(smi("driver_version", named)), None),
        "cuda": torch.version.cuda or f"ROCm {torch.version.hip}",
        "cudnn": torch.backends.cudnn.version(),
    }


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.machine())


def main() -> None:
    """Say what there is, as JSON; or in a sentence on standard error why not."""
    from services.generator.models.files import ModelError

    try:
        found = _look(sys.argv[1])
    except ModelError as error:
        sys.exit(str(error).replace("PARAFOVEA_DEVICE", "--device"))
    print(json.dumps(found))


if __name__ == "__main__":
    main()
