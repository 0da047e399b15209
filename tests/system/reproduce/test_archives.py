"""A session taken along: exported here, imported on another machine, replayed, checked and verified there."""

from __future__ import annotations

import io
import json
import subprocess
import tarfile
import threading
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.support.processes import System
from tests.support.recorded import change_pixel
from tests.support.studio import Studio, studio_in
from tests.support.waiting import eventually
from tests.system.reproduce.support import command, files, record

pytestmark = pytest.mark.system


@pytest.fixture
def elsewhere(folder: Path) -> Iterator[Studio]:
    """Another machine: nothing in common with the first but the code."""
    (folder / "elsewhere").mkdir()
    with studio_in(folder / "elsewhere") as made:
        yield made


def post(system: System, archive: bytes, **query: str) -> httpx.Response:
    return httpx.post(f"{system.url}/session/import", content=archive, params=query, timeout=60, trust_env=False)


def test_recorded_exported_imported_elsewhere_and_verified_identical(quick: Studio, elsewhere: Studio) -> None:
    quick.start_everything()
    record(quick, "experiment", frames=5)
    before = files(quick.sessions / "experiment")
    said = command(quick, "export", "experiment").out
    assert said.startswith("experiment.tar.gz: 11 files")
    archive = quick.folder / "experiment.tar.gz"
    quick.stop_all()
    assert command(elsewhere, "import", str(archive)).out.startswith("experiment: 5 frames")
    assert files(elsewhere.sessions / "experiment") == before
    assert command(elsewhere, "check", "experiment").out == "experiment: whole\n"
    elsewhere.start_everything()
    verified = command(elsewhere, "verify", "experiment", "--by", "server").out
    assert "5 identical" in verified
    assert verified.endswith("reproduced\n")
    assert elsewhere.http.post("/session/replay/experiment").json()["total_generations"] == 5
    for name in sorted(name for name in before if name[0] == "0"):
        assert elsewhere.http.get("/session/replay/next").content == before[name]


def test_the_same_over_http(quick: Studio, elsewhere: Studio) -> None:
    quick.start_everything()
    record(quick, "experiment")
    answer = quick.http.get("/session/experiment/export")
    assert answer.headers["content-type"] == "application/gzip"
    assert 'filename="experiment.tar.gz"' in answer.headers["content-disposition"]
    elsewhere.start_everything()
    imported = post(elsewhere, answer.content)
    assert imported.status_code == 200, imported.text
    told = imported.json()
    assert (told["session_id"], told["status"], told["frames"]) == ("experiment", "imported", 4)
    assert files(elsewhere.sessions / "experiment") == files(quick.sessions / "experiment")
    assert elsewhere.http.get("/session/experiment/export").content == answer.content
    assert elsewhere.http.get("/session/list").json() == {"sessions": ["experiment"]}
    again = post(elsewhere, answer.content)
    assert (again.status_code, again.json()["error"]) == (409, "session_exists")
    renamed = post(elsewhere, answer.content, session_id="again")
    assert (renamed.json()["session_id"], renamed.json()["renamed_from"]) == ("again", "experiment")
    assert elsewhere.http.get("/session/again").json()["session_id"] == "again"
    assert sorted(path.name for path in elsewhere.sessions.iterdir() if path.name[0] != ".") == ["again", "experiment"]
    assert not (elsewhere.sessions / ".import").exists()


def test_the_tar_of_the_document_comes_in(quick: Studio, elsewhere: Studio) -> None:
    """``tar -czf bug_report_xyz.tar.gz generation/sessions/bug_report_xyz/``, while the session is active."""
    (quick.folder / "generation" / "sessions").mkdir(parents=True)
    quick.settings["PARAFOVEA_SESSIONS_DIR"] = "generation/sessions"
    quick.sessions = quick.folder / "generation" / "sessions"
    quick.start_everything()
    record(quick, "earlier", frames=1)
    quick.start_session("bug_report_xyz")
    frames = [quick.generate(seed) for seed in range(3)]
    quick.wait_recorded("bug_report_xyz", frames)
    subprocess.run(
        ["tar", "-czf", "bug_report_xyz.tar.gz", "generation/sessions/bug_report_xyz/"], cwd=quick.folder, check=True
    )
    elsewhere.start_everything()
    imported = post(elsewhere, (quick.folder / "bug_report_xyz.tar.gz").read_bytes())
    assert imported.json()["frames"] == 3, imported.text
    assert command(elsewhere, "check", "bug_report_xyz").out == "bug_report_xyz: whole\n"
    assert elsewhere.http.post("/session/replay/bug_report_xyz").json()["total_generations"] == 3


def test_what_is_refused_leaves_nothing_and_hurts_nothing(quick: Studio) -> None:
    quick.start_everything()
    record(quick, "experiment")
    archive = quick.http.get("/session/experiment/export").content
    before = files(quick.sessions)
    link = tarfile.TarInfo("s/metadata.json")
    link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
    outside = tarfile.TarInfo("../../outside.png")
    for content, query, status, code in (
        (b"", {}, 422, "invalid_archive"),
        (b"<html>" * 1000, {}, 422, "invalid_archive"),
        (link.tobuf() + bytes(1024), {}, 422, "invalid_archive"),
        (outside.tobuf() + bytes(1024), {}, 422, "invalid_archive"),
        (archive[:-20], {"session_id": "other"}, 422, "invalid_archive"),
        (archive, {"session_id": "../x"}, 422, "invalid_session_id"),
        (archive, {"session_id": "EXPERIMENT"}, 422, "invalid_session_id"),
        (archive, {"session_id": "experiment"}, 409, "session_exists"),
        (archive, {}, 409, "session_exists"),
    ):
        answer = post(quick, content, **query)
        assert (answer.status_code, answer.json()["error"]) == (status, code), answer.text
    form = httpx.post(f"{quick.url}/session/import", files={"file": archive}, trust_env=False)
    assert (form.status_code, form.json()["error"]) == (415, "unsupported_media_type")
    assert files(quick.sessions) == before
    assert not (quick.sessions / ".import").exists()
    eventually(lambda: quick.http.get("/health").json()["status"] == "ok", 20, "/health is ok")


def test_a_large_archive_that_is_refused_early_is_answered_all_the_same(quick: Studio) -> None:
    """Its sender is still sending when the answer is known."""
    quick.start_everything()
    header = tarfile.TarInfo("evil/run.sh")
    header.size = 64 << 20

    def archive() -> Iterator[bytes]:
        yield header.tobuf()
        for _ in range(64):
            yield bytes(1 << 20)

    answer = httpx.post(f"{quick.url}/session/import", content=archive(), timeout=60, trust_env=False)
    assert (answer.status_code, answer.json()["error"]) == (422, "invalid_archive")
    assert "not a file of a session" in answer.json()["detail"]


def test_a_sender_that_goes_away_leaves_nothing(quick: Studio) -> None:
    quick.start_everything()
    record(quick, "experiment")
    archive = quick.http.get("/session/experiment/export").content
    gone = threading.Event()

    def half() -> Iterator[bytes]:
        yield archive[: len(archive) // 2]
        eventually(lambda: list((quick.sessions / ".import").glob("*")), 30, "the import is under way")
        gone.set()
        raise ConnectionError

    with pytest.raises(ConnectionError):
        httpx.post(
            f"{quick.url}/session/import", content=half(), params={"session_id": "half"}, timeout=60, trust_env=False
        )
    assert gone.is_set()
    eventually(lambda: not (quick.sessions / ".import").exists(), 30, "nothing is left of it")
    assert not (quick.sessions / "half").exists()


def test_a_server_that_stops_in_an_import_leaves_nothing(quick: Studio) -> None:
    quick.start_everything()
    record(quick, "experiment")
    archive = quick.http.get("/session/experiment/export").content
    stopped = threading.Event()

    def slow() -> Iterator[bytes]:
        yield archive[: len(archive) // 2]
        eventually(lambda: list((quick.sessions / ".import").glob("*")), 30, "the import is under way")
        quick.stop_all()
        stopped.set()
        yield archive[len(archive) // 2 :]

    try:
        answer = httpx.post(f"{quick.url}/session/import", content=slow(), params={"session_id": "h"}, trust_env=False)
        assert answer.status_code != 200
    except httpx.HTTPError:
        assert stopped.is_set()
    assert stopped.is_set()
    eventually(lambda: not (quick.sessions / ".import").exists(), 30, "nothing is left of it")
    assert not (quick.sessions / "h").exists()


def test_one_pixel_changed_in_a_file_is_named_by_verify_and_by_check(quick: Studio) -> None:
    quick.start_everything()
    parent = record(quick, "experiment")
    victim = parent["sequence"][2]["filename"]
    change_pixel(quick.sessions / "experiment" / victim, 5, 7)
    verified = command(quick, "verify", "experiment", "--json", code=1)
    told = json.loads(verified.out)
    assert [frame["verdict"] for frame in told["frames"]] == ["identical", "identical", "altered", "identical"]
    assert told["frames"][2]["filename"] == victim
    assert victim in told["frames"][2]["reason"]
    checked = command(quick, "check", "experiment", code=2).out
    assert [line for line in checked.splitlines() if victim in line and line.startswith("LOST")]
    shown = command(quick, "verify", "experiment", code=1).out
    assert [line for line in shown.splitlines() if victim in line and "altered" in line]
    assert shown.endswith("NOT reproduced\n")


def test_a_session_can_be_exported_while_it_is_recorded(quick: Studio) -> None:
    quick.start_generator(sleep_ms=20)
    quick.start_recorder()
    quick.start("replayer")
    quick.start_api()
    quick.start_session("live")
    first = [quick.generate(seed, durable=True) for seed in range(3)]
    done = threading.Event()
    more = []

    def record_on() -> None:
        seed = 100
        while not done.is_set():
            more.append(quick.generate(seed, durable=True))
            seed += 1

    recording = threading.Thread(target=record_on)
    recording.start()
    try:
        exported = []
        for _ in range(5):
            with httpx.Client(trust_env=False) as client:
                exported.append(client.get(f"{quick.url}/session/live/export", timeout=60).content)
    finally:
        done.set()
        recording.join()
    counts = []
    for archive in exported:
        with tarfile.open(fileobj=io.BytesIO(archive), mode="r:gz") as tar:
            held = json.loads(tar.extractfile("generation/sessions/live/metadata.json").read())  # type: ignore[union-attr]
            names = set(tar.getnames())
        assert "open" not in held
        assert {f"generation/sessions/live/{entry['filename']}" for entry in held["sequence"]} <= names
        counts.append(len(held["sequence"]))
    assert counts == sorted(counts)
    assert len(first) <= counts[0]
    answer = post(quick, exported[-1], session_id="copy")
    assert answer.json()["frames"] == counts[-1], answer.text


def test_without_a_server_the_command_imports_by_itself(quick: Studio) -> None:
    quick.start_everything()
    record(quick, "experiment")
    command(quick, "export", "experiment", "--out", "out.tar.gz")
    quick.stop_all()
    assert command(quick, "import", "out.tar.gz", "--as", "copy").out.startswith("copy (it was experiment): 4 frames")
    refused = command(quick, "import", "out.tar.gz", code=3)
    assert "exists" in refused.err
    told = json.loads(command(quick, "import", "out.tar.gz", "--as", "list", "--json", code=3).out)
    assert told["error"] == "invalid_session_id"
    assert "out.tar.gz exists" in command(quick, "export", "experiment", "--out", "out.tar.gz", code=3).err
