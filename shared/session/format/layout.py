"""Names of folders and files in a session, and how to read them back."""

from __future__ import annotations

import re
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from shared.session.format import ids
from shared.system.disk import TEMP_PREFIX

METADATA = "metadata.json"
MAX_INDEX = 2**53 - 1
"""The largest index: R, JavaScript and jq read it exactly."""
MAX_PICTURE_BYTES = 128 << 20
"""The largest frame or input: more than twice an uncompressed picture of the largest size."""
MAX_METADATA_BYTES = 1 << 30
"""The longest metadata, or file that says something of it, that is exported and imported."""
REPAIRS = "repairs.jsonl"
"""What was repaired, one JSON object a line; also what a lost tail of the metadata is restored from."""
VERIFICATION = "verification.json"
"""What the last verification found."""
INPUTS = "inputs"
SPILL = ".spill"
ASIDE = ".aside"
"""In the sessions folder: frames that could not be recorded, and journals that could not be read, for a human."""
JOURNAL = ".journal"
ANSWERED = ".answered"
"""The journal of versions before 0.2."""
RECORDER_LOCK = ".recorder.lock"
"""In the sessions folder: whoever writes into sessions holds it."""
ACTIVE = ".active"
"""In the sessions folder: which session is being recorded, for a recorder that is set to resume."""
ACKNOWLEDGING = ".recorder.secret"
"""In the bus's folder, or in the sessions folder where the bus has none: what a generator knows the recorder by."""

INPUT_EXTENSIONS: tuple[str, ...] = ("png", "jpg", "webp")

TAIL_KEYS = ("open", "open_as", "interrupted", "lost", "missing")
"""Of ``metadata.json``: those behind the entries, which change."""
RESERVED_KEYS = frozenset(["session_id", "created_at", "format", "sequence", *TAIL_KEYS])
"""What a session says of itself: nobody who begins one says it for it."""
MAX_TIME_S = 253_402_300_799
"""The last second of the year 9999, in Unix seconds."""

_LITTER = frozenset(["thumbs.db", "ehthumbs.db", "desktop.ini", "icon\r", "picasa.ini", "$recycle.bin"])
_LITTER_FOLDERS = frozenset(
    [
        *("@eadir", "#recycle", "#snapshot", "@recycle", "@recently-snapshot", ".@__thumb"),
        *("__macosx", ".appledouble", ".fseventsd", ".spotlight-v100", ".temporaryitems", ".documentrevisions-v100"),
        *("$recycle.bin", "system volume information", "lost+found", ".thumbnails", ".snapshot"),
        *(".stfolder", ".stversions", ".sync", ".dropbox.cache", ".ipynb_checkpoints", ".git", ".rproj.user"),
    ]
)
"""Of Synology, QNAP, macOS, Windows, Linux, and of what keeps folders in step or under control."""

FRAME_PATTERN = r"^[0-9]{4,16}_[A-Z]{2}\.png$"
_FRAME = re.compile(r"([0-9]{4,16})_([A-Z]{2})\.png\Z")
_KEPT = re.compile(r"metadata\.json\.before-repair-[0-9]{8}T[0-9]{6}Z(?:-[0-9]{1,6})?\Z")
SHA256 = re.compile(r"[0-9a-f]{64}\Z")
STAGING_TOKEN = re.compile(r"[0-9a-f]{32}\Z")
"""What an importer calls the folder that it builds a session in."""
_INPUT = re.compile(r"([0-9a-f]{64})\.(png|jpg|webp)\Z")


@dataclass(frozen=True, slots=True)
class FrameName:
    """What the name of a frame's file says."""

    index: int
    sector: str


def frame_name(index: int, sector: str) -> str:
    """``0000_BR.png``: the index with four digits or more, then the target sector. Raises ValueError where that would
    be no name of a frame."""
    name = f"{index:04d}_{sector}.png"
    if not _FRAME.match(name):
        raise ValueError(f"a frame is called by its index and its sector, and not {name[:100]!r}")
    return name


def parse_frame_name(name: str) -> FrameName | None:
    """The index and sector of a frame's file name, or None for any other name (``00012_BR.png`` included)."""
    match = _FRAME.match(name)
    if not match:
        return None
    parsed = FrameName(int(match[1]), match[2])
    return parsed if parsed.index <= MAX_INDEX and frame_name(parsed.index, parsed.sector) == name else None


def input_name(sha256: str, extension: str) -> str:
    """``inputs/<sha256>.png``: an input's path inside its session, with a forward slash everywhere."""
    if extension not in INPUT_EXTENSIONS:
        raise ValueError(f"an input is one of {', '.join(INPUT_EXTENSIONS)}, not {extension!r}")
    if not SHA256.match(sha256):
        raise ValueError("an input is called by its SHA-256, 64 hex digits")
    return f"{INPUTS}/{sha256}.{extension}"


def parse_input_name(name: str) -> str | None:
    """The hash in the file name (without folder) of an input, or None for any other name."""
    match = _INPUT.match(name)
    return match[1] if match else None


def kept_name(now_s: float, number: int) -> str:
    """``metadata.json.before-repair-20260301T101500Z``: what the metadata is kept as before it is written anew.
    ``number`` tells those of one second apart, from 1."""
    stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(now_s))
    return f"{METADATA}.before-repair-{stamp}" + (f"-{number}" if number > 1 else "")


def is_kept(name: str) -> bool:
    """Whether a file of this name is metadata as it was before it was written anew."""
    return bool(_KEPT.match(name))


def is_litter(parts: Sequence[str]) -> bool:
    """What file managers, file servers and editors leave behind, by the parts of its path: no file of a session."""
    leaf = parts[-1]
    return (
        leaf.startswith((".", "~$", "#"))
        or leaf.endswith(("~", ":Zone.Identifier", ":encryptable"))
        or leaf.lower() in _LITTER
        or any(part.lower() in _LITTER_FOLDERS or part.startswith(".Trash") for part in parts)
    )


def is_temporary(name: str) -> bool:
    """Whether a file of this name is half-written, and nobody's once its writer is gone."""
    return name.startswith(TEMP_PREFIX)


def image_extension(data: bytes | memoryview) -> str:
    """``png``, ``jpg`` or ``webp``, by the first bytes. Raises ValueError where it is none of them."""
    start = bytes(data[:12])
    if start.startswith(b"\x89PNG\r\n\x1a\n"):
        return "png"
    if start.startswith(b"\xff\xd8\xff"):
        return "jpg"
    if start[:4] == b"RIFF" and start[8:12] == b"WEBP":
        return "webp"
    raise ValueError("these bytes are neither PNG, JPEG nor WebP")


def folder_to_write(root: Path, session_id: str) -> Path:
    """The folder of a session, to write into it: nothing but a folder right under ``root``, whoever asks. Raises
    InvalidSessionId where no session may have this id."""
    return root / ids.validate(session_id)
