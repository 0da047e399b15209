"""The table of all HTTP operations, which routes, checks and the OpenAPI document come from.

Each is declared above its handler, in a module of ``services/api/routes/``.
"""

from __future__ import annotations

from services.api.http.operation import Operation
from services.api.routes import (
    archives,
    compare,
    docs_page,
    entries,
    generate,
    health,
    page,
    prompts,
    replay,
    reruns,
    sessions,
    websockets,
)

_MODULES = (
    *(generate, sessions, archives, replay, compare, reruns),
    *(prompts, health, websockets, docs_page, page, entries),
)
"""In the order of the document."""

OPERATIONS = {
    (each.method, each.path): each
    for module in _MODULES
    for each in vars(module).values()
    if isinstance(each, Operation)
}

CHANGING_READS = frozenset(each.path for each in OPERATIONS.values() if each.method == "GET" and each.changes)
"""Paths, none with parameters, whose GET changes something."""
