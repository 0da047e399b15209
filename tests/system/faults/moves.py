"""What users do to the folders of their sessions between recordings: copy, rename, export and import."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass, field

from tests.support.studio import Answered, Studio
from tests.support.waiting import eventually

SETTLE_S = 120.0
LARGEST = 40
"""Frames in a session that is copied: what a storm copies must not grow with the storm."""


@dataclass
class Folders:
    """The sessions of a storm.

    Attributes:
        current: the one that is recorded.
        place: by the session id that frames were answered with, the folder that they are in by now.
        inherited: by folder, ids of the frames that it was copied with, in order.
    """

    current: str
    place: dict[str, str] = field(default_factory=dict)
    inherited: dict[str, list[str]] = field(default_factory=dict)
    _made: int = 0

    def begin(self, session_id: str) -> None:
        """A session that frames are answered with from now on."""
        self.current = session_id
        self.place[session_id] = session_id

    def name(self, how: str) -> str:
        """A new session id."""
        self._made += 1
        return f"{how}_{self._made}"

    def of(self, folder: str, answered: Sequence[Answered]) -> list[Answered]:
        """The frames that were answered with a session that is in this folder by now."""
        return [frame for frame in answered if frame.session_id and self.place.get(frame.session_id) == folder]

    def is_settled(self, studio: Studio, folder: str, answered: Sequence[Answered]) -> bool:
        """Whether each frame answered with a session is recorded in it, or named as lost."""
        known = {*studio.frame_ids(folder), *studio.metadata(folder).get("lost", [])}
        return {frame.frame_id for frame in self.of(folder, answered)} <= known


def go_on_elsewhere(studio: Studio, folders: Folders, answered: Sequence[Answered], how: str) -> None:
    """Copy, import or rename the session that is recorded, and go on in what came of it; in a session of its own where
    it has grown large."""
    if len(studio.frame_ids(folders.current)) > LARGEST:
        folders.begin(folders.name("storm"))
        studio.start_session(folders.current)
        return
    source, target = folders.current, folders.name(how)
    if how == "imported":  # while it is being recorded
        archive = studio.http.get(f"/session/{source}/export")
        assert archive.status_code == 200, archive.text
        answer = studio.http.post("/session/import", params={"session_id": target}, content=archive.content)
        assert answer.status_code == 200, answer.text
    else:
        studio.http.post("/session/stop")
        what = f"each frame of {source} is recorded or named as lost"
        eventually(lambda: folders.is_settled(studio, source, answered), SETTLE_S, what)
        eventually(lambda: "open" not in studio.metadata(source), SETTLE_S, f"{source} is closed")
        if how == "copied":
            shutil.copytree(studio.sessions / source, studio.sessions / target)
        else:
            (studio.sessions / source).rename(studio.sessions / target)
            for session_id, folder in folders.place.items():
                if folder == source:
                    folders.place[session_id] = target
            if source in folders.inherited:
                folders.inherited[target] = folders.inherited.pop(source)
    if how != "renamed":
        folders.inherited[target] = studio.frame_ids(target)
    folders.begin(target)
    studio.start_session(target, resume="true")
