"""LitServe with the same predict: ``python -m ... PORT SLEEP_MS SLEPT_FILE COMPRESS_LEVEL``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import litserve
import numpy as np
from fastapi import Response
from numpy.typing import NDArray

from benchmarks.servers.editing import decoded, encoded, predicted


class Editing(litserve.LitAPI):
    """One worker process, as LitServe starts by default; its sleep, file and level come from the command."""

    def __init__(self, sleep_s: float, slept: Path, level: int) -> None:
        super().__init__(api_path="/generate")
        self._sleep_s, self._slept, self._level = sleep_s, slept, level

    def setup(self, device: str) -> None:
        """There is no model."""

    # Without types, by which LitServe would read the request in another way.
    def decode_request(self, request):  # type: ignore[no-untyped-def]
        return decoded(request), request

    def predict(self, x: tuple[NDArray[np.uint8], dict[str, Any]]) -> NDArray[np.uint8]:
        return predicted(*x, self._sleep_s, self._slept)

    def encode_response(self, output):  # type: ignore[no-untyped-def]
        return Response(encoded(output, self._level), media_type="image/png")


def main() -> None:
    """Serve until told to stop."""
    port, sleep_s, slept, level = int(sys.argv[1]), float(sys.argv[2]) / 1000, Path(sys.argv[3]), int(sys.argv[4])
    server = litserve.LitServer(Editing(sleep_s, slept, level), accelerator="cpu")
    server.run(host="127.0.0.1", port=port, generate_client_file=False, access_log=False, log_level="warning")


if __name__ == "__main__":
    main()
