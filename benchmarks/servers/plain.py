"""A plain server of FastAPI and Pillow in one process: ``python -m ... PORT SLEEP_MS SLEPT_FILE COMPRESS_LEVEL``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import uvicorn
from fastapi import Body, FastAPI, Response
from fastapi.concurrency import run_in_threadpool

from benchmarks.servers.editing import decoded, encoded, predicted


def main() -> None:
    """Serve until told to stop."""
    port, sleep_s, slept, level = int(sys.argv[1]), float(sys.argv[2]) / 1000, Path(sys.argv[3]), int(sys.argv[4])
    app = FastAPI()

    def made(asked: dict[str, Any]) -> bytes:
        return encoded(predicted(decoded(asked), asked, sleep_s, slept), level)

    @app.post("/generate")
    async def generate(asked: dict[str, Any] = Body()) -> Response:  # noqa: B008
        return Response(await run_in_threadpool(made, asked), media_type="image/png")

    @app.get("/health")
    async def health() -> dict[str, str]:
        return {}

    uvicorn.run(app, host="127.0.0.1", port=port, access_log=False, log_level="warning")


if __name__ == "__main__":
    main()
