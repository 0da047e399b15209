"""A subscriber that counts what passes on the bus and serves the counts to Prometheus.

It owns its HTTP port and nothing of the bus: it may start first or last, and goes on when a publisher is restarted.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress

from prometheus_client import CollectorRegistry, start_http_server

from services.metrics.collect import Collector
from shared.channels import CHANNELS
from shared.runner import Runtime
from shared.sockets import Subscriber

log = logging.getLogger(__name__)

RETRY_S = 1.0


async def run(runtime: Runtime) -> None:
    """Count until told to stop, and serve the counts as soon as the port is free."""
    registry = CollectorRegistry()
    collector = Collector(registry)
    for channel in CHANNELS:
        if channel.pattern == "publish":
            subscriber = Subscriber(runtime.bus, channel.name)
            runtime.supervise(_count(subscriber, collector), f"messages of {channel.name}")
    stop_serving = await _serve(runtime, registry)
    try:
        await runtime.stopping.wait()
    finally:
        stop_serving()


async def _serve(runtime: Runtime, registry: CollectorRegistry) -> Callable[[], None]:
    """Listen, and give what ends it.

    A port that is taken is no reason to exit: honcho stops everything when one process ends, and nothing may depend
    on this one.
    """
    host, port = runtime.settings.host, runtime.settings.metrics_port
    told = False
    while not runtime.stopping.is_set():
        try:
            server, thread = start_http_server(port, host, registry)
        except OSError as error:
            if not told:
                log.error(
                    "cannot listen on %s:%d (%s); trying again until that is free; PARAFOVEA_METRICS_PORT names another",
                    host,
                    port,
                    error.strerror,
                )
                told = True
            with suppress(TimeoutError):
                await asyncio.wait_for(runtime.stopping.wait(), RETRY_S)
            continue

        def stop() -> None:
            server.shutdown()
            server.server_close()
            thread.join(1)

        log.info("serves http://%s:%d/metrics", host, port)
        return stop
    return lambda: None


async def _count(subscriber: Subscriber, collector: Collector) -> None:
    async for message in subscriber:
        try:
            collector.take(message)
        except (KeyError, TypeError, ValueError) as error:
            log.warning("a %s message lacks what it should have: %r", message.type, error)
