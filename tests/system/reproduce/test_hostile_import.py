"""Hostile archives over HTTP and at the prompt: an answer with the reason, nothing left, and the server goes on."""

from __future__ import annotations

import httpx
import pytest

from tests.support.hostile_archives import END, REFUSED, session, tar
from tests.support.studio import Studio
from tests.system.reproduce.support import command

pytestmark = pytest.mark.system

TRIED = (
    ("names", "part of 5000"),
    ("numbers", "size 2^80"),
    ("types", "a link first"),
    ("counts", "20,000 one-byte frames first"),
    ("sizes", "a bomb"),
    ("metadata", "an input elsewhere"),
)


def test_each_is_refused_with_its_reason(quick: Studio) -> None:
    quick.start_everything()
    for kind, name in TRIED:
        archive = dict(REFUSED[kind]())[name]
        url = f"{quick.url}/session/import"
        answer = httpx.post(url, content=archive, timeout=60, trust_env=False)
        assert (answer.status_code, answer.json()["error"]) == (422, "invalid_archive"), (name, answer.text)
        assert quick.http.get("/health").status_code == 200
    assert quick.http.get("/session/list").json() == {"sessions": []}
    assert not (quick.sessions / ".import").exists()
    archive = quick.folder / "hostile.tar"
    archive.write_bytes(dict(REFUSED["numbers"]())["size 2^80"])
    said = command(quick, "import", str(archive), code=3).err
    assert said.count("\n") == 1
    assert "a length that is no file's" in said
    whole = httpx.post(f"{quick.url}/session/import", content=tar(session()) + END, timeout=60, trust_env=False)
    assert whole.json()["frames"] == 3
