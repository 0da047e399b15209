"""``check`` finds what is wrong, names the file, and says whether it can be mended."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from pathlib import Path

import orjson
import pytest
import typer
from typer.testing import CliRunner

from cli.check import check as command
from shared.session.check import Finding, check, exit_code
from shared.session.format.layout import RECORDER_LOCK
from shared.session.writing.repair import repair
from shared.session.writing.writer import SessionWriter
from shared.system.disk import Disk
from shared.system.holder import Holder
from tests.support.frames import CREATED_AT, input_image, pending_frame, tiny_png
from tests.support.scripted_disk import ScriptedDisk


@pytest.fixture
def folder(disk: ScriptedDisk, root: Path) -> Path:
    writer = SessionWriter.create(disk, root, "s", CREATED_AT)
    writer.append([pending_frame(number, input=input_image(number // 2)) for number in range(6)])
    writer.close()
    return root / "s"


def edit(folder: Path, change: Callable[[dict[str, object]], None]) -> None:
    """Change the metadata as a user with an editor would."""
    value = orjson.loads((folder / "metadata.json").read_bytes())
    change(value)
    (folder / "metadata.json").write_bytes(orjson.dumps(value))


def severe(folder: Path) -> list[Finding]:
    return [finding for finding in check(folder) if finding.severity != "note"]


def test_a_whole_session(folder: Path) -> None:
    told: list[tuple[int, int]] = []
    assert list(check(folder, lambda done, of: told.append((done, of)))) == []
    assert told == [(number, 6) for number in range(1, 7)]


def test_a_session_being_recorded_is_whole(disk: ScriptedDisk, root: Path) -> None:
    writer = SessionWriter.create(disk, root, "s", CREATED_AT)
    writer.append([pending_frame(0)])
    found = list(check(root / "s"))
    assert [finding.severity for finding in found] == ["note"]
    assert exit_code(found) == 0


def test_an_altered_image(folder: Path) -> None:
    path = folder / "0002_BR.png"
    data = bytearray(path.read_bytes())
    data[-20] ^= 1
    path.write_bytes(data)
    (found,) = severe(folder)
    assert (found.severity, found.file) == ("lost", "0002_BR.png")
    assert "altered" in found.sentence
    assert exit_code([found]) == 2


def test_a_missing_image(folder: Path) -> None:
    (folder / "0002_BR.png").unlink()
    assert [(f.severity, f.file) for f in severe(folder)] == [("lost", "0002_BR.png")]


def test_an_altered_and_a_missing_input(folder: Path) -> None:
    first, second = sorted((folder / "inputs").iterdir())[:2]
    first.write_bytes(b"other")
    second.unlink()
    found = severe(folder)
    assert {finding.severity for finding in found} == {"lost"}
    assert f"inputs/{first.name}" in {finding.file for finding in found}
    assert sum("does not hold its input" in f.sentence or "input image that is gone" in f.sentence for f in found) >= 1


def test_an_altered_entry(folder: Path) -> None:
    def change(value: dict[str, object]) -> None:
        value["sequence"][3]["prompt"] = "what was never asked"  # type: ignore[index]

    edit(folder, change)
    lost = [finding for finding in check(folder) if finding.severity == "lost"]
    assert [finding.file for finding in lost] == ["0003_BR.png"]
    assert "prompt" in lost[0].sentence


def test_a_gap(folder: Path) -> None:
    (folder / "0001_BR.png").unlink()
    (folder / "0002_BR.png").unlink()

    def change(value: dict[str, object]) -> None:
        del value["sequence"][1:3]  # type: ignore[index]

    edit(folder, change)
    sentences = [finding.sentence for finding in check(folder) if finding.severity == "lost"]
    assert sentences == [
        "there is no frame with indexes 1 to 2",
        "frames 1 to 2 of epoch epoch-a were never recorded",
    ]


@pytest.mark.parametrize("indent", [None, 1])
@pytest.mark.parametrize("name", ["0000_BR.png", "0003_BR.png"])
def test_an_entry_that_repair_makes_anew_leaves_no_gap(
    folder: Path, disk: ScriptedDisk, indent: int | None, name: str
) -> None:
    path = folder / "metadata.json"
    text = path.read_text() if indent is None else json.dumps(json.loads(path.read_bytes()), indent=indent)
    at = text.index(name) + len(name) + 2
    path.write_text(text[:at] + '"rt": oops,' + text[at:])
    found = severe(folder)
    assert {finding.severity for finding in found} == {"repairable"}
    assert name in {finding.file for finding in found}
    image = (folder / name).read_bytes()
    (folder / name).unlink()
    sentences = {finding.sentence for finding in check(folder) if finding.severity == "lost"}
    assert sentences == {
        f"there is no frame with index {name[3]}",
        f"frame {name[3]} of epoch epoch-a was never recorded",
    }
    (folder / name).write_bytes(image)
    repair(disk, folder)
    assert exit_code(check(folder)) == 0


def test_an_entry_that_repair_shortens_leaves_no_gap(folder: Path, disk: ScriptedDisk) -> None:
    path = folder / "metadata.json"
    deep = "[" * 100 + "]" * 100
    path.write_bytes(path.read_bytes().replace(b'"seed":1', f'"deep":{deep},"seed":1'.encode(), 1))
    assert exit_code(check(folder)) == 1
    image = (folder / "0001_BR.png").read_bytes()
    (folder / "0001_BR.png").unlink()
    assert exit_code(check(folder)) == 2
    (folder / "0001_BR.png").write_bytes(image)
    repair(disk, folder)
    assert exit_code(check(folder)) == 0


def test_an_input_that_an_entry_made_anew_would_miss_is_told_before(folder: Path) -> None:
    path = folder / "metadata.json"
    data = path.read_bytes()
    for index in (b'"index":0,', b'"index":1,'):
        data = data.replace(index, index + b'"rt": oops,', 1)
    path.write_bytes(data)
    assert exit_code(check(folder)) == 1
    sha256 = json.loads((folder / "metadata.json").read_bytes().replace(b'"rt": oops,', b""))["sequence"][0][
        "input_sha256"
    ]
    (path,) = (folder / "inputs").glob(f"{sha256}*")
    path.unlink()
    assert exit_code(check(folder)) == 2


def test_a_frame_named_as_lost(disk: ScriptedDisk, folder: Path, root: Path) -> None:
    writer = SessionWriter.open(disk, root, "s")
    writer.mark_lost(["frame-x"])
    writer.close()
    (found,) = severe(folder)
    assert "frame-x" in found.sentence
    assert exit_code([found]) == 2


def test_what_repair_mends_is_repairable_until_it_is_mended(folder: Path, disk: ScriptedDisk) -> None:
    logging.disable(logging.CRITICAL)
    path = folder / "metadata.json"
    whole = path.read_bytes()
    damages: list[Callable[[], object]] = [
        lambda: path.write_bytes(whole[:-900]),
        lambda: path.write_bytes(b""),
        path.unlink,
        lambda: (folder / ".tmp-0006_BR.png").write_bytes(b"half"),
        lambda: (folder / "0006_BR.png").write_bytes(pending_frame(6, input=input_image(1)).png),
    ]
    for damage in damages:
        damage()
        found = list(check(folder))
        assert exit_code(found) == 1, found
        assert all(finding.file for finding in found)
        repair(disk, folder)
        assert exit_code(check(folder)) == 0
    logging.disable(logging.NOTSET)


def test_strays_are_notes(folder: Path) -> None:
    (folder / "0009_BR.png").write_bytes(tiny_png())
    (folder / "notes.txt").write_text("mine")
    found = list(check(folder))
    assert {finding.file for finding in found} == {"0009_BR.png", "notes.txt"}
    assert exit_code(found) == 0


def test_a_session_of_the_users_old_format(root: Path) -> None:
    folder = root / "old"
    folder.mkdir(parents=True)
    (folder / "0000_BR.png").write_bytes(tiny_png())
    entry = {"index": 0, "filename": "0000_BR.png", "target_sector": "BR", "prompt": "x", "timestamp": 1.0}
    (folder / "metadata.json").write_bytes(orjson.dumps({"session_id": "old", "created_at": 1.0, "sequence": [entry]}))
    before = (folder / "metadata.json").read_bytes()
    found = list(check(folder))
    assert exit_code(found) == 0, "its layout is another one, and understood"
    assert repair(ScriptedDisk(), folder).did == []
    assert (folder / "metadata.json").read_bytes() == before
    assert any("no hash" in finding.sentence for finding in found)


@pytest.fixture
def run() -> Callable[..., tuple[int, str]]:
    app = typer.Typer()
    app.command()(command)

    def call(*arguments: object) -> tuple[int, str]:
        result = CliRunner().invoke(app, [str(item) for item in arguments])
        return result.exit_code, result.output

    return call


def test_the_command(folder: Path, run: Callable[..., tuple[int, str]]) -> None:
    assert run(folder) == (0, "s: whole\n")
    (folder / ".tmp-x").write_bytes(b"half")
    code, text = run(folder)
    assert code == 1
    assert ".tmp-x: half-written" in text
    code, text = run(folder, "--repair")
    assert code == 0
    assert "repaired" in text
    assert not (folder.parent / RECORDER_LOCK).exists()
    (folder / "0001_BR.png").unlink()
    code, text = run(folder, "--json")
    assert code == 2
    value = json.loads(text)
    assert value["exit_code"] == 2
    assert value["findings"][0]["file"] == "0001_BR.png"
    assert run(folder.parent / "none")[0] == 3


def test_the_command_finds_a_session_by_its_id(
    folder: Path, run: Callable[..., tuple[int, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PARAFOVEA_SESSIONS_DIR", str(folder.parent))
    assert run("s")[0] == 0


def test_the_command_does_not_repair_beside_a_recorder(folder: Path, run: Callable[..., tuple[int, str]]) -> None:
    holder = Holder(folder.parent / RECORDER_LOCK, "the sessions folder")
    code, text = run(folder, "--repair")
    holder.release()
    assert code == 3
    assert "not repaired" in text


def test_repair_on_a_real_disk(folder: Path) -> None:
    (folder / "metadata.json").unlink()
    repair(Disk(), folder)
    assert exit_code(check(folder)) == 0


@pytest.mark.parametrize("options", [[], ["--repair"]])
def test_a_folder_that_is_no_session_is_left_as_it_is(tmp_path: Path, options: list[str]) -> None:
    stimuli = tmp_path / "stimuli"
    stimuli.mkdir()
    (stimuli / "face.png").write_bytes(b"not a frame")
    app = typer.Typer()
    app.command()(command)
    result = CliRunner().invoke(app, [str(stimuli), *options])
    assert result.exit_code == 3
    assert "holds no session" in result.output
    assert [path.name for path in stimuli.iterdir()] == ["face.png"]
