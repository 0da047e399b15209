"""Why there is no model, in one line and in the log."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from services.generator.models.files import ModelError

log = logging.getLogger(__name__)

_SAID_CHARS = 1000


@contextmanager
def in_log(name: str) -> Iterator[None]:
    """Whatever fails here is in the log, as the failure of the model of this name."""
    try:
        yield
    except Exception as error:
        log_failure(name, error)
        raise


def log_failure(name: str, error: Exception) -> None:
    """What a person has to set right is said in a sentence; what nobody foresaw is shown with its place."""
    is_refusal = isinstance(error, ModelError) and error.__cause__ is None
    log.error("%s could not be loaded: %s", name or "the model", error, exc_info=None if is_refusal else error)


def reason_of(error: BaseException) -> str:
    """In one line: a refusal is a sentence, anything else needs its type to be understood."""
    if isinstance(error, ModelError):
        return str(error).splitlines()[0][:_SAID_CHARS]
    return f"{type(error).__name__}: {error}".splitlines()[0][:_SAID_CHARS]
