"""``parafovea bus`` and ``parafovea keys``: where each channel is, and CURVE keys for a bus that leaves the machine."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from cli.output import print_table, reader_may_leave, say, say_json
from shared.bus.channels import CHANNELS
from shared.bus.curve import InvalidKeys, make_keys
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


def keys(folder: Annotated[Path, typer.Argument(help="A new folder, for the keys only.")]) -> None:
    """Make a set of keys for a bus on TCP beyond this machine."""
    folder = folder.absolute()
    try:
        make_keys(folder)
    except OSError as error:
        raise InvalidKeys(f"cannot write keys to {folder}: {error.strerror}") from None
    say(
        f"Keys are in {folder}. For every process of Parafovea set\n"
        f"  PARAFOVEA_CURVE_KEYS={folder}\n"
        "A program elsewhere needs server.key (the server's public key) and a key pair of its own, whose public half "
        "goes into\n"
        f"  {folder / 'allowed'} where it only listens to what is published,\n"
        f"  {folder / 'control'} where it sends requests too: it may then start, stop and delete sessions,\n"
        f"  {folder / 'gaze'} where it concerns itself with people's gaze, which no other key opens.\n"
        "The processes read these when they start. Give away no file that ends in key_secret: whoever has those of\n"
        "this folder is taken for Parafovea itself."
    )
