"""The recorder is asked, and told, what no honest peer says: it refuses, writes nothing for it, and records on."""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest

from services.recorder import set_aside
from shared.bus.envelope import encode_published
from shared.errors import InvalidRequest, InvalidSessionId, NotFound
from shared.session.format.layout import ASIDE
from shared.session.transfer.staging import IMPORT
from shared.session.writing.writer import SessionWriter
from shared.system.disk import Disk
from tests.bus.recorder.conftest import Rig
from tests.bus.recorder.test_strange_generator import StrangeGenerator
from tests.support.absurd_fields import LONG, REQUESTS, absurd_bodies, assert_quiet, nested_value, refuses, tree
from tests.support.frames import CREATED_AT, tiny_png
from tests.support.samples import SAMPLES
from tests.support.waiting import eventually_async

PICTURE = tiny_png({"made": "by nobody"})


class Liar(StrangeGenerator):
    """A generator that says what no generator says."""

    async def lie(self, picture: bytes = PICTURE, **changes: Any) -> str:
        """Publish a frame of the session ``s``, with changes; its hash, where that is not among them."""
        sha256 = hashlib.sha256(picture).hexdigest()
        sample = encode_published(SAMPLES["frame"], picture)
        header = {**orjson.loads(sample[1]), "epoch": self.epoch, "sha256": sha256, **changes}
        await self._publisher.send([sample[0], json.dumps(header).encode(), picture])
        return sha256


async def lying(rig: Rig) -> Liar:
    rig.generator = made = Liar(rig.buses, "epoch-a")
    await rig.start()
    await rig.ask("start", session_id="s")
    return made


@pytest.fixture(autouse=True)
def _quiet(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    caplog.set_level(logging.INFO)
    yield
    assert_quiet(caplog)


@pytest.fixture
def beside(folder: Path) -> Iterator[Path]:
    """A folder beside the sessions, which nothing may touch."""
    victim = folder / "victim"
    (victim / "inputs").mkdir(parents=True)
    (victim / "metadata.json").write_text('{"mine": true}')
    (victim / "0000_BR.png").write_bytes(b"mine")
    before = tree(victim)
    yield victim
    assert tree(victim) == before


@pytest.mark.parametrize("message_type", sorted(REQUESTS["recorder"]))
async def test_an_absurd_request_is_refused_and_makes_nothing(rig: Rig, beside: Path, message_type: str) -> None:
    await rig.start()
    await rig.ask("start", session_id="s")
    before = tree(rig.root)
    for what, body in absurd_bodies("recorder", message_type):
        await refuses(rig.client, message_type, body, what)
    assert tree(rig.root) == before
    generator = await rig.new_generator()
    await rig.wait_recorded(await generator.make(count=2))


async def test_the_path_of_a_folder_is_no_session(rig: Rig, beside: Path) -> None:
    await rig.start()
    for session_id in (str(beside), "../victim", f"{rig.root}/../victim"):
        for message_type in ("start", "resume"):
            with pytest.raises(InvalidSessionId):
                await rig.ask(message_type, session_id=session_id, created_at=CREATED_AT)
    assert [name for name in tree(rig.root) if not name.startswith(".")] == []


async def test_the_head_is_not_for_the_caller_to_say(rig: Rig) -> None:
    await rig.start()
    with pytest.raises(InvalidRequest) as refused:
        await rig.ask("start", session_id="b", active=False, extra={"session_id": "/etc", "parent": {}})
    assert refused.value.fields is not None
    assert "extra" in refused.value.fields
    started = await rig.ask("start", session_id="b", active=False, extra={"parent": {"session_id": "s"}, "mine": [1]})
    await rig.ask("stop", session_id="b")
    head = rig.metadata("b")
    assert (head["session_id"], head["created_at"], head["format"]) == ("b", started["created_at"], 1)
    assert (head["parent"], head["mine"], head["sequence"]) == ({"session_id": "s"}, [1], [])


async def test_only_a_folder_of_an_importer_is_taken_in(rig: Rig, beside: Path) -> None:
    await rig.start()
    token = "0" * 32
    (beside.parent / "elsewhere" / "new").mkdir(parents=True)
    (beside.parent / "elsewhere" / "new" / "metadata.json").write_text("{}")
    (rig.root / IMPORT).mkdir()
    (rig.root / IMPORT / token).symlink_to(beside.parent / "elsewhere")
    (rig.root / IMPORT / ("1" * 32)).mkdir()
    (rig.root / IMPORT / ("1" * 32) / "new").symlink_to(beside.parent / "elsewhere" / "new")
    for staged in (token, "1" * 32, "../../elsewhere", str(beside.parent / "elsewhere"), "elsewhere"):
        with pytest.raises(NotFound):
            await rig.ask("import", staged=staged, session_id="new")
    assert not (rig.root / "new").exists()
    assert (beside.parent / "elsewhere" / "new" / "metadata.json").exists()


async def test_sessions_that_are_not_there_leave_nothing_behind_when_they_are_stopped(rig: Rig) -> None:
    await rig.start()
    for number in range(50):
        await rig.ask("stop", session_id=f"none-{number}")
    assert len(rig.recorder.closing) == 0


@pytest.mark.parametrize(
    "changes",
    [
        *(
            {"session_id": bad, "record_seq": 0}
            for bad in ("VICTIM", "../victim", "", ".spill", "con", "a\nb", "x\0", LONG)
        ),
        *({"target_sector": bad} for bad in ("../../victim/x", "br", "XX", "", 5, "BR\n")),
        *({"frame_id": bad} for bad in ("", "a\nb", 5, None, LONG)),
        *({"input_sha256": bad} for bad in ("../../victim/x", "", "0" * 63, None, "0" * 64 + "\n")),
        *({"sha256": bad} for bad in ("../../x", "", None)),
        *(
            {"region": bad}
            for bad in ([0, 0, 600, 600], [5, 5, 5, 9], [-1, 0, 5, 5], [0, 0, 1], "all", [0, 0, True, 5])
        ),
        *({"width": bad} for bad in (0, -1, 2**40, "512", True)),
        *({"grid_size": bad} for bad in (7, "3", True, 2.5)),
        *({"seed": bad} for bad in (-1, 2**63, "7", 1e300)),
        *({"timestamp": bad} for bad in (-5, 1e300, "now", None)),
        *({"session_created_at": bad} for bad in (-5, 1e300, "now")),
        *({key: bad} for key in ("notes", "environment", "requested", "model") for bad in (5, nested_value(60))),
        *({key: {"a": LONG}} for key in ("notes", "versions", "environment", "mine")),
        {"grid_size": 2, "target_sector": "MC"},
        {"input_format": "../x"},
        {"mine": nested_value(60)},
        {"mine": LONG},
        {"prompt": LONG},
        {"record_seq": 2**31 - 1},
        {"record_seq": 5_000_000},
    ],
    ids=lambda changes: str(changes)[:60],
)
async def test_a_frame_that_does_not_fit_is_not_recorded(rig: Rig, beside: Path, changes: dict[str, Any]) -> None:
    generator = await lying(rig)
    hashes = await generator.make(count=1)
    await rig.wait_recorded(hashes)
    if changes.get("session_id") == "VICTIM":
        changes = {**changes, "session_id": str(beside)}
    for _ in range(20):
        await generator.lie(**{"frame_id": "evil", "record_seq": 1, **changes})
    hashes += await generator.make(count=2)
    await rig.wait_recorded(hashes)
    assert {name.split("/")[0] for name in tree(rig.root) if not name.startswith(".")} == {"s"}
    assert not rig.task.done()


async def test_a_picture_that_is_no_png_is_not_recorded(rig: Rig) -> None:
    generator = await lying(rig)
    await generator.lie(b"<script>alert(1)</script>", frame_id="evil", record_seq=0)
    hashes = await generator.make(count=2)
    await rig.wait_recorded(hashes)


@pytest.mark.parametrize("odd", ["sector", "bytes", "picture"])
async def test_a_frame_that_never_fits_is_set_aside(rig: Rig, odd: str) -> None:
    generator = await lying(rig)
    generator.loses = {1}
    hashes = await generator.make(count=1)
    await rig.wait_recorded(hashes)
    (unfit,) = await generator.make(count=1)
    fields, picture = generator.held["s", 1]
    given = {
        "sector": ({**fields, "target_sector": "../../x"}, picture),
        "bytes": (fields, picture + b"x"),
        "picture": (fields, b"<script>alert(1)</script>"),
    }[odd]
    generator.held["s", 1] = given
    hashes += await generator.make(count=2)
    await rig.wait_recorded(hashes)
    assert unfit not in rig.hashes()
    await eventually_async(lambda: rig.metadata("s").get("lost") == [fields["frame_id"]], what="it is named as lost")
    assert (await rig.state_of("s"))["pending"] == 0
    status = await rig.status()
    assert status["lost"] == {"s": [fields["frame_id"]]}
    (reason,) = status["set_aside"].values()
    assert list(status["set_aside"]) == [fields["frame_id"]]
    (said,) = (rig.root / ASIDE).glob("*.json")
    kept = orjson.loads(said.read_bytes())
    assert (kept["reason"], kept["frame_id"], kept["record_seq"]) == (reason, fields["frame_id"], 1)
    assert kept["said"]["target_sector"] == given[0]["target_sector"]
    assert said.with_suffix(".png").read_bytes() == given[1]
    asked = len(generator.fetched)
    hashes += await generator.make(count=2)
    await rig.wait_recorded(hashes)
    assert len(generator.fetched) == asked, "it is not asked for again"


async def test_what_is_set_aside_is_named_after_a_death_and_kept_once(rig: Rig) -> None:
    """The recorder dies before the generator let it go: it is told of it once more, and nothing is doubled."""
    generator = await lying(rig)
    generator.loses = {0}
    await generator.make(count=1)
    fields, picture = generator.held["s", 0]
    generator.held["s", 0] = (fields, picture + b"x")
    generator.ignores_acknowledgements = 10**9
    hashes = await generator.make(count=1)
    await eventually_async(lambda: rig.metadata("s").get("lost") == [fields["frame_id"]])
    await rig.kill()
    await rig.start()
    generator.ignores_acknowledgements = 0
    await rig.wait_recorded(hashes)
    assert rig.metadata("s")["lost"] == [fields["frame_id"]]
    assert len(list((rig.root / ASIDE).iterdir())) == 2


async def test_what_is_set_aside_is_bounded(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(set_aside, "MAX_FRAMES", 2)
    generator = await lying(rig)
    generator.loses = set(range(5))
    await generator.make(count=5)
    for number in range(5):
        fields, picture = generator.held["s", number]
        generator.held["s", number] = (fields, picture + b"x")
    hashes = await generator.make(count=1)
    await rig.wait_recorded(hashes)
    await eventually_async(lambda: len(rig.metadata("s").get("lost", [])) == 5, what="all are named all the same")
    assert len(list((rig.root / ASIDE).glob("*.json"))) == 2


async def test_what_cannot_be_kept_aside_is_named_all_the_same(rig: Rig) -> None:
    generator = await lying(rig)
    (rig.root / ASIDE).write_text("in the way")
    generator.loses = {0}
    await generator.make(count=1)
    fields, picture = generator.held["s", 0]
    generator.held["s", 0] = (fields, picture + b"x")
    await rig.wait_recorded(await generator.make(count=2))
    assert rig.metadata("s")["lost"] == [fields["frame_id"]]


@pytest.mark.parametrize("data", [b"#!/bin/sh\nrm -rf /", b"", tiny_png()])
async def test_an_input_that_is_not_what_it_is_called_is_not_kept(rig: Rig, data: bytes) -> None:
    generator = await lying(rig)
    is_image = data.startswith(b"\x89PNG")
    sha256 = "0" * 64 if is_image else hashlib.sha256(data).hexdigest()
    generator.inputs[sha256] = data
    hashes = [await generator.lie(input_sha256=sha256, record_seq=0, frame_id="odd")]
    await rig.wait_recorded(hashes)
    assert rig.metadata("s")["sequence"][0]["input_file"] is None
    assert not (rig.root / "s" / "inputs").exists()


def test_nothing_is_written_under_a_name_that_no_session_has(tmp_path: Path, beside: Path) -> None:
    root = tmp_path / "sessions"
    for session_id in (str(beside), "../victim", "", ".", "..", ".spill", "a/b", "a\\b", "con", "a\nb"):
        for work in (SessionWriter.create, SessionWriter.open_or_create):
            with pytest.raises(InvalidSessionId):
                work(Disk(), root, session_id, CREATED_AT)
        with pytest.raises(InvalidSessionId):
            SessionWriter.open(Disk(), root, session_id)
    assert not root.exists() or not list(root.iterdir())
