"""HTTP alone: reads a body, whatever it is, and answers at once with a file: ``python -m ... PORT FILE``."""

from __future__ import annotations

import sys
from pathlib import Path

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route


def main() -> None:
    """Serve until told to stop."""
    port, file = int(sys.argv[1]), Path(sys.argv[2])
    picture = file.read_bytes()

    async def generate(request: Request) -> Response:
        await request.body()
        return Response(picture, media_type="image/png")

    async def health(request: Request) -> Response:
        return Response(b"{}")

    routes = [Route("/generate", generate, methods=["POST"]), Route("/health", health)]
    uvicorn.run(Starlette(routes=routes), host="127.0.0.1", port=port, access_log=False, log_level="warning")


if __name__ == "__main__":
    main()
