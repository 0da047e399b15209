"""A whole Parafovea with a quick engine, and what its user does with it: for tests of recording under faults."""

from __future__ import annotations

import base64
import hashlib
import random
import sys
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from tests.support.asking import http_status
from tests.support.faulty_disk import Plan
from tests.support.metadata import read_metadata
from tests.support.processes import Process, System
from tests.support.waiting import eventually

TIMEOUT_S = 60.0


@dataclass(frozen=True, slots=True)
class Answered:
    """One answer of ``/generate`` with a picture."""

    frame_id: str
    recorded: str
    session_id: str | None
    sha256: str
    png: bytes

    @classmethod
    def of(cls, response: httpx.Response) -> Answered:
        """Read an answer with a picture."""
        headers = response.headers
        digest = hashlib.sha256(response.content).hexdigest()
        return cls(headers["X-Frame-Id"], headers["X-Recorded"], headers.get("X-Session"), digest, response.content)


class Studio(System):
    """Quick generator, recorder with a faulty disk, API; and a client."""

    def __init__(self, folder: Path, **settings: str) -> None:
        super().__init__(folder, **settings)
        self.plan = Plan(folder / "recorder-faults.json")
        self.http = httpx.Client(base_url=self.url, timeout=TIMEOUT_S)

    # -- processes ----------------------------------------------------------------------------------------------------

    def start_generator(self, *, sleep_ms: float = 0, depends: str | None = None, wait: bool = True) -> Process:
        command = [sys.executable, "-m", "tests.support.launch", "generator", "--sleep-ms", str(sleep_ms)]
        command += ["--depends", depends] if depends else []
        return self.run("generator", command, wait=wait)

    def start_recorder(self, *, wait: bool = True) -> Process:
        command = [sys.executable, "-m", "tests.support.launch", "recorder", "--plan", str(self.plan.path)]
        return self.run("recorder", command, wait=wait)

    def start_api(self) -> Process:
        process = self.start("api")
        self.wait_until_ready()
        return process

    def start_everything(self) -> None:
        self.start_generator()
        self.start_recorder()
        self.start("replayer")
        self.start("gaze")
        self.start_api()

    def process(self, name: str) -> Process:
        """The process of this name that was started last."""
        return next(process for process in reversed(self.processes) if process.name == name)

    def wait_until_ready(self) -> None:
        """Until the API would accept a ``/generate``."""
        eventually(self._answers_ready, TIMEOUT_S, "the API is ready")

    def _answers_ready(self) -> bool:
        return http_status(f"{self.url}/ready") == 200

    # -- what a user does ---------------------------------------------------------------------------------------------

    def start_session(self, session_id: str, **query: str) -> None:
        response = self.http.post("/session/start", params={"session_id": session_id, **query})
        assert response.status_code == 200, response.text

    def post_generate(self, seed: int, *, image: bytes | None = None, **fields: Any) -> httpx.Response:
        encoded = base64.b64encode(flat_png(64, 64) if image is None else image).decode()
        body = {"image_base64": encoded, "focus_sector": "TL", "prompt": f"frame {seed}", "seed": seed, **fields}
        return self.http.post("/generate", json=body)

    def generate(self, seed: int, **fields: Any) -> Answered:
        response = self.post_generate(seed, **fields)
        assert response.status_code == 200, response.text
        return Answered.of(response)

    def error_of(self, response: httpx.Response) -> str:
        """The code of an error answer."""
        code: str = response.json()["error"]
        return code

    def health(self) -> dict[str, Any]:
        answer: dict[str, Any] = self.http.get("/health").json()
        return answer

    def change_model(self, name: str) -> dict[str, Any]:
        """Have a model make the pictures, and wait until it does; what ``GET /model`` says then."""
        asked = self.http.post("/model", json={"model": name})
        assert asked.status_code == 202, asked.text
        now: dict[str, Any] = {}

        def is_there() -> bool:
            now.update(self.http.get("/model").json())
            assert now["failure"] is None, now["failure"]
            return bool(now["name"] == name and now["loading"] is None)

        eventually(is_there, TIMEOUT_S, f"{name} makes pictures")
        return now

    # -- what is on disk ----------------------------------------------------------------------------------------------

    def metadata(self, session_id: str) -> dict[str, Any]:
        """``metadata.json`` of a session."""
        return read_metadata(self.sessions / session_id / "metadata.json")

    def frame_ids(self, session_id: str) -> list[str]:
        """Ids of the recorded frames, in order; empty where there is no session."""
        if not (self.sessions / session_id / "metadata.json").exists():
            return []
        return [entry["frame_id"] for entry in self.metadata(session_id)["sequence"]]

    def wait_recorded(self, session_id: str, frames: list[Answered]) -> None:
        """Until the session holds exactly these frames, in this order, byte for byte."""
        wanted = [frame.frame_id for frame in frames]
        eventually(lambda: self.frame_ids(session_id) == wanted, TIMEOUT_S, f"{len(wanted)} frames in {session_id}")
        self.assert_whole(session_id, frames)

    def assert_whole(self, session_id: str, frames: list[Answered]) -> None:
        """The session holds exactly these frames, in this order, byte for byte, each once, with its input."""
        folder = self.sessions / session_id
        sequence = self.metadata(session_id)["sequence"]
        assert [entry["frame_id"] for entry in sequence] == [frame.frame_id for frame in frames]
        assert [entry["index"] for entry in sequence] == sorted({entry["index"] for entry in sequence})
        for entry, frame in zip(sequence, frames, strict=True):
            data = (folder / entry["filename"]).read_bytes()
            assert hashlib.sha256(data).hexdigest() == entry["sha256"] == frame.sha256
            given = (folder / entry["input_file"]).read_bytes()
            assert hashlib.sha256(given).hexdigest() == entry["input_sha256"]
        listed = {path.name for path in folder.glob("[0-9]*.png")}
        assert listed == {entry["filename"] for entry in sequence}
        assert not list(folder.rglob(".tmp-*"))


@contextmanager
def studio_in(folder: Path, **settings: str) -> Iterator[Studio]:
    """A studio with nothing started yet; at the end all is stopped and nothing may be left. Its logs are shown."""
    made = Studio(folder, **settings)
    try:
        yield made
        made.stop_all()
        made.assert_nothing_left()
    finally:
        made.http.close()
        made.kill_all()
        made.print_logs()


@contextmanager
def real_studio_in(folder: Path, models_dir: Path, **settings: str) -> Iterator[Studio]:
    """A studio whose processes all run, with a tiny model of random weights, and others to choose from in a folder."""
    own = {
        "PARAFOVEA_MODEL": "tiny",
        "PARAFOVEA_MODELS_DIR": str(models_dir),
        "PARAFOVEA_DTYPE": "float32",
        "PARAFOVEA_DEVICE": "cpu",
        "HF_HUB_OFFLINE": "1",
    }
    with studio_in(folder, **own, **settings) as made:
        for name in ("generator", "recorder", "replayer", "gaze", "api"):
            made.start(name)
        made.wait_until_ready()
        yield made


def flat_png(width: int, height: int, value: int = 120) -> bytes:
    """A picture of one grey, as a PNG."""
    return _png(width, height, (b"\x00" + bytes([value]) * (3 * width)) * height)


def noise_png(width: int, height: int, seed: int) -> bytes:
    """A picture that cannot be compressed, as a PNG."""
    noise = random.Random(seed)
    return _png(width, height, b"".join(b"\x00" + noise.randbytes(3 * width) for _ in range(height)))


def _png(width: int, height: int, rows: bytes) -> bytes:
    header = width.to_bytes(4, "big") + height.to_bytes(4, "big") + b"\x08\x02\x00\x00\x00"
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(rows)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        len(data).to_bytes(4, "big") + kind + data + zlib.crc32(kind + data).to_bytes(4, "big") for kind, data in chunks
    )
