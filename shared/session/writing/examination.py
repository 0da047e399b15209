"""What is found in a session's folder before it is written to."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from shared.session.format import pictures
from shared.session.format.entries import Entry
from shared.session.format.frame_ids import FrameIds
from shared.session.format.metadata import Tail
from shared.session.writing.recent import RECENT, Known


@dataclass(slots=True)
class Examination:
    """What a session's folder holds. ``rebuilt`` are entries that images have and the metadata has not."""

    folder: Path
    head: dict[str, Any] | None = None
    tail: Tail = field(default_factory=Tail)
    added: dict[str, Any] = field(default_factory=dict)
    """What else a head says that has lost its own keys."""
    damage: str | None = None
    """What in the metadata cannot be understood; None where everything can."""
    foreign: bool = False
    """Laid out by another hand: nothing can be appended to the file as it is."""
    looks_ours: bool = False
    """Laid out as ours, at least in its beginning."""
    torn: bool = False
    """Cut off in the midst of an append of ours."""
    broken: list[str] = field(default_factory=list)
    """What is wrong with those entries that are none, each with its place."""
    trimmed: list[Entry] = field(default_factory=list)
    """Those of them that a repair keeps without what is too deep or too large: their index, file and number."""
    named: set[str] = field(default_factory=set)
    """Files that those of them name of which nothing can be made."""
    keeps_broken: bool = False
    """Whether those are left to their author."""
    entries: list[bytes] | None = None
    """The texts of the entries, kept only where the file is not laid out as ours."""
    count: int = 0
    next_index_of_entries: int = 0
    next_index: int = 0
    """One past the largest that an entry or a file name has."""
    recorded: FrameIds = field(default_factory=FrameIds)
    recent: deque[Known] = field(default_factory=lambda: deque(maxlen=RECENT))
    leftovers: list[Path] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    rebuilt: list[Entry] = field(default_factory=list)
    strays: list[tuple[str, str]] = field(default_factory=list)
    """Files named like frames that are none of this session's, each with the reason."""
    files: dict[str, str] | None = None
    """The files of ``entries`` by hash; None until that is needed."""
    names: set[str] | None = None
    """What the session was called when its frames were made; None until that is needed."""

    @property
    def needs_writing(self) -> bool:
        """Whether the metadata is to say something else than it does."""
        return self.damage is not None or bool(self.rebuilt) or self.tail.open or self.missing != self.tail.missing

    def know(self, entry: Entry) -> None:
        """A frame has this entry."""
        frame_id = entry.frame_id
        if frame_id is None:  # somebody wrote the metadata anew and left it out; the image has it
            frame_id = carried(self.folder, entry.filename, "frame_id")
        if frame_id is not None:
            self.recorded.add(frame_id)
        self.recent.append(Known(entry.index, entry.filename, entry.sha256, frame_id))


def carried(folder: Path, name: str, key: str) -> str | None:
    """A text that a recorded image carries of its frame, or None."""
    value = pictures.fields_of(folder, name).get(key)
    return value if isinstance(value, str) else None
