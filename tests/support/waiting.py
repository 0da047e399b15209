"""Waiting for a condition, with a deadline: the only way a test waits."""

from __future__ import annotations

import asyncio
import inspect
import time
from collections.abc import Callable
from typing import Any, TypeVar

T = TypeVar("T")

POLL_S = 0.01


def eventually(condition: Callable[[], T], timeout_s: float = 10.0, what: str = "") -> T:
    """Poll ``condition`` until it is true, and return its value.

    An ``AssertionError`` in the condition counts as "not yet"; at the deadline it becomes part of the failure.

    Raises:
        AssertionError: it was not true within ``timeout_s`` seconds.
    """
    deadline = time.monotonic() + timeout_s
    while True:
        value, problem = _attempt(condition)
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(_failure(condition, value, problem, timeout_s, what))
        time.sleep(POLL_S)


async def eventually_async(condition: Callable[[], Any], timeout_s: float = 10.0, what: str = "") -> Any:
    """:func:`eventually` without stopping the event loop; the condition may be a coroutine function."""
    deadline = time.monotonic() + timeout_s
    while True:
        value, problem = _attempt(condition)
        if inspect.isawaitable(value):
            try:
                value = await value
            except AssertionError as error:
                value, problem = None, error
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(_failure(condition, value, problem, timeout_s, what))
        await asyncio.sleep(POLL_S)


def _attempt(condition: Callable[[], T]) -> tuple[T | None, AssertionError | None]:
    try:
        return condition(), None
    except AssertionError as error:
        return None, error


def _failure(condition: object, value: object, problem: AssertionError | None, timeout_s: float, what: str) -> str:
    name = what or getattr(condition, "__qualname__", repr(condition))
    return f"not within {timeout_s:g} s: {name} (last value {value!r}{f'; {problem}' if problem else ''})"
