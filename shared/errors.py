"""Each error that crosses a process, with its code and its HTTP status.

An error is raised where it happens, travels the bus as ``code`` and ``detail`` (and ``fields``, for a bad request), and
becomes the same class again on the other side. The API answers it as JSON with :attr:`ParafoveaError.status`.
"""

from __future__ import annotations

from typing import Any, ClassVar


class ParafoveaError(Exception):
    """An error that a user may meet. ``detail`` is one sentence that says what to do.

    Attributes:
        code: the stable identifier of the error, as documented.
        status: the HTTP status it is answered with.
        retry_after_s: seconds after which another try makes sense, or None.
        fields: for an invalid request, what is wrong with which field.
    """

    code: ClassVar[str] = "internal_error"
    status: ClassVar[int] = 500
    retry_after_s: ClassVar[int | None] = None

    def __init__(self, detail: str, *, fields: dict[str, str] | None = None) -> None:
        super().__init__(detail)
        self.detail = detail
        self.fields = fields

    def to_json(self) -> dict[str, Any]:
        """The JSON object that the API answers and that an ``error`` reply carries."""
        body: dict[str, Any] = {"error": self.code, "detail": self.detail}
        if self.fields:
            body["fields"] = self.fields
        return body


class InvalidRequest(ParafoveaError):
    code, status = "invalid_request", 422


class InvalidJson(ParafoveaError):
    code, status = "invalid_json", 400


class UnsupportedMediaType(ParafoveaError):
    code, status = "unsupported_media_type", 415


class PayloadTooLarge(ParafoveaError):
    code, status = "payload_too_large", 413


class ChangeRefused(ParafoveaError):
    """The picture has nothing, there, that could be changed as it is asked for; the message says why. Another sector, a
    box, or another kind of change may do."""

    code, status = "change_refused", 422


class UnreadableImage(ParafoveaError):
    code, status = "unreadable_image", 422


class InvalidArchive(ParafoveaError):
    """What was to be imported is no archive of one whole session."""

    code, status = "invalid_archive", 422


class Unauthorized(ParafoveaError):
    code, status = "unauthorized", 401


class Forbidden(ParafoveaError):
    """A page of a foreign origin, or one that calls this server by a name that is not its own. No token helps.

    On the bus: an acknowledgement that is not the recorder's."""

    code, status = "forbidden", 403


class NotFound(ParafoveaError):
    code, status = "not_found", 404


class MethodNotAllowed(ParafoveaError):
    code, status = "method_not_allowed", 405


class UpgradeRequired(ParafoveaError):
    """A plain request for a path where there is a WebSocket."""

    code, status = "upgrade_required", 426


class SessionNotFound(ParafoveaError):
    code, status = "session_not_found", 404


class SessionExists(ParafoveaError):
    code, status = "session_exists", 409


class SessionNotActive(ParafoveaError):
    code, status = "session_not_active", 409


class SessionBusy(ParafoveaError):
    code, status = "session_busy", 409


class SessionDamaged(ParafoveaError):
    """What a session's metadata says cannot be understood; the message names the place."""

    code, status = "session_damaged", 409


class Stale(ParafoveaError):
    """A change that was prepared cannot go onto this picture (any more), or its view shows another one."""

    code, status = "stale", 409


class UnknownImage(ParafoveaError):
    """A picture was named by its hash, and is not known (any more): send it."""

    code, status = "unknown_image", 409


class InvalidSessionId(ParafoveaError):
    code, status = "invalid_session_id", 422


class NotReplaying(ParafoveaError):
    code, status = "not_replaying", 409


class FrameMissing(ParafoveaError):
    code, status = "frame_missing", 410


class FrameCorrupt(ParafoveaError):
    code, status = "frame_corrupt", 410


class Superseded(ParafoveaError):
    code, status = "superseded", 409


class Cancelled(ParafoveaError):
    """The job was cancelled by id; its client is gone, so nobody is usually there to read it."""

    code, status = "cancelled", 409


class QueueFull(ParafoveaError):
    code, status, retry_after_s = "queue_full", 503, 1


class GeneratorLoading(ParafoveaError):
    code, status, retry_after_s = "generator_loading", 503, 2


class GeneratorUnavailable(ParafoveaError):
    code, status = "generator_unavailable", 503


class RecorderUnavailable(ParafoveaError):
    code, status = "recorder_unavailable", 503


class ReplayerUnavailable(ParafoveaError):
    code, status = "replayer_unavailable", 503


class GazeUnavailable(ParafoveaError):
    code, status = "gaze_unavailable", 503


class GazeBacklogFull(ParafoveaError):
    """What is held of trials for the recorder has reached its limit."""

    code, status = "gaze_backlog_full", 503


class TrialActive(ParafoveaError):
    """A trial is under way already."""

    code, status = "trial_active", 409


class TrialNotActive(ParafoveaError):
    """No trial is under way, or another one is."""

    code, status = "trial_not_active", 409


class RecordingBacklogFull(ParafoveaError):
    code, status = "recording_backlog_full", 503


class GenerationFailed(ParafoveaError):
    code, status = "generation_failed", 500


class GenerationTimeout(ParafoveaError):
    code, status = "generation_timeout", 504


class InsufficientStorage(ParafoveaError):
    code, status = "insufficient_storage", 507


class InternalError(ParafoveaError):
    """A bug of ours: logged with its traceback where it happened, told in one sentence elsewhere."""


class UnknownType(ParafoveaError):
    """A bus request of a type that the channel does not serve."""

    code, status = "unknown_type", 400


class MalformedMessage(ParafoveaError):
    """A bus message that does not follow the envelope."""

    code, status = "malformed_message", 400


class TooManyRequests(ParafoveaError):
    """A bus request beyond those that may be under way, of one caller or of all."""

    code, status, retry_after_s = "too_many_requests", 503, 1


class UnsupportedVersion(ParafoveaError):
    """A bus message of a protocol version that this process does not speak."""

    code, status = "unsupported_version", 400


BY_CODE: dict[str, type[ParafoveaError]] = {cls.code: cls for cls in ParafoveaError.__subclasses__()}


def from_code(code: str, detail: str, fields: dict[str, str] | None = None) -> ParafoveaError:
    """The error that a reply's ``code`` names; :class:`InternalError` for a code of a newer version."""
    return BY_CODE.get(code, InternalError)(detail, fields=fields)
