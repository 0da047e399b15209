"""``parafovea models show`` at work."""

from __future__ import annotations

import json
from typing import Any

from cli.models_print import gigabytes, paragraph, prepare, refuse, rows
from cli.output import printable, say, say_json
from services.generator.models.files import ModelError
from services.generator.models.looking import OF_FAMILY, Expected, Look, Value, licence, look
from shared.process.settings import Settings

_NOT_KNOWN = "known once it is loaded"


def run(settings: Settings, *, as_json: bool) -> None:
    """Explain the settings' model, and end."""
    prepare()
    try:
        found = look(settings)
        expected = Expected(found)
    except ModelError as error:
        refuse(settings.model, str(error), as_json=as_json)
    values, under = expected.values(), licence(found)
    snippet = to_toml(found, values, under)
    if as_json:
        told = {name: {"value": one.value, "source": one.source} for name, one in {**values, "licence": under}.items()}
        say_json({**facts(found), "size_px": expected.size_px, "values": told, "preset": snippet})
        return
    rows([(name, str(value)) for name, value in _described(found)])
    say("")
    rows([(name, _explained(name, one, expected)) for name, one in {**values, "licence": under}.items()])
    say("")
    paragraph("To recommend something else, put this into a file, change it, and set PARAFOVEA_PRESETS to the file:")
    say(f"\n{snippet}")


def facts(found: Look) -> dict[str, Any]:
    """What a model is, for JSON."""
    model, role = found.model, found.role
    return {
        "model": model.id,
        "where": str(model.single or model.folder),
        "commit": model.commit,
        "is_here": found.to_fetch_bytes == 0,
        "saved_as": model.pipeline,
        "loaded_by": role.loaded_by,
        "kind": role.kind,
        "family": role.family.name if role.family is not None else None,
    }


def _described(found: Look) -> list[tuple[str, object]]:
    told = facts(found)
    where = printable(told["where"])
    if found.listing is not None and not told["is_here"]:
        where = f"on the hub at {found.model.commit}; {gigabytes(found.to_fetch_bytes)} of it are not here"
    family = found.role.family
    return [
        ("model", told["model"]),
        ("where", where),
        ("saved as", told["saved_as"]),
        ("loaded by", told["loaded_by"]),
        ("kind", told["kind"]),
        ("family", f"{family.name} ({family.title})" if family is not None else "none that is known here"),
    ]


def _explained(name: str, one: Value, expected: Expected) -> str:
    if one.value is None:
        return {"size": _NOT_KNOWN, "timestep_spacing": "its scheduler's own", "licence": "not known"}.get(name, "none")
    if name == "guidance_scale" and expected.guidance == "true_cfg_scale":
        return f"{one.value} ({one.source}), as true_cfg_scale"
    return f"{one.value} ({one.source})"


def to_toml(found: Look, values: dict[str, Value], under: Value) -> str:
    """An entry of a file of presets, with every value that is known."""
    lines = [f"[model.{json.dumps(found.model.names[0], ensure_ascii=False)}]"]
    if found.role.family is not None:
        lines.append(f'family = "{found.role.family.name}"')
    told = {name: one.value for name, one in values.items()}
    told["licence"] = None if under.source.startswith(OF_FAMILY) else under.value
    if not str(told["scheduler"]).endswith("Scheduler"):
        told["scheduler"] = None
    lines += [f"{name} = {json.dumps(value, ensure_ascii=False)}" for name, value in told.items() if value is not None]
    return "\n".join(lines)
