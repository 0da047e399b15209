"""What generator and display say of the change that is under way, and of those that are made ahead."""

from __future__ import annotations

from shared.gaze.trial.chances import Chances
from shared.gaze.trial.course import Course
from shared.gaze.trial.inputs import DisplayReady, FrameMade, RequestFailed
from shared.gaze.trial.preparing import Ahead


class Answering:
    """Takes answers; those to what was given up meanwhile are passed over."""

    def __init__(self, course: Course, ahead: Ahead, chances: Chances) -> None:
        self._course = course
        self._ahead = ahead
        self._chances = chances
        self._frame: str | None = None

    def made(self, made: FrameMade) -> None:
        """The generator has made what was asked for, or committed."""
        course, change = self._course, self._course.change
        if change is None or change.request != made.request:
            return
        self._frame = course.cause
        course.failures.succeeded()
        change.frame = change.last = course.cause
        change.frame_id, change.sha256 = made.frame_id, made.sha256
        if change.chosen is not None:
            self._ahead.committed(change)
            self._chances.made(change)

    def failed(self, failed: RequestFailed) -> None:
        """The generator has refused."""
        course, change = self._course, self._course.change
        if change is None or change.request != failed.request:
            return
        course.give_up(f"{failed.code}: {failed.detail}", course.cause)
        if change.chosen is None:
            course.rest_until_ns = course.failures.failed(course.t_ns, failed.retry_after_ms)
        else:
            self._ahead.refused(failed)
            self._chances.refused()

    def ready(self, ready: DisplayReady) -> None:
        """A display can draw it at once."""
        course, change = self._course, self._course.change
        self._ahead.ready(ready)
        if change is None or change.frame != ready.frame or ready.display != course.display or change.ready is not None:
            return
        change.ready = change.last = course.cause
        change.is_whole = change.chosen is not None

    def accepts_ready(self, frame: str) -> bool:
        """Whether there was a ``frame``, or a ``prepared``, of this id, lately."""
        return frame == self._frame or self._ahead.accepts_ready(frame)
