"""Counts the bytes that one thread reads and writes of pictures and arrays, through Pillow and numpy.

What is counted: Pillow's images made, scaled, pasted, changed and read out; numpy's functions on an array that is
watched, or on one that came of it. A view costs nothing.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import wraps
from typing import Any
from unittest.mock import patch

import numpy as np
from PIL import Image

_CHANNELS = {"L": 1, "RGB": 3, "RGBA": 4, "F": 4}
_numpys_asarray = np.asarray
_OF_IMAGES = ("resize", "convert", "point", "paste", "copy", "crop", "tobytes")


@dataclass(slots=True)
class Touched:
    """What was counted, in bytes, and of which thread; between calls it may be set off."""

    bytes: int = 0
    thread: int = 0
    is_on: bool = True

    def add(self, *values: object) -> None:
        if self.is_on and threading.get_ident() == self.thread:
            self.bytes += sum(_size(value) for value in values)


_counting: Touched | None = None


class Watched(np.ndarray[Any, np.dtype[Any]]):
    """An array whose reading counts, as that of all that is made of it."""

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, out: Any = (), **options: Any) -> Any:
        plain = [_plain(value) for value in inputs]
        if out:
            options["out"] = tuple(_plain(value) for value in out)
        return _counted(getattr(ufunc, method)(*plain, **options), *plain)

    def __array_function__(self, function: Any, types: Any, arguments: Any, options: Any) -> Any:
        plain = _plain(arguments)
        return _counted(function(*plain, **{name: _plain(value) for name, value in options.items()}), *plain)

    def astype(self, *arguments: Any, **options: Any) -> Any:
        return _counted(_plain(self).astype(*arguments, **options), self)

    def copy(self, *arguments: Any, **options: Any) -> Any:
        return _counted(_plain(self).copy(*arguments, **options), self)


def watched(array: np.ndarray[Any, Any]) -> Watched:
    """The same array, watched."""
    return array.view(Watched)


@contextmanager
def touched() -> Iterator[Touched]:
    """Counts what this thread touches meanwhile; not to be nested."""
    global _counting
    _counting = count = Touched(thread=threading.get_ident())
    patches = [patch.object(Image.Image, name, _of_image(getattr(Image.Image, name), count)) for name in _OF_IMAGES]
    patches.append(patch.object(np, "asarray", _asarray))
    patches += [patch.object(Image, name, _of_module(getattr(Image, name), count)) for name in ("new", "fromarray")]
    for each in patches:
        each.start()
    try:
        yield count
    finally:
        for each in patches:
            each.stop()
        _counting = None


def _asarray(value: Any, *arguments: Any, **options: Any) -> Any:
    """As numpy's, which would make a plain array of a watched one."""
    made = _numpys_asarray(value, *arguments, **options)
    if not isinstance(value, Watched):
        return made
    return watched(made) if np.may_share_memory(made, _plain(value)) else _counted(made, value)


def _of_image(method: Callable[..., Any], count: Touched) -> Callable[..., Any]:
    @wraps(method)
    def counted(image: Image.Image, *arguments: Any, **options: Any) -> Any:
        was, count.is_on = count.is_on, False  # one of them may call another
        try:
            result = method(image, *arguments, **options)
        finally:
            count.is_on = was
        count.add(image, result)
        return result

    return counted


def _of_module(function: Callable[..., Any], count: Touched) -> Callable[..., Any]:
    @wraps(function)
    def counted(*arguments: Any, **options: Any) -> Any:
        was, count.is_on = count.is_on, False
        try:
            result = function(*arguments, **options)
        finally:
            count.is_on = was
        count.add(*arguments, result)
        return result

    return counted


def _counted(result: Any, *inputs: Any) -> Any:
    if _counting is not None:
        _counting.add(*inputs, result)
    return watched(result) if isinstance(result, np.ndarray) else result


def _plain(value: Any) -> Any:
    if isinstance(value, list | tuple):
        return type(value)(_plain(each) for each in value)
    return value.view(np.ndarray) if isinstance(value, Watched) else value


def _size(value: object) -> int:
    if isinstance(value, Image.Image):
        return value.width * value.height * _CHANNELS.get(value.mode, 4)
    return value.nbytes if isinstance(value, np.ndarray) else len(value) if isinstance(value, bytes) else 0
