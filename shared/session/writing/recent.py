"""The frames of a session that were recorded last: one may be the input of another, or come twice."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass

RECENT = 1024


@dataclass(frozen=True, slots=True)
class Known:
    """A recorded frame, as far as a duplicate's answer needs it."""

    index: int
    filename: str
    sha256: str | None
    frame_id: str | None


class RecentFrames:
    """The last :data:`RECENT` frames; older ones are forgotten."""

    def __init__(self) -> None:
        self._known: OrderedDict[str, Known] = OrderedDict()
        """By frame id; by file name where an entry has none."""
        self._by_hash: dict[str, str] = {}

    def __len__(self) -> int:
        return len(self._known)

    def clear(self) -> None:
        """Forget all."""
        self._known.clear()
        self._by_hash.clear()

    def add(self, known: Known) -> None:
        """This one was recorded."""
        self._known[known.frame_id or known.filename] = known
        if known.sha256:
            self._by_hash[known.sha256] = known.filename
        if len(self._known) > RECENT:
            _, old = self._known.popitem(last=False)
            if old.sha256 and self._by_hash.get(old.sha256) == old.filename:
                del self._by_hash[old.sha256]

    def find(self, frame_id: str) -> Known | None:
        """A frame, where it is among them."""
        return self._known.get(frame_id)

    def file_of(self, sha256: str) -> str | None:
        """The file's name of a frame with these bytes."""
        return self._by_hash.get(sha256)
