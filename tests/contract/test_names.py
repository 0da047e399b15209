"""What is said of a name shows it as it is written; and a seed that is drawn is one that every JSON reader reads."""

from __future__ import annotations

from typing import Any

import pytest

from tests.contract.conftest import Site, body

pytestmark = pytest.mark.asyncio(loop_scope="module")

NAME = "größe蜂"


@pytest.mark.parametrize(
    ("method", "path", "options"),
    [
        ("GET", f"/session/{NAME}", {}),
        ("DELETE", f"/session/{NAME}", {}),
        ("GET", f"/session/{NAME}/frames/0", {}),
        ("GET", f"/session/{NAME}/export", {}),
        ("GET", f"/session/{NAME}/rerun", {}),
        ("POST", f"/session/replay/{NAME}", {}),
        ("POST", f"/session/start?session_id={NAME}", {}),
        ("GET", f"/session/compare?a={NAME}&b={NAME}", {}),
        ("GET", f"/samples/{NAME}", {}),
        ("GET", f"/web/{NAME}", {}),
        ("GET", f"/{NAME}", {}),
        ("POST", "/generate", {"json": body(session_id=NAME)}),
    ],
)
async def test_a_name_with_an_umlaut_is_shown(
    shared_site: Site, method: str, path: str, options: dict[str, Any]
) -> None:
    answer = await shared_site.client.request(method, path, **options)
    assert answer.status_code >= 400
    assert NAME in answer.json()["detail"]
    assert "\\x" not in answer.json()["detail"]


@pytest.mark.parametrize("name", ["a\u202eb", "a\x1bb", "a\x07b", "a\u2028b", "a\u200bb"])
async def test_what_a_terminal_would_obey_is_not(shared_site: Site, name: str) -> None:
    answer = await shared_site.client.post("/session/start", params={"session_id": name})
    detail = answer.json()["detail"]
    assert answer.status_code == 422
    assert detail.isprintable()


async def test_a_drawn_seed_is_exact_in_every_json_reader(shared_site: Site) -> None:
    for _ in range(30):
        seed = int((await shared_site.generate()).headers["x-seed"])
        assert 0 <= seed < 2**53
    given = await shared_site.generate(seed=2**63 - 1)
    assert given.headers["x-seed"] == str(2**63 - 1)
