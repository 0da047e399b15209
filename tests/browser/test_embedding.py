"""Pictures of a recording on pages of other programs: those that may call show them, others do not, in Chromium."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext

from tests.browser.sessions import SIZE, write_session
from tests.support.studio import Studio

pytestmark = pytest.mark.browser

ISOLATED = {"Cross-Origin-Embedder-Policy": "require-corp", "Cross-Origin-Opener-Policy": "same-origin"}
SILENT = {"Referrer-Policy": "no-referrer"}
OURS = ("127.0.0.1", "localhost")
PATHS = (
    "/session/embedded/frames/0",
    "/session/embedded/frames/0/input",
    "/session/embedded/frames/0/thumbnail",
    "/samples/{sample}",
    "/samples/{sample}/thumbnail",
    "/web/icon.svg",
)

SHOW = """
([address, attributes]) => new Promise((resolve) => {
  const image = new Image();
  for (const [name, value] of Object.entries(attributes)) image.setAttribute(name, value);
  image.onload = () => resolve(image.naturalWidth);
  image.onerror = () => resolve(0);
  image.src = address;
  document.body.append(image);
})
"""


class _Page(BaseHTTPRequestHandler):
    """A page with nothing on it; what its headers say stands in its address."""

    def do_GET(self) -> None:
        self.send_response(200)
        for pair in filter(None, self.path.partition("?")[2].split("&")):
            self.send_header(*pair.split("="))
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(b"<!doctype html><title>Another program</title><body>")

    def log_message(self, format: str, *arguments: Any) -> None:
        """To nobody."""


@contextmanager
def another_program(address: str) -> Iterator[int]:
    """The port of one on this machine that serves pages."""
    server = ThreadingHTTPServer((address, 0), _Page)
    thread = Thread(target=server.serve_forever)
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    """Where another program serves pages, as 127.0.0.1, and so as localhost and as any name below it."""
    with another_program("127.0.0.1") as port:
        yield port


@pytest.fixture(scope="module")
def addresses(studio: Studio) -> list[str]:
    """Of all the kinds of pictures that there are."""
    write_session(studio.sessions, "embedded", 1)
    sample = studio.http.get("/samples").json()["samples"][0]["file"]
    return [path.format(sample=sample) for path in PATHS]


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    made = browser.new_context()
    yield made
    made.close()


@contextmanager
def page_on(context: BrowserContext, host: str, port: int, headers: dict[str, str]) -> Iterator[Any]:
    """A page under a name of this machine, and how wide it shows what lies at an address; 0: it does not."""
    page = context.new_page()
    query = "&".join(f"{name}={value}" for name, value in headers.items())
    page.goto(f"http://{host}:{port}/?{query}")
    yield lambda address, **attributes: page.evaluate(SHOW, [address, attributes])
    page.close()


@pytest.mark.parametrize("headers", [{}, ISOLATED, {"Referrer-Policy": "origin"}], ids=["plain", "isolated", "origin"])
@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_a_page_on_another_port_of_this_machine_shows_them(
    context: BrowserContext, studio: Studio, port: int, addresses: list[str], host: str, headers: dict[str, str]
) -> None:
    with page_on(context, host, port, headers) as width_of:
        for ours in OURS:
            for address in addresses:
                assert width_of(f"http://{ours}:{studio.port}{address}") > 0, (ours, address)
        assert width_of(f"http://127.0.0.1:{studio.port}{addresses[0]}") == SIZE[0]


@pytest.mark.parametrize("headers", [{}, ISOLATED, SILENT], ids=["plain", "isolated", "silent"])
@pytest.mark.parametrize("host", ["evil.localhost", "127.0.0.2"])
def test_a_foreign_page_shows_none(
    context: BrowserContext, studio: Studio, addresses: list[str], host: str, headers: dict[str, str]
) -> None:
    address_of = {"evil.localhost": "127.0.0.1"}
    with another_program(address_of.get(host, host)) as port, page_on(context, host, port, headers) as width_of:
        for ours in OURS:
            for address in addresses:
                assert width_of(f"http://{ours}:{studio.port}{address}") == 0, (ours, address)
        address = f"http://localhost:{studio.port}{addresses[0]}"
        assert width_of(address, crossorigin="") == 0
        assert width_of(address, referrerpolicy="unsafe-url") == 0


def test_a_page_that_keeps_its_address_back(
    context: BrowserContext, studio: Studio, port: int, addresses: list[str]
) -> None:
    """On the same host it can be told all the same; from the other name of this machine it has to say who it is."""
    with page_on(context, "localhost", port, {**SILENT, **ISOLATED}) as width_of:
        assert width_of(f"http://localhost:{studio.port}{addresses[0]}") == SIZE[0]
        other = f"http://127.0.0.1:{studio.port}{addresses[0]}"
        assert width_of(other) == 0
        assert width_of(other, crossorigin="anonymous") == SIZE[0]
        assert width_of(other, referrerpolicy="origin") == SIZE[0]


def test_what_one_page_was_answered_is_not_kept_for_another(
    context: BrowserContext, studio: Studio, port: int, addresses: list[str]
) -> None:
    for address in addresses[:3]:
        shown = f"http://127.0.0.1:{studio.port}{address}"
        for host, is_ours in 2 * (("localhost", True), ("evil.localhost", False)):
            with page_on(context, host, port, {}) as width_of:
                assert (width_of(shown) > 0) == is_ours, (address, host)
