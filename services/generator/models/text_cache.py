"""A repeated prompt is not encoded again.

What is kept is the pipeline's own ``encode_prompt``: the embeddings that the network is given. An encoder's outputs
would be a hundred times as large, since a language model's hold the states of all its layers; and an encoder that is
not asked can leave the card. A few old classes call it ``_encode_prompt``. A pipeline that encodes the picture together
with the prompt encodes each time: its call holds numbers of a picture, and no key is made of these.
"""

from __future__ import annotations

import functools
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterable
from typing import Any

import torch

LIMIT_BYTES = 256 * 1024 * 1024
LIMIT_ENTRIES = 128
_NAMES = ("encode_prompt", "_encode_prompt")


class TextCache:
    """Embeddings by prompt and options, the least recently used dropped first. ``limit_bytes``: of tensors kept, on the
    model's device."""

    def __init__(self, limit_bytes: int = LIMIT_BYTES, limit_entries: int = LIMIT_ENTRIES) -> None:
        self._limit_bytes = limit_bytes
        self._limit_entries = limit_entries
        self._kept: OrderedDict[Hashable, tuple[Any, int]] = OrderedDict()
        self._bytes = 0

    def __len__(self) -> int:
        return len(self._kept)

    @property
    def held_bytes(self) -> int:
        """Bytes of the tensors that are kept."""
        return self._bytes

    def memoise(self, pipeline: Any) -> None:
        """Answer a pipeline's repeated questions for a prompt's embeddings from here."""
        name = next((one for one in _NAMES if hasattr(pipeline, one)), None)
        if name is not None:
            setattr(pipeline, name, self._answering(getattr(pipeline, name)))

    def clear(self) -> None:
        self._kept.clear()
        self._bytes = 0

    def _answering(self, encode: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(encode)
        def answer(*args: Any, **kwargs: Any) -> Any:
            key = _key((args, tuple(sorted(kwargs.items()))))
            if key is None:
                return encode(*args, **kwargs)
            if key in self._kept:
                self._kept.move_to_end(key)
                return _as_it_was(self._kept[key][0])
            output = encode(*args, **kwargs)
            self._keep(key, _as_it_was(output))
            return output

        return answer

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
    """A hashable stand-in for a call's arguments; None where there is something beside texts and options."""
    if isinstance(value, tuple | list):
        parts = tuple(_key(part) for part in value)
        return None if None in parts else parts
    if value is None:
        return "none"
    if isinstance(value, torch.device | torch.dtype):
        return str(value)
    return (type(value).__name__, value) if isinstance(value, bool | int | float | str) else None


def _as_it_was(output: Any) -> Any:
    """Lists anew, so that a pipeline that changes one does not change what is kept."""
    if isinstance(output, list):
        return [_as_it_was(part) for part in output]
    return tuple(_as_it_was(part) for part in output) if isinstance(output, tuple) else output


def _tensors(output: Any) -> Iterable[torch.Tensor]:
    if isinstance(output, torch.Tensor):
        yield output
    elif isinstance(output, dict | tuple | list):
        for part in output.values() if isinstance(output, dict) else output:
            yield from _tensors(part)
