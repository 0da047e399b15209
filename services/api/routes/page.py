"""The page at ``/``, its files, and sample photographs. The page is public, as it asks for the token itself."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from pydantic import Field
from pydantic.json_schema import SkipJsonSchema
from starlette.requests import Request
from starlette.responses import Response

from services.api.http.files import cached, of_picture
from services.api.http.headers import IMAGE_SHA256
from services.api.http.operation import KNOWN, PAGE, Answer, Asked, get
from services.api.service import Api
from shared.errors import NotFound
from shared.system.places import SAMPLES

WEB = Path(__file__).parents[1] / "web"

_FILE = Answer("The file.", {"*/*": None})
_PHOTOGRAPH = Answer("The file.", {"image/jpeg": None}, headers=(IMAGE_SHA256,), always=(IMAGE_SHA256,))

CONTENT_SECURITY_POLICY = "; ".join(
    [
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "font-src 'self'",
        "img-src 'self' blob:",
        "connect-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
        # No script of the page turns text into markup, and none can begin to unnoticed.
        "require-trusted-types-for 'script'",
        "trusted-types 'none'",
    ]
)

_ISOLATED = {"Cross-Origin-Opener-Policy": "same-origin", "Cross-Origin-Embedder-Policy": "require-corp"}
"""Chromium gives the page its clock in steps of 5 us, not 100; in return it may show nothing of other origins."""

_PAGE_HEADERS = {
    **_ISOLATED,
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "Permissions-Policy": "camera=(), microphone=(), geolocation=(), fullscreen=(self)",
}

# Not from the mimetypes module: on Windows that reads the registry, where .js may be anything.
_MEDIA_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".svg": "image/svg+xml",
    ".woff2": "font/woff2",
    ".txt": "text/plain; charset=utf-8",
    ".jpg": "image/jpeg",
}


class PageQuery(Asked):
    gaze: SkipJsonSchema[str | None] = None
    """Of the page itself: the document is of what programs ask."""


class FilePath(Asked):
    path: str = Field(description="below `/web/`")


class SamplePath(Asked):
    name: str = Field(description="of the file, as `/samples` tells it")


@dataclass
class Sample:
    name: str
    file: str
    title: str


@dataclass
class Samples:
    samples: list[Sample]


@get("/", PAGE, KNOWN)
async def index(api: Api, asked: PageQuery, request: Request) -> Response:
    """The page."""
    return await _answer(api, request, lambda: WEB / "index.html", _PAGE_HEADERS)


@get("/web/{path}", _FILE, KNOWN, "not_found")
async def file(api: Api, asked: FilePath, request: Request) -> Response:
    """A file of the page."""
    return await _answer(api, request, lambda: _inside(WEB, asked.path), _ISOLATED)


@get("/samples", "To begin with.")
async def samples(api: Api) -> Samples:
    """The photographs to begin with."""
    found = await asyncio.get_running_loop().run_in_executor(api.threads, sample_paths)
    return Samples([Sample(path.stem, path.name, path.stem.replace("_", " ").capitalize()) for path in found])


@get("/samples/{name}", _PHOTOGRAPH, KNOWN, "not_found")
async def sample(api: Api, asked: SamplePath, request: Request) -> Response:
    """One photograph."""
    return await _answer(api, request, lambda: sample_path(asked.name), {}, is_picture=True)


async def _answer(
    api: Api, request: Request, find: Callable[[], Path], headers: dict[str, str], *, is_picture: bool = False
) -> Response:
    """A file, read in a thread of our own.

    Starlette's ``StaticFiles`` takes media types from the system, makes the ETag of the file's time, which an
    installation changes, and reads a file anew for each request.
    """
    loop = asyncio.get_running_loop()
    try:
        path, data, sha256 = await loop.run_in_executor(api.threads, lambda: _read(find()))
    except OSError:
        raise NotFound(f"There is no file {request.url.path[:200]!r} in this version.") from None
    named = {**headers, **of_picture(sha256)} if is_picture else headers
    return cached(request, data, named, f'"{sha256[:32]}"', _MEDIA_TYPES[path.suffix])


def _read(path: Path) -> tuple[Path, bytes, str]:
    status = path.stat()
    # Photographs are large, and asked for once.
    load = _load.__wrapped__ if path.suffix == ".jpg" else _load
    return path, *load(path, status.st_mtime_ns, status.st_size)


@lru_cache(maxsize=200)
def _load(path: Path, mtime_ns: int, size: int) -> tuple[bytes, str]:
    """A file and its SHA-256, in memory until it changes on disk."""
    data = path.read_bytes()
    return data, hashlib.sha256(data).hexdigest()


def sample_paths() -> list[Path]:
    """The photographs of ``examples/``, the one with the most detail first: the page starts with it."""
    return sorted(SAMPLES.glob("*.jpg"), key=lambda path: (-path.stat().st_size, path.name))


def sample_path(name: str) -> Path:
    """A photograph by its file name. Raises NotFound if there is none."""
    for path in sample_paths():
        if path.name == name:
            return path
    raise NotFound(f"There is no photograph {name[:100]!r}; /samples lists them.")


def _inside(root: Path, name: str) -> Path:
    """A file below ``root``."""
    path = (root / name).resolve()
    if not path.is_relative_to(root.resolve()) or path.suffix not in _MEDIA_TYPES:
        raise NotFound(f"The page has no file {name[:200]!r}.")
    return path
