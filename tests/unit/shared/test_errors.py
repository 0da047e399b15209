"""Errors cross a process and come back as themselves."""

from __future__ import annotations

import pytest

from shared import errors
from shared.bus.envelope import decode_reply, encode_error
from shared.errors import BY_CODE, InternalError, InvalidRequest, ParafoveaError, from_code

DOCUMENTED = {
    "invalid_request": 422,
    "invalid_json": 400,
    "unsupported_media_type": 415,
    "payload_too_large": 413,
    "unreadable_image": 422,
    "unauthorized": 401,
    "not_found": 404,
    "method_not_allowed": 405,
    "session_not_found": 404,
    "session_exists": 409,
    "session_not_active": 409,
    "session_busy": 409,
    "invalid_session_id": 422,
    "not_replaying": 409,
    "frame_missing": 410,
    "frame_corrupt": 410,
    "superseded": 409,
    "queue_full": 503,
    "generator_loading": 503,
    "generator_unavailable": 503,
    "recorder_unavailable": 503,
    "recording_backlog_full": 503,
    "generation_failed": 500,
    "generation_timeout": 504,
    "insufficient_storage": 507,
}


def test_the_documented_codes_have_their_status() -> None:
    assert {code: BY_CODE[code].status for code in DOCUMENTED} == DOCUMENTED


def test_no_two_errors_share_a_code() -> None:
    # A service may refine one of these for itself; such a class crosses as its parent.
    classes = [cls for cls in ParafoveaError.__subclasses__() if cls.__module__ == errors.__name__]
    assert len({cls.code for cls in classes}) == len(classes)


@pytest.mark.parametrize("code", sorted(BY_CODE))
def test_an_error_that_crossed_is_the_same_error(code: str) -> None:
    told = BY_CODE[code]("Do this.", fields={"seed": "too large"})
    frames = [bytes(frame) for frame in encode_error("7", told)]
    message_id, found = decode_reply(frames)
    assert message_id == "7"
    assert type(found) is type(told)
    assert isinstance(found, ParafoveaError)
    assert found.to_json() == told.to_json()


def test_a_code_of_a_newer_version_is_an_internal_error_with_its_detail() -> None:
    error = from_code("teapot", "The kettle is on.")
    assert type(error) is InternalError
    assert error.detail == "The kettle is on."


def test_only_errors_that_pass_by_themselves_say_when_to_retry() -> None:
    assert {code for code, cls in BY_CODE.items() if cls.retry_after_s} == {
        "queue_full",
        "generator_loading",
        "too_many_requests",
    }


def test_fields_are_absent_where_there_are_none() -> None:
    assert InvalidRequest("No.").to_json() == {"error": "invalid_request", "detail": "No."}
