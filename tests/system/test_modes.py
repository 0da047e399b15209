"""Who may read what a whole Parafovea leaves on the disk: this user alone, or a group that the settings name too.

The processes start with a umask of 0: whatever is private is so by their own doing.
"""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from shared.session.writing.writer import SessionWriter
from shared.system.disk import Disk
from tests.support.frames import CREATED_AT, pending_frame
from tests.support.studio import Studio
from tests.support.waiting import eventually
from tests.system.reproduce.support import command, record

pytestmark = [pytest.mark.system, pytest.mark.skipif(sys.platform == "win32", reason="Windows has no modes")]

IS_ROOT = sys.platform != "win32" and os.getuid() == 0
GROUP = 4321 if IS_ROOT else os.getgid()
SOMEBODY, STRANGERS = 54321, 54322
BIT_FOR_GROUP = stat.S_ISGID if os.getgid() != GROUP else 0


@pytest.fixture(autouse=True)
def _umask() -> Iterator[None]:
    before = os.umask(0)
    yield
    os.umask(before)


def modes(folder: Path) -> dict[str, str]:
    """Mode of each folder and file, sockets too; of none that went away meanwhile."""
    found = {}
    for path in (folder, *folder.rglob("*")):
        try:
            found[str(path.relative_to(folder))] = f"{stat.S_IMODE(path.lstat().st_mode):04o}"
        except FileNotFoundError:
            continue
    return found


def assert_private(studio: Studio, *, group: bool) -> None:
    folder, file = (0o750 | BIT_FOR_GROUP, 0o640) if group else (0o700, 0o600)
    found = modes(studio.sessions)
    wanted = {name: f"{folder if (studio.sessions / name).is_dir() else file:04o}" for name in found}
    assert found == wanted
    if group:
        paths = (studio.sessions, *studio.sessions.rglob("*"))
        assert {path.lstat().st_gid for path in paths if path.exists()} == {GROUP}
    if studio.bus_folder.exists():
        assert modes(studio.bus_folder).pop(".") == "0700"
        assert set(modes(studio.bus_folder).values()) <= {"0700", "0600"}
        assert {mode for name, mode in modes(studio.bus_folder).items() if name != "."} <= {"0600"}
    caches = studio.folder / ".cache" / "parafovea"
    for path in caches.rglob("*"):
        assert path.lstat().st_mode & 0o007 == 0, path
    if (caches / "thumbnails").exists():
        assert modes(caches)["thumbnails"] == "0700"


@pytest.mark.parametrize("group", [False, True], ids=["private", "group"])
def test_everything_that_is_recorded_has_its_mode(quick: Studio, group: bool) -> None:
    quick.settings["PARAFOVEA_RESUME"] = "true"
    if group:
        quick.settings["PARAFOVEA_SESSIONS_GROUP"] = str(GROUP)
    quick.sessions.mkdir()  # as an earlier version left it: open
    quick.start_everything()
    quick.start("metrics")
    assert len(list(quick.bus_folder.iterdir())) > 5
    record(quick, "one")
    assert_private(quick, group=group)

    # remembered as active, made again, shown small
    quick.start_session("two")
    frames = [quick.generate(1, durable=True)]
    assert quick.http.get("/session/one/frames/1/thumbnail").status_code == 200
    command(quick, "rerun", "one", "--into", "again")
    assert {".active", ".recorder.lock", ".journal", "again"} <= set(os.listdir(quick.sessions))
    assert_private(quick, group=group)

    # a full disk, and the spill
    quick.plan.write({"step": "fsync", "match": "", "action": "errno", "errno": "EIO"})
    frames += [quick.generate(seed) for seed in (2, 3)]
    assert list((quick.sessions / ".journal").iterdir())
    assert_private(quick, group=group)
    quick.stop_all()
    assert list((quick.sessions / ".spill").iterdir())
    assert_private(quick, group=group)
    quick.plan.clear()
    quick.start_everything()
    quick.wait_recorded("two", frames)
    assert_private(quick, group=group)

    # in over HTTP, and by the command beside the recorder and without it
    archive = quick.http.get("/session/one/export").content
    answer = quick.http.post("/session/import", content=archive, params={"session_id": "over-http"})
    assert answer.status_code == 200, answer.text
    (quick.folder / "one.tar.gz").write_bytes(archive)
    command(quick, "import", "one.tar.gz", "--as", "beside")
    command(quick, "verify", "one", "--by", "server")
    quick.stop_all()
    command(quick, "import", "one.tar.gz", "--as", "alone")
    assert_private(quick, group=group)

    # repaired, with the metadata as it was kept beside
    for name in ("alone", "one"):
        said = quick.metadata(name)
        said["sequence"][1] = "by another hand"
        (quick.sessions / name / "metadata.json").write_text(json.dumps(said, indent=3))
        (quick.sessions / name / "metadata.json").chmod(0o600)
    command(quick, "check", "alone", "--repair")
    assert list((quick.sessions / "alone").glob("*before-repair*"))
    quick.start_recorder()
    command(quick, "check", "one", "--repair")
    for kept in quick.sessions.glob("*/*before-repair*"):
        assert kept.lstat().st_mode & 0o777 == (0o640 if group else 0o600)
    assert_private(quick, group=group)
    quick.stop_all()

    if group and IS_ROOT:
        assert_the_group_can_read(quick)


def assert_the_group_can_read(quick: Studio) -> None:
    """``ls`` and ``tar`` as a member of the group, who cannot write; and as somebody who is none."""
    quick.folder.chmod(0o755)
    (quick.sessions / "new").mkdir()  # what its owner puts in by hand is the group's too

    def run(*arguments: str, group: int) -> int:
        return subprocess.run(
            arguments, user=SOMEBODY, group=STRANGERS, extra_groups=[group], cwd="/", capture_output=True, check=False
        ).returncode

    for path in (quick.sessions, quick.sessions / "one"):
        assert run("ls", str(path), group=GROUP) == 0
        assert run("tar", "-cf", "/dev/null", "--directory", str(path), ".", group=GROUP) == 0
        assert run("ls", str(path), group=STRANGERS) != 0
    assert run("touch", str(quick.sessions / "one" / "x"), group=GROUP) != 0
    assert run("rm", str(quick.sessions / "one" / "metadata.json"), group=GROUP) != 0


@pytest.mark.parametrize("name", ["generator", "recorder", "replayer", "gaze", "api", "metrics", "logger"])
def test_a_bus_folder_behind_a_link_is_refused_by_all(quick: Studio, name: str) -> None:
    (quick.folder / "real").mkdir(0o700)
    quick.bus_folder.symlink_to(quick.folder / "real")
    process = quick.run(name, [sys.executable, "-m", f"services.{name}"])
    assert process.wait(60) == 2, process.err
    assert f"{name} does not start: the bus folder {quick.bus_folder} is a link to" in process.err
    assert "Traceback" not in process.err
    assert list((quick.folder / "real").iterdir()) == []


@pytest.mark.skipif(not IS_ROOT, reason="only root can give a file away")
@pytest.mark.parametrize(
    "arguments",
    [
        *[
            ("-m", f"services.{name}")
            for name in ("generator", "recorder", "replayer", "gaze", "api", "metrics", "logger")
        ],
        ("-m", "cli.main", "tap"),
        ("-m", "cli.main", "rerun", "s", "--into", "t"),
        ("-m", "cli.main", "verify", "s", "--by", "server"),
    ],
    ids=lambda arguments: arguments[-1] if len(arguments) == 2 else arguments[2],
)
def test_a_bus_folder_of_another_user_is_refused_by_all(quick: Studio, arguments: tuple[str, ...]) -> None:
    quick.bus_folder.mkdir(0o777)
    os.chown(quick.bus_folder, SOMEBODY, -1)
    if "s" in arguments:
        writer = SessionWriter.open_or_create(Disk(), quick.sessions, "s", CREATED_AT)
        writer.append([pending_frame(0)])
        writer.close()
    process = quick.run("it", [sys.executable, *arguments])
    assert process.wait(60) == 2, process.err
    assert f"the bus folder {quick.bus_folder} belongs to another user" in process.err
    assert "Traceback" not in process.err
    assert list(quick.bus_folder.iterdir()) == []


def test_a_group_that_is_none_is_refused_by_who_writes(quick: Studio) -> None:
    quick.settings["PARAFOVEA_SESSIONS_GROUP"] = "no-such-group"
    for name in ("recorder", "api"):
        process = quick.run(name, [sys.executable, "-m", f"services.{name}"])
        assert process.wait(60) == 2
        assert "PARAFOVEA_SESSIONS_GROUP: there is no group 'no-such-group'" in process.err
    (quick.folder / "nothing.tar").touch()
    process = command(quick, "import", "nothing.tar", code=2)
    assert "there is no group 'no-such-group'" in process.err
    assert not quick.sessions.exists()


def test_a_token_that_lies_open_and_root_are_warned_of(quick: Studio) -> None:
    env_file = quick.folder / ".env"
    env_file.write_text("PARAFOVEA_API_TOKEN=abc\n")
    env_file.chmod(0o644)
    api = quick.start("api")
    eventually(lambda: f"chmod 600 {env_file}" in api.err, 10, "the warning")
    assert api.err.count("runs as root") == (1 if IS_ROOT else 0)
