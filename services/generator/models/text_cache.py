"""A repeated prompt does not run the text encoder again.

The encoder itself is memoised, below the pipeline: every pipeline encodes prompts in its own way, with one encoder or
three, pooled or not, but each calls its encoders with token numbers, and the same numbers give the same answer.
"""

from __future__ import annotations

import functools
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterable
from typing import Any

import torch

LIMIT_BYTES = 256 * 1024 * 1024
LIMIT_ENTRIES = 128
_MAX_KEY_NUMBERS = 65_536


class TextCache:
    """Outputs of text encoders by their input, the least recently used dropped first. ``limit_bytes``: of tensors kept,
    on the encoders' device."""

    def __init__(self, limit_bytes: int = LIMIT_BYTES, limit_entries: int = LIMIT_ENTRIES) -> None:
        self._limit_bytes = limit_bytes
        self._limit_entries = limit_entries
        self._kept: OrderedDict[Hashable, tuple[Any, int]] = OrderedDict()
        self._bytes = 0

    def __len__(self) -> int:
        return len(self._kept)

    def memoise(self, name: str, encoder: torch.nn.Module) -> None:
        """Answer the encoder's repeated calls from here. Calls that are given a picture too always run."""
        run: Callable[..., Any] = encoder.forward

        @functools.wraps(run)
        def forward(*args: Any, **kwargs: Any) -> Any:
            key = _key((name, args, tuple(sorted(kwargs.items()))))
            if key is None:
                return run(*args, **kwargs)
            if key in self._kept:
                self._kept.move_to_end(key)
                return self._kept[key][0]
            output = run(*args, **kwargs)
            self._keep(key, output)
            return output

        encoder.forward = forward

    def clear(self) -> None:
        self._kept.clear()
        self._bytes = 0

    def _keep(self, key: Hashable, output: Any) -> None:
        size = sum(tensor.nbytes for tensor in _tensors(output))
        if size > self._limit_bytes:
            return
        self._kept[key] = (output, size)
        self._bytes += size
        while self._bytes > self._limit_bytes or len(self._kept) > self._limit_entries:
            _, (_, dropped) = self._kept.popitem(last=False)
            self._bytes -= dropped


def _key(value: Any) -> Hashable | None:
    """A hashable stand-in for a call's arguments; None where there is something beside token numbers and options."""
    if isinstance(value, torch.Tensor):
        if value.is_floating_point() or value.numel() > _MAX_KEY_NUMBERS:
            return None
        return (tuple(value.shape), str(value.dtype), value.cpu().numpy().tobytes())
    if isinstance(value, tuple | list):
        parts = tuple(_key(part) for part in value)
        return None if None in parts else parts
    if value is None:
        return "none"
    return (type(value).__name__, value) if isinstance(value, bool | int | float | str) else None


def _tensors(output: Any) -> Iterable[torch.Tensor]:
    if isinstance(output, torch.Tensor):
        yield output
    elif isinstance(output, dict | tuple | list):
        for part in output.values() if isinstance(output, dict) else output:
            yield from _tensors(part)
