"""Every figure by its name, with its unit and what it is, and the statistics behind it."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Kind:
    """A figure's unit, and in words what was measured."""

    unit: str
    words: str


KINDS: Mapping[str, Kind] = {
    "model_p50": Kind("ms", "model time: one run of the engine by itself, median"),
    "model_p95": Kind("ms", "model time, 95th percentile"),
    "model_first": Kind("ms", "model time of the first run after loading"),
    "request_p50": Kind("ms", "whole request over HTTP, recording off, median"),
    "request_p95": Kind("ms", "whole request, recording off, 95th percentile"),
    "recorded_request_p50": Kind("ms", "whole request over HTTP, recording on, median"),
    "recorded_request_p95": Kind("ms", "whole request, recording on, 95th percentile"),
    "own_share_p50": Kind("ms", "of it the server's own: request less model time, recording off, median"),
    "own_share_p95": Kind("ms", "the server's own, recording off, 95th percentile"),
    "recorded_own_share_p50": Kind("ms", "the server's own, recording on, median"),
    "recorded_own_share_p95": Kind("ms", "the server's own, recording on, 95th percentile"),
    "first_request": Kind("ms", "first request after /ready"),
    "tenth_request": Kind("ms", "tenth request"),
    "idle_share": Kind("%", "idle: time with no run under way while the queue is full"),
    "throughput": Kind("1/s", "pictures while the queue is full"),
    "card_busy": Kind("%", "meanwhile the card's utilisation, as nvidia-smi says, mean"),
    "card_memory": Kind("GB", "meanwhile memory in use on the card, by whomever, most"),
    "peak_memory": Kind("GB", "most memory of tensors while the engine runs by itself (processor: of the process)"),
    "peak_reserved": Kind("GB", "most memory that torch holds on the card meanwhile"),
    "loaded_memory": Kind("GB", "memory of tensors once the model is loaded (processor: of the process)"),
    "load_engine": Kind("s", "loading the model by itself, and warming it up; files in the system's cache"),
    "imports": Kind("s", "before that, importing torch, diffusers and transformers"),
    "start_to_ready": Kind("s", "from starting the processes to /ready"),
}
OF_CUDA = frozenset({"peak_reserved"})
"""Measured on a card of CUDA alone."""
OF_SMI = frozenset({"card_busy", "card_memory"})
"""Measured where nvidia-smi is installed, and answers."""


def spread(values: Sequence[float]) -> tuple[float, float]:
    """Median and 95th percentile of at least two values."""
    twentieths = statistics.quantiles(values, n=20, method="inclusive")
    return statistics.median(values), twentieths[18]


def spread_of(name: str, values: Sequence[float]) -> dict[str, float]:
    """Both as figures."""
    p50, p95 = spread(values)
    return {f"{name}_p50": p50, f"{name}_p95": p95}
