"""What a request says in a place where nobody reads it is an error, on every operation; what says nothing is none."""

from __future__ import annotations

import base64
import gzip
import json
from typing import Any

import httpx
import pytest
import websockets

from services.api.http.operation import TOKEN, WEBSOCKET, Operation
from services.api.operations import OPERATIONS, build
from tests.contract.conftest import Site, body, image

pytestmark = pytest.mark.asyncio(loop_scope="module")

JSON = {"Content-Type": "application/json"}
FORM = {"Content-Type": "application/x-www-form-urlencoded"}

BY_NAME = {f"{method} {path}": operation for (method, path), operation in OPERATIONS.items() if method != WEBSOCKET}
BODILESS = {name: operation for name, operation in BY_NAME.items() if not operation.bodies}


@pytest.fixture
def site(shared_site: Site) -> Site:
    """One API for all, to which nothing has been asked yet."""
    shared_site.generator.asked.clear()
    return shared_site


def address_of(operation: Operation) -> str:
    """A path of the operation. What it names need not be there: parameters are looked at first."""
    return operation.path.replace("{path}", "index.html").replace("{index}", "0").replace("{", "x").replace("}", "")


async def ask(site: Site, operation: Operation, query: str = "", **more: Any) -> httpx.Response:
    return await site.client.request(operation.method, address_of(operation) + query, **more)


def refused(answer: httpx.Response) -> dict[str, str]:
    """What an ``invalid_request`` says of which field."""
    assert (answer.status_code, answer.json()["error"]) == (422, "invalid_request"), answer.text
    fields: dict[str, str] = answer.json()["fields"]
    return fields


async def test_the_table_says_what_the_document_says() -> None:
    for path, item in build()["paths"].items():
        for method, described in item.items():
            operation = OPERATIONS[method.upper(), path]
            named = {each["name"] for each in described.get("parameters", []) if each["in"] == "query"}
            # Of the page itself: the document is of what programs ask.
            assert named | ({"gaze"} if path == "/" else set()) == set(operation.query), path
            kinds = set(described.get("requestBody", {}).get("content", {}))
            assert kinds == set(operation.bodies), path
            for status in ("401", "403", "422"):
                assert status in described["responses"], (method, path, status)


@pytest.mark.parametrize("name", BY_NAME)
async def test_a_parameter_that_is_unknown_or_repeated(site: Site, name: str) -> None:
    operation = BY_NAME[name]
    assert list(refused(await ask(site, operation, "?nosuch=1"))) == ["nosuch"]
    assert "nosuch" in refused(await ask(site, operation, "?nosuch"))
    for known in (*operation.query, TOKEN):
        assert refused(await ask(site, operation, f"?{known}=1&{known}=1"))[known] == "it is given more than once"
    if operation.method == "GET":
        answer = await site.client.head(address_of(operation), params={"nosuch": "1"})
        assert answer.status_code == 422


@pytest.mark.parametrize("name", BODILESS)
async def test_a_body_where_none_is_read(site: Site, name: str) -> None:
    operation = BODILESS[name]
    known = operation.query[0] if operation.query else "session_id"
    for content, headers in (
        (json.dumps({known: "true"}), JSON),
        (json.dumps({known: "true"}), {}),
        ("\ufeff" + json.dumps({known: "true"}), JSON),
        (f"{known}=true", FORM),
    ):
        fields = refused(await ask(site, operation, content=content, headers=headers))
        assert list(fields) == [known]
        assert (f"?{known}=" in fields[known]) == bool(operation.query)
    assert known in refused(await ask(site, operation, data={known: "true"}, files={"nosuch": b"x"}))
    assert "body" in refused(await ask(site, operation, content=b"\x89PNG", headers={"Content-Type": "image/png"}))
    assert "body" in refused(await ask(site, operation, content=b'"text"', headers=JSON))
    assert "body" in refused(await ask(site, operation, content=b"[1]", headers=JSON))


async def test_a_large_body_where_none_is_read_is_not_taken_apart(site: Site) -> None:
    for content, headers in (
        (json.dumps({"session_id": "x" * 70_000}), JSON),
        ("session_id=" + "x" * 70_000, FORM),
        (b"{}" + b" " * 70_000, JSON),
    ):
        answer = await site.client.post("/session/start", content=content, headers=headers)
        assert refused(answer) == {"body": "this operation takes no body; leave it out"}
    named = json.dumps({"session_id": "x" * 60_000})
    assert list(refused(await site.client.post("/session/start", content=named, headers=JSON))) == ["session_id"]
    assert (await site.client.post("/reset", content=b"\r\n" * 40_000)).status_code == 200


NOTHING = [
    ({"content": b""}, "curl -X POST"),
    ({"content": b"{}"}, "fetch(..., {body: '{}'})"),
    ({"content": b" { }\r\n", "headers": JSON}, "with blanks"),
    ({"content": b"[]", "headers": JSON}, "R, PHP"),
    ({"content": b"null", "headers": JSON}, "JSON.stringify(null)"),
    ({"content": b"\xef\xbb\xbf{}", "headers": JSON}, "byte order mark"),
    ({"content": b"", "headers": FORM}, "curl -d ''"),
    ({"content": b"--x--\r\n", "headers": {"Content-Type": "multipart/form-data; boundary=x"}}, "new FormData()"),
]


@pytest.mark.parametrize("sent", [sent for sent, _ in NOTHING], ids=[name for _, name in NOTHING])
async def test_a_body_that_says_nothing_is_none(site: Site, sent: dict[str, Any]) -> None:
    assert (await site.client.post("/reset", **sent)).status_code == 200
    assert (await site.client.request("GET", "/session/list", **sent)).status_code == 200
    started = await site.client.post("/session/start", **sent)
    assert started.status_code == 200
    assert (await site.client.post("/session/stop", **sent)).status_code == 200
    assert (await site.client.delete(f"/session/{started.json()['session_id']}")).status_code == 200


@pytest.mark.parametrize(
    ("wrong", "right"), [("sessionid", "session_id"), ("Session_ID", "session_id"), ("resum", "resume")]
)
async def test_a_misspelt_parameter_is_told_the_right_one(site: Site, wrong: str, right: str) -> None:
    fields = refused(await site.client.post(f"/session/start?{wrong}=x"))
    assert f"did you mean {right}?" in fields[wrong]
    assert site.recorder.active is None, "nothing was begun under another name"


async def test_what_is_given_in_both_places_is_refused(site: Site) -> None:
    for answer in (
        await site.client.post("/session/start?session_id=a", json={"session_id": "b"}),
        await site.client.post("/session/start?session_id=a", json={"session_id": "a"}),
    ):
        assert list(refused(answer)) == ["session_id"]
    assert site.recorder.active is None
    assert list(refused(await site.client.post("/generate?steps=5", json=body(steps=5)))) == ["steps"]
    assert list(refused(await site.client.post("/generate?seed=5", json=body()))) == ["seed"]
    assert list(refused(await site.client.post("/session/a/rerun?into=b", json={"into": "b"}))) == ["into"]
    assert not site.generator.asked


@pytest.mark.parametrize("name", ["image_base64", "steps", "seed", "prompt"])
async def test_a_field_twice_in_one_object_is_refused(site: Site, name: str) -> None:
    """Readers differ in which of the two they obey."""
    valid = body(steps=5, seed=1, prompt="a bee")
    members = [*valid.items(), (name, valid[name])]
    text = "{" + ", ".join(f"{json.dumps(key)}: {json.dumps(value)}" for key, value in members) + "}"
    assert list(refused(await site.client.post("/generate", content=text, headers=JSON))) == [name]
    escaped = text.replace("/", "\\/")
    assert list(refused(await site.client.post("/generate", content=escaped, headers=JSON))) == [name]
    assert not site.generator.asked
    twice = '{"into": "b", "prompts": {"default": "a", "default": "b"}}'
    assert list(refused(await site.client.post("/session/a/rerun", content=twice, headers=JSON))) == ["default"]


async def test_a_body_nested_without_end_is_an_error_of_its_sender(site: Site) -> None:
    for depth in (20, 300, 900, 2000):
        nested = '{"into": "b", "prompts": ' + '{"a":' * depth + "1" + "}" * (depth + 1)
        answer = await site.client.post("/session/a/rerun", content=nested, headers=JSON)
        assert answer.status_code in (400, 422), answer.text
        lists = '{"focus_sector": "TL", "prompt": ' + "[" * depth + "]" * depth + "}"
        answer = await site.client.post("/generate", content=lists, headers=JSON)
        assert answer.status_code in (400, 422), answer.text


async def test_the_pages_own_parameters_stay(site: Site) -> None:
    assert (await site.client.get("/?gaze=ws")).status_code == 200
    assert list(refused(await site.client.get("/?gase=ws"))) == ["gase"]
    for path in ("/", "/health", "/session/list", "/web/js/main.js", "/docs"):
        assert (await site.client.get(path, params={"token": "x"})).status_code == 200


@pytest.mark.parametrize(
    "address", ["/ws?frame=false", "/ws?frames=no", "/ws?frames=true&frames=false", "/gaze?x=1", "/gaze?listen=maybe"]
)
async def test_a_websocket_is_as_strict(site: Site, address: str) -> None:
    with pytest.raises(websockets.InvalidStatus) as caught:
        await websockets.connect(f"ws://127.0.0.1:{site.port}{address}")
    response = caught.value.response
    assert response.status_code == 422
    told = json.loads(response.body)
    assert told["error"] == "invalid_request"
    assert list(told["fields"]) == [address.partition("?")[2].partition("=")[0]]


async def test_a_websocket_takes_what_it_knows(site: Site) -> None:
    for address in ("/ws?frames=false", "/ws?frames=true&token=x", "/gaze?token=x", "/gaze?listen=true"):
        viewer = await websockets.connect(f"ws://127.0.0.1:{site.port}{address}")
        await viewer.close()


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "zstd", "GZIP", "gzip, identity"])
@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/generate", "application/json"),
        ("/generate", "multipart/form-data; boundary=x"),
        ("/session/a/rerun", "application/json"),
        ("/session/import", "application/gzip"),
        ("/session/start", "application/json"),
    ],
)
async def test_an_encoded_body_is_told_so(site: Site, path: str, kind: str, encoding: str) -> None:
    answer = await site.client.post(
        path, content=gzip.compress(b"{}"), headers={"Content-Type": kind, "Content-Encoding": encoding}
    )
    assert (answer.status_code, answer.json()["error"]) == (415, "unsupported_media_type")
    assert "Content-Encoding" in answer.json()["detail"]
    assert encoding in answer.json()["detail"]
    assert answer.headers["accept-encoding"] == "identity"


async def test_a_body_as_it_is_may_say_so(site: Site) -> None:
    answer = await site.client.post("/generate", json=body(), headers={"Content-Encoding": "identity"})
    assert answer.status_code == 200
    silent = await site.client.post("/generate", content=gzip.compress(b"{}"), headers=JSON)
    assert silent.json()["error"] == "invalid_json"
    assert "gzip" in silent.json()["detail"], "not merely 'not JSON'"


@pytest.mark.parametrize(
    "fields", [{"steps": 5.0}, {"seed": 1e2}, {"grid_size": 2.0}, {"target_row": 0.0, "target_col": -0.0}]
)
async def test_a_whole_number_may_come_as_a_decimal(site: Site, fields: dict[str, Any]) -> None:
    answer = await site.generate(**fields)
    assert answer.status_code == 200, answer.text
    form = {name: str(value) for name, value in fields.items()}
    sent = await site.client.post("/generate", data={"focus_sector": "TL", **form}, files={"image": image()})
    assert sent.status_code == 200, sent.text
    (by_json, _), (by_form, _) = site.generator.asked
    assert by_json.steps == by_form.steps
    assert (by_json.grid_size, by_json.target_sector) == (by_form.grid_size, by_form.target_sector)
    if "seed" in fields:
        assert by_json.seed == by_form.seed == 100


@pytest.mark.parametrize(
    "fields", [{"steps": True}, {"steps": 5.5}, {"seed": 2.0**60}, {"grid_size": True}, {"durable": 1.0}]
)
async def test_what_is_no_whole_number_is_not_made_one(site: Site, fields: dict[str, Any]) -> None:
    assert list(refused(await site.generate(**fields))) == list(fields)


async def test_whole_numbers_in_addresses_are_the_same(site: Site) -> None:
    for index in ("0", "0.0", "0e5", "1e%2B05"):
        answer = await site.client.post(f"/session/replay/seek?index={index}")
        assert answer.json()["error"] == "not_replaying", "the number itself is fine"
        assert (await site.client.get(f"/session/none/entries?from={index}")).json()["error"] == "session_not_found"
    for index in ("0.5", "-1", "1e99", "true", "", "0x1"):
        assert "index" in refused(await site.client.post(f"/session/replay/seek?index={index}"))


@pytest.mark.parametrize(
    "disposition",
    ["filename*=UTF-8''gr%C3%BC%C3%9Fe.png", "filename*=utf-8'de'x.png", 'filename="x.png"', "filename=x"],
)
async def test_a_file_is_one_however_its_name_is_written(site: Site, disposition: str) -> None:
    parts = [
        b'--x\r\nContent-Disposition: form-data; name="image"; ' + disposition.encode() + b"\r\n\r\n" + image(),
        b'--x\r\nContent-Disposition: form-data; name="focus_sector"\r\n\r\nTL',
        b"--x--\r\n",
    ]
    kind = {"Content-Type": "multipart/form-data; boundary=x"}
    answer = await site.client.post("/generate", content=b"\r\n".join(parts), headers=kind)
    assert answer.status_code == 200, answer.text


async def test_a_field_that_speaks_of_a_filename_is_no_file(site: Site) -> None:
    parts = [
        b'--x\r\nContent-Disposition: form-data; name="image; filename*=x"\r\n\r\n' + b"text",
        b"--x--\r\n",
    ]
    kind = {"Content-Type": "multipart/form-data; boundary=x"}
    fields = refused(await site.client.post("/generate", content=b"\r\n".join(parts), headers=kind))
    assert "image; filename*=x" in fields


async def test_a_part_that_is_encoded_is_told_so(site: Site) -> None:
    head = b'--x\r\nContent-Disposition: form-data; name="image"; filename="a"\r\nContent-Transfer-Encoding: base64'
    content = head + b"\r\n\r\n" + base64.b64encode(image()) + b"\r\n--x--\r\n"
    kind = {"Content-Type": "multipart/form-data; boundary=x"}
    assert "base64" in refused(await site.client.post("/generate", content=content, headers=kind))["image"]


async def test_names_are_told_as_they_were_written(site: Site) -> None:
    for answer in (
        await site.client.post("/session/start", params={"session_id": "Größe"}),
        await site.client.get("/session/Größe"),
        await site.client.post("/session/start", params={"Größe": "1"}),
    ):
        assert "Größe" in answer.json()["detail"]
