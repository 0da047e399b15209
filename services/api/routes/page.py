"""The page at ``/``: its files, and the photographs to begin with. Public, but for the photographs: the page itself
asks for the token."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from starlette.requests import Request
from starlette.responses import Response

from services.api.edge.heads import has_tag
from services.api.http.errors import JsonResponse
from services.api.http.headers import NO_STORE
from shared.errors import NotFound
from shared.system.places import SAMPLES

WEB = Path(__file__).parents[1] / "web"

T = TypeVar("T")

PUBLIC_PREFIX = "/web/"

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

_PAGE_HEADERS = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "Cross-Origin-Opener-Policy": "same-origin",
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


@dataclass(frozen=True, slots=True)
class _Held:
    """A file in memory, as long as it has not changed on disk."""

    stamp: tuple[int, int]
    data: bytes
    etag: str


class PageRoutes:
    """Handles the routes."""

    def __init__(self, threads: ThreadPoolExecutor) -> None:
        self._held: dict[Path, _Held] = {}
        self._threads = threads

    async def index(self, request: Request) -> Response:
        """The page."""
        return await self._answer(request, WEB / "index.html", _PAGE_HEADERS)

    async def file(self, request: Request) -> Response:
        """One of its files."""
        path = request.path_params["path"]
        return await self._answer(request, await self._in_thread(lambda: _inside(WEB, path)), {})

    async def samples(self, request: Request) -> Response:
        """The photographs to begin with."""
        found = [
            {"name": path.stem, "file": path.name, "title": path.stem.replace("_", " ").capitalize()}
            for path in await self._in_thread(sample_paths)
        ]
        return JsonResponse({"samples": found}, headers=NO_STORE)

    async def sample(self, request: Request) -> Response:
        """One photograph."""
        name = request.path_params["name"]
        return await self._answer(request, await self._in_thread(lambda: sample_path(name)), {})

    async def _answer(self, request: Request, path: Path, headers: dict[str, str]) -> Response:
        try:
            held = await self._in_thread(lambda: self._read(path))
        except OSError:
            raise NotFound(f"There is no file {request.url.path[:200]!r} in this version.") from None
        headers = {**headers, "ETag": held.etag, "Cache-Control": "no-cache"}
        if has_tag(request.headers, held.etag):
            return Response(None, 304, headers)
        return Response(held.data, 200, headers, _MEDIA_TYPES[path.suffix])

    async def _in_thread(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._threads, work)

    def _read(self, path: Path) -> _Held:
        status = path.stat()
        stamp = (status.st_mtime_ns, status.st_size)
        held = self._held.get(path)
        if held is None or held.stamp != stamp:
            data = path.read_bytes()
            held = _Held(stamp, data, f'"{hashlib.sha256(data).hexdigest()[:32]}"')
            if path.suffix != ".jpg":  # photographs are large, and asked for once
                self._held[path] = held
        return held


def is_public(path: str) -> bool:
    """Whether a path is a part of the page itself, which has to be there to ask for the token."""
    return path == "/" or path.startswith(PUBLIC_PREFIX)


def sample_paths() -> list[Path]:
    """The photographs of ``examples/``, the one with the most detail first: the page begins with it."""
    return sorted(SAMPLES.glob("*.jpg"), key=lambda path: (-path.stat().st_size, path.name))


def sample_path(name: str) -> Path:
    """A photograph by its file name.

    Raises:
        NotFound: there is none of that name.
    """
    for path in sample_paths():
        if path.name == name:
            return path
    raise NotFound(f"There is no photograph {name[:100]!r}; /samples lists them.")


def _inside(root: Path, name: str) -> Path:
    """A file below ``root``.

    Raises:
        NotFound: the name leads out of it, or is of a kind that the page has none of.
    """
    path = (root / name).resolve()
    if not path.is_relative_to(root.resolve()) or path.suffix not in _MEDIA_TYPES:
        raise NotFound(f"The page has no file {name[:200]!r}.")
    return path
