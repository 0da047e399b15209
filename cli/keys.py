"""``parafovea keys``: CURVE keys for a bus that leaves the machine."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from cli.output import say
from shared.bus.curve import InvalidKeys, make_keys


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
        f"  {folder / 'control'} where it sends requests too: it may then start, stop and delete sessions.\n"
        "The processes read both when they start. Give away no file that ends in key_secret: whoever has those of\n"
        "this folder is taken for Parafovea itself."
    )
