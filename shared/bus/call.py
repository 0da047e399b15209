"""What can be asked of a process, as values: channel, name in the header, and the types of request and answer; and what
answers it, given fields as types and returning the answer's."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from shared.body import Body
from shared.bus.envelope import Reply, Request

ANSWER_S = 5.0
"""For what is answered from memory: whoever takes longer is stuck."""
DISK_S = 10.0
"""For an image, or what waits for the disk of the sessions: that it is slow is no reason to give up."""
OPEN_S = 60.0
"""For what reads a session: one of 100,000 frames takes its time, and longer where another hand has laid it out."""

AskedT = TypeVar("AskedT", bound=Body)
AnswerT = TypeVar("AnswerT", bound=Body)


class Nothing(Body):
    """A request or an answer without fields."""


@dataclass(frozen=True, slots=True)
class Call(Generic[AskedT, AnswerT]):
    """One kind of request.

    Attributes:
        channel: of the process that answers.
        name: ``type`` of the request's header; that of the answer is ``<name>.ok``.
        asked, answer: what the headers hold beside the envelope.
        timeout_s: how long an answer is waited for, unless who asks knows better.
    """

    channel: str
    name: str
    asked: type[AskedT]
    answer: type[AnswerT]
    timeout_s: float = ANSWER_S


@dataclass(frozen=True, slots=True)
class WithImage(Generic[AnswerT]):
    """An answer, and the image that rides behind it as its payload."""

    answer: AnswerT
    image: bytes


Handler = Callable[[Request], Awaitable[Reply]]
"""Of requests as they come."""
Typed = Callable[[AskedT], Awaitable[AnswerT | WithImage[AnswerT]]]
TypedWithImage = Callable[[AskedT, bytes], Awaitable[AnswerT | WithImage[AnswerT]]]
"""It is given the request's one payload too."""
