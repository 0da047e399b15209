"""A page of somebody else's, in a real browser, against a bus on TCP: nothing that it sends is taken for a message."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
import zmq
from playwright.sync_api import Browser, Page

from shared.bus.address import BusAddress
from shared.bus.channels import CHANNELS
from tests.support import hostile
from tests.support.buses import loopback_host, short_folder
from tests.support.studio import Studio, studio_in

pytestmark = pytest.mark.browser

SIZE = 800
DELETE = hostile.request("delete", session_id="precious")
STOP = hostile.request("stop", session_id=None)
SUBSCRIBE = b"\x01"

POST = """async ([url, bytes]) => {
  try { await fetch(url, {method: "POST", mode: "no-cors", body: new Uint8Array(bytes)}); return "answered"; }
  catch (error) { return String(error); }
}"""
FORM = """([url, text]) => new Promise((done) => {
  const frame = document.createElement("iframe");
  frame.name = "hidden";
  document.body.append(frame);
  const form = document.createElement("form");
  Object.assign(form, {method: "POST", action: url, target: "hidden", enctype: "text/plain"});
  const field = document.createElement("input");
  Object.assign(field, {name: text, value: ""});
  form.append(field);
  document.body.append(form);
  frame.onload = () => { frame.remove(); form.remove(); done("loaded"); };
  form.submit();
})"""
WEBSOCKET = """(url) => new Promise((done) => {
  const socket = new WebSocket(url);
  socket.onopen = () => { socket.send("anything"); done("open"); };
  socket.onclose = () => done("closed");
})"""


class _Blank(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        page = b"<!doctype html><title>Elsewhere</title>"
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", str(len(page)))
        self.end_headers()
        self.wfile.write(page)

    def log_message(self, *_: Any) -> None:
        return


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A page of another origin, which its server says nothing good or bad about."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Blank)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    context = browser.new_context()
    opened = context.new_page()
    opened.goto(f"http://127.0.0.1:{server.server_port}/")
    yield opened
    context.close()
    server.shutdown()
    server.server_close()


@contextmanager
def listening(host: str, port: int) -> Iterator[list[bytes]]:
    """What a server that answers nothing is sent, one item a connection."""
    heard: list[bytes] = []
    server = socket.create_server((host, port))
    server.settimeout(10)

    def take() -> None:
        peer, _ = server.accept()
        with peer:
            peer.settimeout(10)
            data = b""
            while len(data.partition(b"\r\n\r\n")[2]) < SIZE and (more := peer.recv(65536)):
                data += more
            heard.append(data)

    thread = threading.Thread(target=take)
    thread.start()
    try:
        yield heard
    finally:
        thread.join()
        server.close()


def head_of(page: Page, host: str, port: int) -> bytes:
    """What this browser puts before the body of such a request."""
    with listening(host, port) as heard:
        page.evaluate(POST, [f"http://{host}:{port}/", list(b"." * SIZE)])
    head, _, _ = heard[0].partition(b"\r\n\r\n")
    return head + b"\r\n\r\n"


@pytest.fixture(scope="module")
def tcp_studio() -> Iterator[Studio]:
    """Everything, with a recorded session, on a bus as it is on Windows."""
    with short_folder() as folder, studio_in(folder, PARAFOVEA_BUS=f"tcp://{loopback_host()}:5550") as made:
        made.start_everything()
        made.start_session("precious")
        made.wait_recorded("precious", [made.generate(1), made.generate(2)])
        made.http.post("/session/stop")
        made.start_session("active")
        yield made


def test_no_byte_of_a_foreign_page_is_a_message(page: Page, tcp_studio: Studio) -> None:
    address: BusAddress = tcp_studio.address
    host = str(address.host)
    head = head_of(page, host, address.base_port + 20)

    with hostile.unguarded(zmq.ROUTER, host, address.base_port + 21) as (router, port):
        page.evaluate(POST, [f"http://{host}:{port}/", list(hostile.aligned(head, DELETE, SIZE))])
        heard: list[bytes] = []
        while DELETE not in heard:
            assert router.poll(10_000), "a socket as libzmq makes it is not commanded: these bytes prove nothing"
            heard += router.recv_multipart()

    running = {process.name: process.pid for process in tcp_studio.processes}
    for channel in CHANNELS:
        at = f"{host}:{address.base_port + channel.port_offset}"
        for wanted in (SUBSCRIBE,) if channel.pattern == "publish" else (DELETE, STOP):
            for body in (
                hostile.aligned(head, wanted, SIZE),
                hostile.frame_1_0(b"") + hostile.frame_1_0(wanted),
                *(b"." * shift + hostile.frame_1_0(wanted) * 3 for shift in range(0, 120, 17)),
            ):
                assert page.evaluate(POST, [f"http://{at}/", list(body)]) != "answered"
        text = (hostile.frame_1_0(b"") + hostile.frame_1_0(DELETE)).decode("latin-1")
        assert page.evaluate(FORM, [f"http://{at}/", text]) == "loaded"
        assert page.evaluate(WEBSOCKET, f"ws://{at}/") == "closed"

    # The bus goes on, and both sessions are what they were.
    for name in ("generator", "recorder", "replayer"):
        status = tcp_studio.ask(name, "status")
        assert status is not None
        assert status["type"] == "status.ok"
    assert {process.name: process.pid for process in tcp_studio.processes if process.exit_code is None} == running
    listed = tcp_studio.http.get("/session/list").json()
    assert "precious" in str(listed)
    assert len(tcp_studio.frame_ids("precious")) == 2
    frame = tcp_studio.generate(3)
    assert frame.session_id == "active"
    tcp_studio.wait_recorded("active", [frame])
