"""A stand-in for the Hugging Face hub on loopback, that the real ``huggingface_hub`` talks to.

Its address is read when that library is imported: give :meth:`FakeHub.environment` to a process of its own. Weights are
kept as the hub keeps large files: asked for, it sends elsewhere, under their SHA-256.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

TOKEN = "hf_letmein"
_LARGE = (".safetensors", ".bin", ".msgpack")
_INFO = re.compile(r"/api/models/(?P<repo>[^/]+/[^/]+)(/revision/(?P<rev>[^/]+))?")
_TREE = re.compile(r"/api/models/(?P<repo>[^/]+/[^/]+)/tree/(?P<rev>[^/]+)")
_FILE = re.compile(r"/(?P<repo>[^/]+/[^/]+)/resolve/(?P<rev>[^/]+)/(?P<file>.+)")
_LARGE_FILE = re.compile(r"/large/(?P<sha>[0-9a-f]{64})")


@dataclass
class Repo:
    """A model of the hub. ``claimed``: bytes that the hub says a file has, whatever it has."""

    files: dict[str, bytes]
    licence: str | None = None
    gated: bool = False
    claimed: dict[str, int] = field(default_factory=dict)

    @property
    def commit(self) -> str:
        told = b"".join(name.encode() + content for name, content in sorted(self.files.items()))
        return hashlib.sha1(told).hexdigest()

    def size(self, name: str) -> int:
        return self.claimed.get(name, len(self.files[name]))

    def entry(self, name: str) -> dict[str, Any]:
        """What the hub says of a file."""
        content = self.files[name]
        told: dict[str, Any] = {"size": self.size(name), "blobId": blob(content)}
        if name.endswith(_LARGE):
            told["lfs"] = {"sha256": sha256(content), "size": self.size(name), "pointerSize": 130}
        return told


@dataclass(frozen=True)
class Asked:
    """A request that was made."""

    method: str
    path: str
    range: str | None


class FakeHub:
    """The hub: put models into ``repos``.

    Attributes:
        asked: every request so far.
        break_once: by SHA-256 of a large file, after how many bytes its connection ends, once.
        hold_at: the same, after how many bytes it sets ``held`` and waits for ``released``.
    """

    def __init__(self) -> None:
        self.repos: dict[str, Repo] = {}
        self.asked: list[Asked] = []
        self.break_once: dict[str, int] = {}
        self.hold_at: dict[str, int] = {}
        self.held, self.released = threading.Event(), threading.Event()
        hub = self

        class Handler(_Handler):
            server_hub = hub

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    @property
    def large_url(self) -> str:
        """Of where large files are: by another name, as the hub has them elsewhere."""
        return f"http://localhost:{self._server.server_port}"

    def environment(self, home: Path) -> dict[str, str]:
        """For a process whose hub this is, with caches of its own."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("HF_", "PARAFOVEA_"))}
        return {
            **kept,
            "HF_ENDPOINT": self.url,
            "HF_HOME": str(home / "huggingface"),
            "XDG_CACHE_HOME": str(home / "cache"),
            "NO_PROXY": "*",
        }

    def large_asked(self) -> list[Asked]:
        """The requests for weights, without those for their first bytes alone."""
        got = [one for one in self.asked if one.method == "GET" and one.path.startswith("/large/")]
        return [one for one in got if one.range != "bytes=0-100000"]

    def close(self) -> None:
        self.released.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


@contextmanager
def fake_hub() -> Iterator[FakeHub]:
    hub = FakeHub()
    try:
        yield hub
    finally:
        hub.close()


def files_of(folder: Path) -> dict[str, bytes]:
    """The files of a model's folder, as a repository has them."""
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def only_variant(files: Mapping[str, bytes], variant: str) -> dict[str, bytes]:
    """The same weights under names of a variant alone."""
    return {name.replace(".safetensors", f".{variant}.safetensors"): content for name, content in files.items()}


def header_of(shapes: Mapping[str, list[int]]) -> bytes:
    """The beginning of a file of weights of these shapes, as large as one likes, without any weights."""
    told = {name: {"dtype": "BF16", "shape": shape, "data_offsets": [0, 0]} for name, shape in shapes.items()}
    header = json.dumps(told).encode()
    return len(header).to_bytes(8, "little") + header


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def blob(content: bytes) -> str:
    """By which name git knows a file."""
    return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()


class _Handler(BaseHTTPRequestHandler):
    server_hub: FakeHub
    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: Any) -> None:
        pass

    def do_HEAD(self) -> None:
        self._answer()

    def do_GET(self) -> None:
        self._answer()

    def _answer(self) -> None:
        path = unquote(urlsplit(self.path).path)
        self.server_hub.asked.append(Asked(self.command, path, self.headers.get("Range")))
        if match := _LARGE_FILE.fullmatch(path):
            self._send_large(match["sha"])
        elif match := _TREE.fullmatch(path) or _INFO.fullmatch(path) or _FILE.fullmatch(path):
            self._of_repo(match)
        else:
            self._refuse(404, "EntryNotFound")

    def _of_repo(self, match: re.Match[str]) -> None:
        repo = self.server_hub.repos.get(match["repo"])
        if repo is None:
            return self._refuse(404, "RepoNotFound")
        if match["rev"] not in (None, "main", repo.commit):
            return self._refuse(404, "RevisionNotFound")
        if match.re is _INFO:
            return self._send_json(_info(match["repo"], repo))
        if match.re is _TREE:
            return self._send_json([_branch(repo, name) for name in repo.files])
        if repo.gated and self.headers.get("Authorization") != f"Bearer {TOKEN}":
            return self._refuse(401, "GatedRepo")
        if match["file"] not in repo.files:
            return self._refuse(404, "EntryNotFound", {"X-Repo-Commit": repo.commit})
        return self._send_file(repo, match["file"])

    def _send_file(self, repo: Repo, name: str) -> None:
        content = repo.files[name]
        if not name.endswith(_LARGE):
            return self._send(200, content, {"ETag": f'"{blob(content)}"', "X-Repo-Commit": repo.commit})
        digest = sha256(content)
        linked = {"X-Linked-ETag": f'"{digest}"', "X-Linked-Size": str(repo.size(name)), "X-Repo-Commit": repo.commit}
        return self._send(302, b"", {**linked, "Location": f"{self.server_hub.large_url}/large/{digest}"})

    def _send_large(self, digest: str) -> None:
        every = (content for repo in self.server_hub.repos.values() for content in repo.files.values())
        content = next(one for one in every if sha256(one) == digest)
        headers = {"ETag": f'"{digest}"', "Accept-Ranges": "bytes"}
        wanted = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range") or "")
        if wanted is None and digest in self.server_hub.hold_at:
            return self._send_held(content, headers, self.server_hub.hold_at[digest])
        if wanted is None:
            return self._send(200, content, headers, self.server_hub.break_once.pop(digest, None))
        first, last = int(wanted[1]), min(int(wanted[2] or len(content)), len(content) - 1)
        headers["Content-Range"] = f"bytes {first}-{last}/{len(content)}"
        return self._send(206, content[first : last + 1], headers)

    def _send_held(self, content: bytes, headers: Mapping[str, str], hold_at: int) -> None:
        self._send(200, content, headers, hold_at)
        self.server_hub.held.set()
        self.server_hub.released.wait(60)
        with suppress(OSError):
            self.wfile.write(content[hold_at:])

    def _send_json(self, value: Any) -> None:
        self._send(200, json.dumps(value).encode(), {"Content-Type": "application/json"})

    def _refuse(self, status: int, code: str, headers: Mapping[str, str] | None = None) -> None:
        self._send(status, b"", {**(headers or {}), "X-Error-Code": code, "X-Error-Message": code})

    def _send(self, status: int, content: bytes, headers: Mapping[str, str], break_after: int | None = None) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content if break_after is None else content[:break_after])
        if break_after is not None:
            self.wfile.flush()
            self.close_connection = True


def _info(name: str, repo: Repo) -> dict[str, Any]:
    card = {"cardData": {"license": repo.licence}} if repo.licence else {}
    siblings = [{"rfilename": one, **repo.entry(one)} for one in repo.files]
    gated = "auto" if repo.gated else False
    return {"id": name, "sha": repo.commit, "private": False, "gated": gated, "siblings": siblings, **card}


def _branch(repo: Repo, name: str) -> dict[str, Any]:
    told = repo.entry(name)
    lfs = told.get("lfs")
    kept = {"oid": lfs["sha256"], "size": lfs["size"], "pointerSize": lfs["pointerSize"]} if lfs else None
    return {
        "type": "file",
        "path": name,
        "size": told["size"],
        "oid": told["blobId"],
        **({"lfs": kept} if kept else {}),
    }
