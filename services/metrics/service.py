"""A subscriber that counts what passes on the bus and serves the counts to Prometheus.

It owns its HTTP port and nothing of the bus: it may start first or last, and goes on when a publisher is restarted.
"""

from __future__ import annotations

import logging

from prometheus_client import CollectorRegistry, start_http_server

from services.metrics.collect import Collector
from shared.channels import CHANNELS
from shared.runner import Refused, Runtime
from shared.sockets import Subscriber

log = logging.getLogger(__name__)


async def run(runtime: Runtime) -> None:
    """Count and serve until told to stop.

    Raises:
        Refused: the port is taken.
    """
    settings = runtime.settings
    registry = CollectorRegistry()
    collector = Collector(registry)
    try:
        server, thread = start_http_server(settings.metrics_port, settings.host, registry)
    except OSError as error:
        raise Refused(
            f"cannot listen on {settings.host}:{settings.metrics_port} ({error.strerror}); "
            "set PARAFOVEA_METRICS_PORT to a free port"
        ) from None
    try:
        for channel in CHANNELS:
            if channel.pattern == "publish":
                subscriber = Subscriber(runtime.bus, channel.name)
                runtime.supervise(_count(subscriber, collector), f"messages of {channel.name}")
        log.info("serves http://%s:%d/metrics", settings.host, settings.metrics_port)
        await runtime.stopping.wait()
    finally:
        server.shutdown()
        server.server_close()
        thread.join(1)


async def _count(subscriber: Subscriber, collector: Collector) -> None:
    async for message in subscriber:
        try:
            collector.take(message)
        except (KeyError, TypeError, ValueError) as error:
            log.warning("a %s message lacks what it should have: %r", message.type, error)
