"""Pictures by their hash: told of each that is answered, and taken in place of one that is known."""

from __future__ import annotations

import hashlib
from typing import Any

import httpx
import orjson
import pytest

from services.api.http.files import HASHED_AT_ONCE_BYTES
from shared.errors import UnknownImage
from tests.contract.conftest import Site, body, image
from tests.contract.test_prepare import OF_IMAGE, prepare, told
from tests.contract.test_trial import begin, refused


def assert_named(answer: httpx.Response) -> None:
    assert answer.status_code == 200, answer.text
    assert answer.headers["x-image-sha256"] == hashlib.sha256(answer.content).hexdigest()


async def test_each_picture_that_is_answered_is_named(site: Site) -> None:
    await site.client.post("/session/start?session_id=s")
    made = await site.generate(durable=True)
    assert_named(made)
    assert made.headers["x-image-sha256"] == hashlib.sha256(made.content).hexdigest()
    frame = await site.client.get("/session/s/frames/0")
    assert_named(frame)
    assert frame.headers["etag"] == f'"{frame.headers["x-image-sha256"]}"'
    part = await site.client.get("/session/s/frames/0", headers={"Range": "bytes=0-9"})
    assert (part.status_code, len(part.content)) == (206, 10)
    assert part.headers["x-image-sha256"] == frame.headers["x-image-sha256"], "of the picture, not of the part"
    known = await site.client.get("/session/s/frames/0", headers={"If-None-Match": frame.headers["etag"]})
    assert known.status_code == 304
    taken = await site.client.get("/session/s/frames/0/input")
    assert_named(taken)
    assert taken.content == image()
    await site.client.post("/session/replay/s")
    assert_named(await site.client.get("/session/replay/next"))
    assert_named(await site.client.get("/session/replay/previous"))
    (sample, *_) = (await site.client.get("/samples")).json()["samples"]
    photograph = await site.client.get(f"/samples/{sample['file']}")
    assert_named(photograph)
    assert_named(await site.client.get(f"/samples/{sample['file']}/thumbnail"))
    assert (await site.client.get("/web/icon.svg")).headers.get("x-image-sha256") is None


@pytest.mark.parametrize("png_bytes", [1000, HASHED_AT_ONCE_BYTES + 1])
@pytest.mark.parametrize("recorded", [None, "", "0", "F" * 64])
async def test_a_recorded_hash_that_is_none_is_not_told(site: Site, png_bytes: int, recorded: str | None) -> None:
    """As other hands leave it."""
    await site.client.post("/session/start?session_id=s")
    site.generator.png_bytes = png_bytes
    await site.generate(durable=True)
    await site.client.post("/session/stop")
    path = site.sessions / "s" / "metadata.json"
    metadata = orjson.loads(path.read_bytes())
    metadata["sequence"][0]["sha256"] = recorded
    path.write_bytes(orjson.dumps(metadata))
    answers = [await site.client.get("/session/s/frames/0")]
    await site.client.post("/session/replay/s")
    answers.append(await site.client.get("/session/replay/next"))
    for answer in answers:
        if recorded in (None, ""):
            assert_named(answer)
            assert "etag" not in answer.headers
        else:
            assert told(answer) == (410, "frame_corrupt")


async def test_a_page_may_read_it(site: Site) -> None:
    answer = await site.client.post("/generate", json=body(), headers={"Origin": "http://localhost:3000"})
    exposed = {name.strip().lower() for name in answer.headers["access-control-expose-headers"].split(",")}
    assert {"x-image-sha256", "x-region", "x-on", "x-sector"} <= exposed


async def test_a_picture_that_is_known_need_not_be_sent_again(site: Site) -> None:
    first = await site.generate(target_sector="BR")
    sha256 = first.headers["x-image-sha256"]
    second = await site.generate(image_base64=None, image_sha256=sha256)
    assert second.status_code == 200
    form = {"image_sha256": sha256, "focus_sector": "TL"}
    third = await site.client.post("/generate", data=form, files={"image_sha256": (None, sha256)})
    assert third.status_code == 422, "twice in one form"
    third = await site.client.post("/generate", files={name: (None, value) for name, value in form.items()})
    assert third.status_code == 200, third.text
    for asked, payload in site.generator.asked[1:]:
        assert (asked.image_sha256, payload) == (sha256, b"")
    assert (await prepare(site, image_base64=None, image_sha256=sha256)).status_code == 202
    _, asked, payloads = site.generator.ahead.asked[0]
    assert (asked.image_sha256, payloads) == (sha256, (b"",))
    begun = await begin(site, image_base64=None, image_sha256=OF_IMAGE)
    assert begun.status_code == 200, begun.text
    assert begun.json()["picture_sha256"] == OF_IMAGE


async def test_one_that_is_not_known_is_to_be_sent(site: Site) -> None:
    unknown = {"image_base64": None, "image_sha256": "0" * 64}
    first = (await site.client.get("/prompts")).json()["next"]
    for answer in (await site.generate(**unknown), await prepare(site, **unknown), await begin(site, **unknown)):
        assert told(answer) == (409, "unknown_image")
        assert "send it" in answer.json()["detail"]
    assert (await site.client.get("/prompts")).json()["next"] == first, "no sector prompt was used up"
    await site.generator.die()
    assert told(await begin(site, **unknown)) == (503, "generator_unavailable")


@pytest.mark.parametrize(
    ("fields", "name"),
    [
        ({"image_sha256": OF_IMAGE}, "image_base64"),
        ({"image_base64": None}, "image_base64"),
        ({"image_base64": None, "image_sha256": ""}, "image_sha256"),
        ({"image_base64": None, "image_sha256": OF_IMAGE.upper()}, "image_sha256"),
        ({"image_base64": None, "image_sha256": OF_IMAGE + "\n"}, "image_sha256"),
        ({"image_base64": None, "image_sha256": 5}, "image_sha256"),
    ],
    ids=str,
)
async def test_one_picture_is_sent_or_named(site: Site, fields: dict[str, Any], name: str) -> None:
    for answer in (await site.generate(**fields), await prepare(site, **fields), await begin(site, **fields)):
        assert name in refused(answer)
    assert (site.generator.asked, site.generator.ahead.asked) == ([], [])


async def test_a_trial_begins_with_one_picture(site: Site) -> None:
    named = {"image_base64": None, "image_sha256": OF_IMAGE, "sample": "meadow.jpg"}
    assert list(refused(await begin(site, **named))) == ["image_sha256"]


@pytest.mark.parametrize(
    ("given", "status", "named"),
    [
        ({"image": image(), "image_sha256": (None, OF_IMAGE)}, 422, "image"),
        ({"focus_sector": (None, "TL")}, 422, "image"),
        ({"image": (None, "text"), "image_sha256": (None, OF_IMAGE)}, 422, "image"),
        ({"image_sha256": (None, "text")}, 422, "image_sha256"),
        ({"image": image(), "image_sha256": (None, "")}, 200, None),
    ],
    ids=str,
)
async def test_a_form_has_one_picture_too(site: Site, given: dict[str, Any], status: int, named: str | None) -> None:
    answer = await site.client.post("/generate", files={"target_sector": (None, "BR"), **given})
    assert answer.status_code == status, answer.text
    if named is not None:
        assert named in answer.json()["fields"]


async def test_a_picture_that_the_generator_has_lost_meanwhile(site: Site) -> None:
    site.generator.error = UnknownImage("it is no longer known; send it")
    answer = await site.generate(image_base64=None, image_sha256=OF_IMAGE)
    assert told(answer) == (409, "unknown_image")
