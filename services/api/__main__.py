"""``python -m services.api``: the process that speaks HTTP."""

from __future__ import annotations

import asyncio
import logging
import socket
from functools import partial

from services.api.app import create_app
from services.api.openapi import build
from services.api.operations import OPERATIONS
from services.api.server import ANSWER_S, GRACE_S, HttpServer, listen
from services.api.service import Api
from shared.bus.address import host_and_port
from shared.process.privacy import warn_of_open_token
from shared.process.runner import Refused, Runtime, run
from shared.system import malloc

log = logging.getLogger(__name__)


async def main(runtime: Runtime) -> None:
    """Serve on the address of the settings until told to stop."""
    malloc.keep_no_large_blocks()
    await asyncio.to_thread(warn_of_open_token)
    await serve(runtime, await asyncio.to_thread(listen, runtime.settings.host, runtime.settings.port))


async def serve(runtime: Runtime, sockets: list[socket.socket]) -> None:
    """Serve until told to stop; then, within two seconds, answer what is under way and close everything.

    Raises:
        Refused: a setting is wrong.
    """
    api = Api(runtime, partial(build, OPERATIONS.values(), runtime.settings.root_path))
    try:
        app = create_app(api)
        await api.start()
    except Refused:
        await api.close()
        for opened in sockets:
            opened.close()
        raise
    server = HttpServer(app, sockets)
    serving = runtime.supervise(server.serve(), "HTTP")
    for opened in sockets:
        log.info("listening on http://%s", host_and_port(*opened.getsockname()[:2]))
    await runtime.stopping.wait()
    server.stop()
    await api.live.close()
    await server.wait_idle(GRACE_S)
    api.closing.set()
    await server.wait_idle(ANSWER_S)
    server.cut_off()
    await asyncio.gather(serving, return_exceptions=True)
    await api.close()


if __name__ == "__main__":
    run("api", main)
