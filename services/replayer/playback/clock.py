"""Playback time: which frame of a recorded session is due when.

Media time runs from the first frame of the session, in seconds, as it was recorded. It is tied to the clock at one
point, the anchor, and every due time is counted from there: however late a frame was really sent, the next one is due
when it would have been anyway, so nothing adds up. Whatever changes the course (play, pause, speed, seek, step) sets a
new anchor.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from shared.fields import MAX_SPEED, MIN_SPEED
from shared.session.reading.timeline import round_s


class Playback:
    """The course of one playback; it is paused until :meth:`play`.

    Args:
        offsets: seconds since the first frame, of each frame, never falling; see :class:`Timeline`. More may be added.
        clock: seconds of a clock that never goes back, such as ``time.monotonic``.
        position: the frame to begin with, from 0 to ``len(offsets)``.

    Attributes:
        position: the next frame to show; ``len(offsets)`` at the end.
        speed: media seconds in a second of the clock.
        loop: whether the first frame follows the last one.
    """

    def __init__(self, offsets: Sequence[float], clock: Callable[[], float], *, position: int = 0) -> None:
        self._offsets = offsets
        self._clock = clock
        self.speed = 1.0
        self.loop = False
        self._playing = False
        self._round = 0
        self._anchor_clock = 0.0
        self._anchor_media = 0.0
        self.position = 0
        self.seek(position)

    @property
    def total(self) -> int:
        return len(self._offsets)

    @property
    def is_playing(self) -> bool:
        """Whether a frame is going to be due by itself."""
        return self._playing and not self.is_complete

    @property
    def is_complete(self) -> bool:
        return self.position >= self.total

    @property
    def round_s(self) -> float:
        """Media seconds from the first frame to the first frame of the next round."""
        return round_s(self._offsets)

    def play(self, speed: float | None = None, loop: bool | None = None) -> None:
        """Run, or run on, from the beginning where every frame was shown; None keeps what was set before. Raises
        ValueError: the speed is not from :data:`shared.fields.MIN_SPEED` to ``MAX_SPEED``."""
        if speed is not None and not MIN_SPEED <= speed <= MAX_SPEED:
            raise ValueError(f"a speed is from {MIN_SPEED} to {MAX_SPEED:g}, not {speed:g}")
        if self.is_complete:
            self._go(0)
        self._anchor()
        self._playing = True
        self.speed = self.speed if speed is None else speed
        self.loop = self.loop if loop is None else loop

    def pause(self) -> None:
        """Stand still; :meth:`play` goes on with what is left of the interval."""
        self._anchor()
        self._playing = False

    def seek(self, position: int) -> None:
        """Go to a frame, or the end: it is due at once. Raises IndexError: there is no such frame."""
        if not 0 <= position <= self.total:
            raise IndexError(f"there are {self.total} frames; {position} is none of them")
        self._go(position)

    def show(self, position: int) -> None:
        """A frame was shown by hand: pause, and go on behind it. Raises IndexError: there is no such frame."""
        if not 0 <= position < self.total:
            raise IndexError(f"there are {self.total} frames; {position} is none of them")
        self._go(position)
        self._playing = False
        self.position = position + 1

    def due(self) -> float | None:
        """The clock's time at which the frame at :attr:`position` is to be shown; None while nothing is due."""
        if not self.is_playing:
            return None
        media = self._round * self.round_s + self._offsets[self.position]
        return self._anchor_clock + (media - self._anchor_media) / self.speed

    def advance(self) -> None:
        """The frame at :attr:`position` was shown, or could not be; on to the next."""
        self.position += 1
        if self.loop and self._playing and self.is_complete and self.total:
            self.position = 0
            self._round += 1

    def _go(self, position: int) -> None:
        self._round = 0
        self.position = position
        self._anchor_clock = self._clock()
        self._anchor_media = self._offsets[min(position, self.total - 1)] if self.total else 0.0

    def _anchor(self) -> None:
        """Tie media time to the clock anew, where both stand now."""
        now = self._clock()
        if self.is_playing:
            media = self._anchor_media + (now - self._anchor_clock) * self.speed
            media -= self._round * self.round_s
            # Not past the frame that is due: late or not, it comes next, and the interval behind it stays whole.
            self._anchor_media = min(media, self._offsets[self.position])
            self._round = 0
        self._anchor_clock = now
