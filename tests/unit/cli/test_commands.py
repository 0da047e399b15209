"""The commands that need no bus."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from cli.main import app
from cli.output import printable
from cli.tap import describe, size
from shared.bus.channels import CHANNELS
from shared.bus.envelope import Published
from shared.process.settings import PREFIX, Settings
from tests.support.samples import SAMPLES

runner = CliRunner()


@pytest.fixture(autouse=True)
def _in_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_bus_prints_each_channel_on_a_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PARAFOVEA_BUS", "tcp://127.0.0.1:7000")
    lines = [line.split("\t") for line in runner.invoke(app, ["bus"]).stdout.splitlines()]
    assert [line[0] for line in lines] == [channel.name for channel in CHANNELS]
    assert lines[0] == [
        "frames",
        "tcp://127.0.0.1:7000",
        "PUB: connect SUB",
        "generator",
        "frame, progress, prepared, status",
    ]


def test_bus_as_json(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PARAFOVEA_BUS", "ipc:///tmp/somewhere")
    found = json.loads(runner.invoke(app, ["bus", "--json"]).stdout)
    assert found["bus"] == "ipc:///tmp/somewhere"
    assert found["channels"][0]["address"] == "ipc:///tmp/somewhere/frames"
    assert {channel["name"] for channel in found["channels"]} == {channel.name for channel in CHANNELS}


def test_settings_says_where_each_value_comes_from(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / ".env").write_text("PARAFOVEA_QUEUE_LIMIT=3\n")
    monkeypatch.setenv("PARAFOVEA_PORT", "8100")
    monkeypatch.setenv("PARAFOVEA_API_TOKEN", "hunter2")
    result = runner.invoke(app, ["settings"])
    rows = {line.split("\t")[0]: line.split("\t")[1:] for line in result.stdout.splitlines()}
    assert set(rows) == {PREFIX + name.upper() for name in Settings.model_fields}
    assert rows["PARAFOVEA_PORT"][:2] == ["8100", "environment"]
    assert rows["PARAFOVEA_QUEUE_LIMIT"][:2] == ["3", ".env"]
    assert rows["PARAFOVEA_HOST"] == ["127.0.0.1", "default", "address the API listens on"]
    assert "hunter2" not in result.stdout
    found = json.loads(runner.invoke(app, ["settings", "--json"]).stdout)
    assert found["PARAFOVEA_PORT"]["value"] == 8100
    assert found["PARAFOVEA_CORS_ORIGINS"]["value"] == []


@pytest.mark.skipif(sys.platform == "win32", reason="links need a privilege there")
@pytest.mark.parametrize("command", [["verify", "s"], ["compare", "s", "s"]])
def test_metadata_that_cannot_be_opened_is_a_sentence(
    command: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PARAFOVEA_SESSIONS_DIR", str(tmp_path))
    (tmp_path / "s").mkdir()
    (tmp_path / "s" / "metadata.json").symlink_to("metadata.json")
    result = runner.invoke(app, command)
    assert result.exit_code == 3
    assert isinstance(result.exception, SystemExit)
    assert "session 's' cannot be read" in result.stderr


@pytest.mark.parametrize("command", [["bus"], ["settings"], ["tap"], ["bus", "--json"]])
def test_a_bad_setting_is_a_sentence(command: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PARAFOVEA_PROT", "1")
    result = runner.invoke(app, command)
    assert result.exit_code == 2
    assert result.stderr == "parafovea: PARAFOVEA_PROT is not a setting; did you mean PARAFOVEA_PORT?\n"


def test_keys_makes_a_set_once(tmp_path: Path) -> None:
    result = runner.invoke(app, ["keys", "lab-keys"])
    assert result.exit_code == 0
    assert f"PARAFOVEA_CURVE_KEYS={tmp_path / 'lab-keys'}" in result.stdout
    assert (tmp_path / "lab-keys" / "server.key_secret").exists()
    again = runner.invoke(app, ["keys", "lab-keys"])
    assert again.exit_code == 2
    assert "has keys already" in again.stderr


def test_keys_that_cannot_be_written_are_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    result = runner.invoke(app, ["keys", "file/keys"])
    assert result.exit_code == 2
    assert "cannot write keys to" in result.stderr


def test_an_unknown_topic_is_told_the_known_ones() -> None:
    result = runner.invoke(app, ["tap", "frames"])
    assert result.exit_code == 2
    assert "session.started" in " ".join(result.stderr.split())


@pytest.mark.parametrize("message_type", sorted(SAMPLES))
def test_each_message_is_described_on_one_line(message_type: str) -> None:
    told = describe(Published(message_type, {}, b"12345", SAMPLES[message_type]))
    assert told
    assert told.isprintable()


def test_a_frame_is_described_by_what_one_wants_to_know() -> None:
    frame = SAMPLES["frame"].model_copy(update={"prompt": "a bug\non a leaf \x1b[31m" + "x" * 100})
    told = describe(Published("frame", {}, bytes(1_234_567), frame))
    assert told.startswith("seq 0  BR  512x512  812 ms  1.2 MB  s #0  a bug\\non a leaf \\x1b[31m")
    assert told.endswith("…")


def test_a_message_of_a_newer_type_says_its_own_fields() -> None:
    header = {"v": 1, "type": "of.tomorrow", "id": "1", "time": 1.5, "monotonic_ns": 2, "a": 1, "b": "x\ty"}
    assert describe(Published("of.tomorrow", header, b"")) == "a 1  b x\\ty"


def test_sizes_are_said_as_people_do() -> None:
    assert [size(count) for count in (0, 999, 1000, 999_499, 1_500_000)] == ["0 B", "999 B", "1 kB", "999 kB", "1.5 MB"]


def test_nothing_that_a_terminal_obeys_gets_through() -> None:
    assert printable("a\x1b]0;x\x07\r\n\x9b\u202eé🐞") == "a\\x1b]0;x\\x07\\r\\n\\x9b\\u202eé🐞"
