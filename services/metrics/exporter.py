"""The HTTP server that Prometheus scrapes: a few requests at a time, each for a short while.

``prometheus_client``'s own takes a thread and a descriptor for every client that connects and says nothing.
"""

from __future__ import annotations

import logging
import socket
import socketserver
import sys
import threading
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer

from prometheus_client import CollectorRegistry, make_wsgi_app

from shared.bus.address import bare_host
from shared.system.descriptors import limit_now
from shared.system.rarely import Rarely

log = logging.getLogger(__name__)

AT_ONCE = 128
"""Scrapes under way at a time, or half as many as there are descriptors; another one waits in the system's queue."""
SAY_S = 2.0
"""A client that has not said what it wants by then is cut off."""
STEP_S = 0.1


class _Handler(WSGIRequestHandler):
    timeout = SAY_S

    def log_message(self, format: str, *args: object) -> None:
        log.debug(format, *args)


class Exporter(socketserver.ThreadingMixIn, WSGIServer):
    """Serves the counts of a registry from threads of its own, until :meth:`stop`."""

    daemon_threads = True
    block_on_close = False
    request_queue_size = 64

    def __init__(self, host: str, port: int, registry: CollectorRegistry) -> None:
        """Listen, or raise OSError: the address is taken, or is none of this machine's."""
        found = socket.getaddrinfo(bare_host(host), port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        self.address_family, address = found[0][0], found[0][4]
        self._places = threading.BoundedSemaphore(min(AT_ONCE, limit_now() // 2))
        self._failed = Rarely(log)
        super().__init__((str(address[0]), int(address[1])), _Handler)
        self.set_app(make_wsgi_app(registry))
        self._thread = threading.Thread(target=self.serve_forever, args=(STEP_S,), name="exporter", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Serve no more."""
        self.shutdown()
        self.server_close()

    def get_request(self) -> Any:
        self._places.acquire()
        try:
            return super().get_request()
        except OSError as error:  # out of descriptors, say: the next turn tries again
            self._places.release()
            self._failed.warn("a scrape could not be accepted: %s", error)
            threading.Event().wait(STEP_S)
            raise

    def shutdown_request(self, request: Any) -> None:
        super().shutdown_request(request)
        self._places.release()

    def handle_error(self, request: object, client_address: object) -> None:
        self._failed.warn("a scrape failed: %r", sys.exc_info()[1])

    def server_bind(self) -> None:
        # Not WSGIServer's, which looks the name of this machine up in DNS.
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = str(self.server_address[0]), self.server_address[1]
        self.setup_environ()
