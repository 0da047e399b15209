"""What answers a kind of request: given its fields as types, and returning the answer's."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from shared.bus.call import AnswerT, AskedT, Call, WithImage
from shared.bus.envelope import Reply, Request
from shared.errors import MalformedMessage

Handler = Callable[[Request], Awaitable[Reply]]
"""Of requests as they come."""
Typed = Callable[[AskedT], Awaitable[AnswerT | WithImage[AnswerT]]]
TypedWithImage = Callable[[AskedT, bytes], Awaitable[AnswerT | WithImage[AnswerT]]]
"""It is given the request's one payload too."""


def checking(call: Call[AskedT, AnswerT], handler: Typed[AskedT, AnswerT]) -> Handler:
    """A handler of requests as they come, whose fields are checked once, here."""

    async def answer(request: Request) -> Reply:
        return _reply(await handler(call.asked.model_validate(request.body)))

    return answer


def checking_image(call: Call[AskedT, AnswerT], handler: TypedWithImage[AskedT, AnswerT]) -> Handler:
    """:func:`checking` of requests that come with an image."""

    async def answer(request: Request) -> Reply:
        if len(request.payloads) != 1:
            raise MalformedMessage(f"'{call.name}' needs one payload, the input image")
        return _reply(await handler(call.asked.model_validate(request.body), request.payloads[0]))

    return answer


def _reply(answer: AnswerT | WithImage[AnswerT]) -> Reply:
    if isinstance(answer, WithImage):
        return Reply(answer.answer.flat(), (answer.image,))
    return Reply(answer.flat())
