"""``python -m services.api``: the process that speaks HTTP."""

from __future__ import annotations

import asyncio
import logging
import socket
from functools import partial

from starlette.applications import Starlette
from starlette.types import ASGIApp

from services.api.edge.access import CorsPolicy, TokenCheck
from services.api.edge.gate import Gate
from services.api.http.checks import route
from services.api.http.errors import HANDLERS
from services.api.operations import CHANGING_READS, OPERATIONS, build
from services.api.server import ANSWER_S, GRACE_S, HttpServer, listen
from services.api.service import Api
from shared.bus.address import host_and_port, is_loopback
from shared.process.privacy import warn_of_open_token
from shared.process.runner import Refused, Runtime, run
from shared.system import memory

log = logging.getLogger(__name__)


async def main(runtime: Runtime) -> None:
    """Serve on the address of the settings until told to stop."""
    memory.keep_no_large_blocks()
    await asyncio.to_thread(warn_of_open_token)
    await serve(runtime, await asyncio.to_thread(listen, runtime.settings.host, runtime.settings.port))


async def serve(runtime: Runtime, sockets: list[socket.socket]) -> None:
    """Serve until told to stop; then, within two seconds, answer what is under way and close everything.

    Raises Refused if a setting is wrong.
    """
    api = Api(runtime, partial(build, runtime.settings.root_path))
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
    await asyncio.gather(api.live.close(), api.displays.close())
    await server.wait_idle(GRACE_S)
    api.closing.set()
    await server.wait_idle(ANSWER_S)
    server.cut_off()
    await asyncio.gather(serving, return_exceptions=True)
    await api.close()


def create_app(api: Api) -> ASGIApp:
    """The routes and the gate in front of them. Raises Refused if the root path hides paths of the API."""
    app = Starlette(routes=[route(each, api) for each in OPERATIONS.values()], exception_handlers=HANDLERS)
    app.router.redirect_slashes = False  # a redirect has an empty body, and curl does not follow it
    app.state.uploads = api.uploads
    settings = api.settings
    any_name = not is_loopback(settings.host) or settings.api_token is not None
    first_parts = {path.split("/")[1] for _, path in OPERATIONS}
    if settings.root_path and settings.root_path.split("/")[1] in first_parts:
        raise Refused(
            f"PARAFOVEA_ROOT_PATH: {settings.root_path} begins with a word of the API's own paths; choose another"
        )
    policy = CorsPolicy(settings.cors_origins, any_name=any_name)
    return Gate(app, policy, TokenCheck(settings.api_token), CHANGING_READS, settings.root_path)


if __name__ == "__main__":
    run("api", main)
