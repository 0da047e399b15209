"""The OpenAPI document, also as a page without scripts or anything from another host."""

from __future__ import annotations

from html import escape
from typing import Any

from starlette.responses import Response

from services.api.http.errors import JsonResponse
from services.api.http.operation import PAGE, get, json
from services.api.service import Api

_POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'none'"
_STYLE = """
:root { color-scheme: light dark; }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
code { font: 0.9em ui-monospace, monospace; }
section { border-top: 1px solid #8886; margin-top: 2rem; }
h2 { font-size: 1.1rem; }
.method { display: inline-block; min-width: 4.5rem; font-weight: 700; }
table { border-collapse: collapse; width: 100%; margin: 0.5rem 0; }
th, td { text-align: left; vertical-align: top; padding: 0.2rem 0.8rem 0.2rem 0; border-bottom: 1px solid #8883; }
th { font-weight: 600; }
"""

Json = dict[str, Any]


@get("/openapi.json", json(dict[str, Any], "OpenAPI 3.1."))
async def document(api: Api) -> Response:
    """This document."""
    return JsonResponse(api.openapi())


@get("/docs", PAGE)
async def docs(api: Api) -> Response:
    """This document, to read."""
    return Response(render(api.openapi()), 200, {"Content-Security-Policy": _POLICY}, "text/html")


def render(document: Json) -> str:
    """The page."""
    info = document["info"]
    sections = [
        _operation(path, method, operation)
        for path, item in document["paths"].items()
        for method, operation in item.items()
    ]
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(info['title'])}: HTTP API</title><style>{_STYLE}</style></head><body>"
        f"<h1>{escape(info['title'])}: HTTP API</h1><p>{_prose(info['description'])}</p>"
        '<p>For machines: <a href="openapi.json">openapi.json</a>.</p>' + "".join(sections) + "</body></html>"
    )


def _operation(path: str, method: str, operation: Json) -> str:
    parts = [
        f"<section><h2><span class=method>{method.upper()}</span> <code>{escape(path)}</code></h2>",
        f"<p>{_prose(operation['summary'])}.</p>",
    ]
    if parameters := operation.get("parameters"):
        rows = [(p["name"], f"{_type(p['schema'])}, {p['in']}", p["description"]) for p in parameters]
        parts.append(_table(("Parameter", "Type", "Meaning"), rows))
    if body := operation.get("requestBody"):
        for media_type, content in body["content"].items():
            rows = [
                (name, _type(schema), schema.get("description", ""))
                for name, schema in content["schema"].get("properties", {}).items()
            ]
            parts.append(f"<p>Body: <code>{escape(media_type)}</code></p>" + _table(("Field", "Type", "Meaning"), rows))
    rows = [(status, ", ".join(a.get("content", {})), a["description"]) for status, a in operation["responses"].items()]
    parts.append(_table(("Status", "Content", "Meaning"), rows))
    for status, answer in operation["responses"].items():
        if status == "200" and answer.get("headers"):
            headers = [(name, _type(h["schema"]), h["description"]) for name, h in answer["headers"].items()]
            parts.append(_table(("Header", "Type", "Meaning"), headers))
    return "".join(parts) + "</section>"


def _table(heads: tuple[str, str, str], rows: list[tuple[str, str, str]]) -> str:
    head = "".join(f"<th>{escape(text)}</th>" for text in heads)
    body = "".join(
        f"<tr><td><code>{escape(name)}</code></td><td>{escape(kind)}</td><td>{_prose(meaning)}</td></tr>"
        for name, kind, meaning in rows
    )
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _type(schema: Json) -> str:
    """A schema's type in a few words."""
    if "anyOf" in schema:
        return " or ".join(dict.fromkeys(_type(option) for option in schema["anyOf"] if option != {"type": "null"}))
    if "enum" in schema:
        return " ".join(str(value) for value in schema["enum"])
    if "const" in schema:
        return str(schema["const"])
    name = str(schema.get("type", "any"))
    low = schema.get("minimum", schema.get("exclusiveMinimum"))
    high = schema.get("maximum")
    if low is not None and high is not None:
        return f"{name}, {'above ' if 'exclusiveMinimum' in schema else ''}{low} to {high}"
    if "maxLength" in schema:
        return f"{name}, at most {schema['maxLength']} characters"
    return name


def _prose(text: str) -> str:
    """Escaped text, with code between backquotes."""
    parts = escape(text).split("`")
    return "".join(f"<code>{part}</code>" if number % 2 else part for number, part in enumerate(parts))
