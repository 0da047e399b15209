"""The OpenAPI document: complete, and true. Schemathesis draws requests from it, valid and invalid, and compares."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from hypothesis import seed as hypothesis_seed
from schemathesis import GenerationMode
from starlette.routing import Route

from services.api.http.checks import route
from services.api.operations import OPERATIONS, build
from services.api.routes.docs_page import render
from services.api.service import Api
from shared.process.runner import Runtime
from tests.contract.conftest import Site, Sites, body
from tests.support.buses import short_folder

ERRORS_OF_OURS = {500, 501, 502}


class _Thread:
    """A site in an event loop of its own, for a test tool that is not asynchronous."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._thread.start()
        self._sites: Sites | None = None
        try:
            self.site: Site = self._call(self._open())
        except BaseException:
            self._stop()
            raise

    async def _open(self) -> Site:
        self._sites = Sites(self._folder)
        site = await self._sites.new()
        await site.client.post("/session/start?session_id=s")
        for _ in range(2):
            await site.generate()
        await site.client.post("/session/stop")
        return site

    def close(self) -> None:
        assert self._sites is not None
        try:
            self._call(self._sites.close())
        finally:
            self._stop()

    def _call(self, work: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(30)

    def _stop(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with short_folder() as folder:
        running = _Thread(folder)
        yield f"http://127.0.0.1:{running.site.port}"
        running.close()


DOCUMENT = build()
schema = schemathesis.openapi.from_dict(DOCUMENT)
schema.config.generation.update(modes=[GenerationMode.POSITIVE, GenerationMode.NEGATIVE])


@schema.exclude(path_regex="/docs|/samples|/web").parametrize()
@settings(max_examples=15, deadline=None, database=None, suppress_health_check=list(HealthCheck))
@hypothesis_seed(1)
def test_no_answer_is_undocumented(case: Any, url: str) -> None:
    response = case.call(base_url=url, timeout=20)
    assert response.status_code not in ERRORS_OF_OURS, response.text
    case.validate_response(
        response,
        checks=[
            schemathesis.checks.status_code_conformance,
            schemathesis.checks.content_type_conformance,
            schemathesis.checks.response_headers_conformance,
            schemathesis.checks.response_schema_conformance,
        ],
    )


async def test_every_route_is_documented_and_every_document_has_its_route(site: Site) -> None:
    def plain(path: str) -> str:
        return path.replace(":session", "").replace(":path", "")

    api = Api(Runtime(site.runtime.settings, site.buses.new()), dict)
    served = {
        (plain(found.path), method)
        for operation in OPERATIONS.values()
        if isinstance(found := route(operation, api), Route)
        for method in (found.methods or set()) - {"HEAD"}
    }
    await api.close()
    documented = {(path, method.upper()) for path, item in DOCUMENT["paths"].items() for method in item}
    assert served == documented


async def test_the_document_and_its_page_are_served(site: Site) -> None:
    assert (await site.client.get("/openapi.json")).json() == DOCUMENT
    page = await site.client.get("/docs")
    assert page.headers["content-type"].startswith("text/html")
    for path in DOCUMENT["paths"]:
        assert f"<code>{path}</code>" in page.text
    assert "<script" not in page.text
    assert "src=" not in page.text
    assert "default-src 'none'" in page.headers["content-security-policy"]


def test_the_page_escapes_what_it_shows() -> None:
    operation = {"summary": "<b> `a<b`", "responses": {"200": {"description": "<i>"}}}
    page = render({"info": {"title": "<t>", "description": "<d>"}, "paths": {"/<p>": {"get": operation}}})
    assert "&lt;b&gt; <code>a&lt;b</code>" in page
    for raw in ("<b>", "<i>", "<t>", "<d>", "<p>."):
        assert raw not in page


def test_the_example_in_a_schema_is_accepted(url: str) -> None:
    assert httpx.post(f"{url}/generate", json=body(), trust_env=False).status_code == 200
