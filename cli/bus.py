"""``parafovea bus``: where each channel is."""

from __future__ import annotations

from typing import Annotated

import typer

from cli.output import print_table, reader_may_leave, say_json
from shared.bus.channels import CHANNELS
from shared.process.settings import load_settings

PATTERNS = {"publish": "PUB: connect SUB", "requests": "ROUTER: connect DEALER"}


def bus(
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Print each channel of the bus: its address, who binds it, and what it carries."""
    settings = load_settings()
    address = settings.bus_address
    with reader_may_leave():
        if as_json:
            channels = [
                {
                    "name": channel.name,
                    "pattern": channel.pattern,
                    "bound_by": channel.bound_by,
                    "address": address.of(channel.name),
                    "types": channel.types,
                }
                for channel in CHANNELS
            ]
            body = {"bus": str(address), "curve": settings.curve_keys is not None, "channels": channels}
            say_json(body)
            return
        print_table(
            ("channel", "address", "pattern", "bound by", "types"),
            [
                (
                    channel.name,
                    address.of(channel.name),
                    PATTERNS[channel.pattern],
                    channel.bound_by,
                    ", ".join(channel.types),
                )
                for channel in CHANNELS
            ],
        )
