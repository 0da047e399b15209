"""HTTP as a stranger speaks it: what comes is kept as it came."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from http.client import HTTPConnection
from typing import Any

from tests.golden import raw_json
from tests.golden.pictures import describe

ANSWER_S = 60.0


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP answer: header names in lower case, sorted."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes

    def header(self, name: str) -> str:
        return dict(self.headers)[name]

    def noted(self, body: Any = None) -> dict[str, Any]:
        """For the record; ``body`` in place of the description of what came."""
        headers = dict(self.headers)
        if len(headers) != len(self.headers):
            raise ValueError(f"a header came twice: {self.headers}")
        if self.body and headers.get("content-length") == str(len(self.body)):
            headers["content-length"] = "the body's"
        elif "content-length" in headers and not self.body:
            headers["content-length"] = "0" if headers["content-length"] == "0" else "<n>"
        return {
            "status": raw_json.Number(self.status),
            "headers": headers,
            "body": describe(self.body) if body is None else body,
        }


def http(
    port: int,
    method: str,
    target: str,
    body: bytes | None = None,
    headers: Mapping[str, str] | None = None,
    timeout_s: float = ANSWER_S,
) -> Answer:
    """Ask once, on a connection of its own."""
    connection = HTTPConnection("127.0.0.1", port, timeout=timeout_s)
    try:
        connection.request(method, target, body, dict(headers or {}))
        response = connection.getresponse()
        data = response.read()
        found = sorted((name.lower(), value) for name, value in response.getheaders())
        return Answer(response.status, found, data)
    finally:
        connection.close()


def form(fields: Mapping[str, str], image: bytes) -> tuple[bytes, dict[str, str]]:
    """A multipart form with a picture: its body and headers."""
    edge = "golden-edge"
    parts = [
        f'--{edge}\r\nContent-Disposition: form-data; name="{n}"\r\n\r\n{v}\r\n'.encode() for n, v in fields.items()
    ]
    head = f'--{edge}\r\nContent-Disposition: form-data; name="image"; filename="a.jpg"\r\n\r\n'.encode()
    body = b"".join(parts) + head + image + f"\r\n--{edge}--\r\n".encode()
    return body, {"Content-Type": f"multipart/form-data; boundary={edge}"}
