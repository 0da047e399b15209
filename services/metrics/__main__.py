"""``python -m services.metrics``: counts what passes on the bus, and serves the counts to Prometheus.

It owns its HTTP port and nothing of the bus: it may start first or last, and goes on when a publisher is restarted.
"""

from __future__ import annotations

import asyncio
import logging

from prometheus_client import CollectorRegistry

from services.metrics.collect import Collector
from services.metrics.exporter import Exporter
from shared.bus.address import host_and_port
from shared.bus.channels import CHANNELS
from shared.bus.subscriber import Subscriber
from shared.process.runner import Runtime, run
from shared.system.waiting import wait_at_most

log = logging.getLogger(__name__)

RETRY_S = 1.0


async def main(runtime: Runtime) -> None:
    """Count until stopped, and serve the counts as soon as the port is free."""
    registry = CollectorRegistry()
    collector = Collector(registry)
    for channel in CHANNELS:
        if channel.pattern == "publish":
            subscriber = Subscriber(runtime.bus, channel.name)
            runtime.supervise(subscriber.hand_to(collector.take), f"messages of {channel.name}")
    await _listen(runtime, registry)


async def _listen(runtime: Runtime, registry: CollectorRegistry) -> None:
    """Serve until stopped.

    A port that is taken is no reason to exit: honcho stops everything when one process ends, and nothing may depend
    on this one.
    """
    host, port = runtime.settings.host, runtime.settings.metrics_port
    is_logged = False
    while not runtime.stopping.is_set():
        try:
            exporter = await asyncio.to_thread(Exporter, host, port, registry)
        except OSError as error:
            if not is_logged:
                trouble = f"cannot listen on {host_and_port(host, port)} ({error.strerror})"
                log.error("%s; trying again until it is free; PARAFOVEA_METRICS_PORT names another", trouble)
                is_logged = True
            await wait_at_most(runtime.stopping, RETRY_S)
            continue
        log.info("serves http://%s/metrics", host_and_port(host, port))
        await runtime.stopping.wait()
        await asyncio.to_thread(exporter.stop)


if __name__ == "__main__":
    run("metrics", main)
