"""``parafovea settings``: what is set, and where it was set."""

from __future__ import annotations

import os
from typing import Annotated, Any

import typer
from dotenv import dotenv_values

from cli.output import print_table, printable, reader_may_leave, say_json
from shared.process.settings import ENV_FILE, PREFIX, Settings, load_settings

SECRET = frozenset({"api_token"})


def settings(as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False) -> None:
    """Print every setting: its value, where that comes from, and what it means."""
    found = load_settings()
    in_environment = {name.upper() for name in os.environ}
    in_file = {name.upper() for name in dotenv_values(ENV_FILE)}

    def source(variable: str) -> str:
        return "environment" if variable in in_environment else ENV_FILE if variable in in_file else "default"

    rows = [
        (PREFIX + name.upper(), _shown(name, getattr(found, name)), source(PREFIX + name.upper()), field.description)
        for name, field in Settings.model_fields.items()
    ]
    with reader_may_leave():
        if as_json:
            say_json({name: {"value": value, "from": where, "meaning": why} for name, value, where, why in rows})
        else:
            shown = [(name, _text(value), where, why or "") for name, value, where, why in rows]
            print_table(("setting", "value", "from", "meaning"), shown)


def _shown(name: str, value: Any) -> Any:
    if value is None or isinstance(value, (bool, int, float)):
        return value
    if name in SECRET:
        return "(set, not shown)"
    return list(value) if isinstance(value, tuple) else str(value)


def _text(value: Any) -> str:
    if value is None or value in ("", []):
        return "-"
    return printable(",".join(value) if isinstance(value, list) else str(value))
