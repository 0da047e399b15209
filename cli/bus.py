"""``parafovea bus``: where each channel is."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from cli.output import print_table, reader_may_leave, say_json
from shared.bus.channels import CHANNELS
from shared.process.settings import load_settings

PATTERNS = {"publish": "PUB: connect SUB", "requests": "ROUTER: connect DEALER"}


def bus(as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False) -> None:
    """Print each channel of the bus: its address, who binds it, and what it carries."""
    settings = load_settings()
    address = settings.bus_address
    channels: list[dict[str, Any]] = [
        {
            "name": channel.name,
            "pattern": channel.pattern,
            "bound_by": channel.bound_by,
            "address": address.of(channel.name),
            "types": channel.types,
        }
        for channel in CHANNELS
    ]
    with reader_may_leave():
        if as_json:
            say_json({"bus": str(address), "curve": settings.curve_keys is not None, "channels": channels})
            return
        rows = [
            (one["name"], one["address"], PATTERNS[one["pattern"]], one["bound_by"], ", ".join(one["types"]))
            for one in channels
        ]
        print_table(("channel", "address", "pattern", "bound by", "types"), rows)
