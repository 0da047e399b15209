"""Who may read what is written: the group of the settings, the umask, and the words about what lies open."""

from __future__ import annotations

import grp
import logging
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from shared.process import privacy
from shared.process.settings import InvalidSettings, Settings

SOMEBODY = 54321


@pytest.fixture(autouse=True)
def _own_umask(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.chdir(tmp_path)
    before = os.umask(0o022)
    yield
    os.umask(before)


def umask() -> int:
    now = os.umask(0o077)
    os.umask(now)
    return now


def own_group() -> str:
    return grp.getgrgid(os.getegid()).gr_name


def test_without_a_group_all_that_is_written_is_private() -> None:
    assert privacy.sessions_group(Settings()) is None
    privacy.take_umask(Settings())
    assert umask() == 0o077


@pytest.mark.parametrize("named", ["name", "number"])
def test_a_group_may_read_and_others_may_not(named: str) -> None:
    settings = Settings(sessions_group=own_group() if named == "name" else str(os.getegid()))
    assert privacy.sessions_group(settings) == os.getegid()
    privacy.take_umask(settings)
    assert umask() == 0o027


@pytest.mark.parametrize("name", ["no-such-group", "-1", "99999999999999999999", "4294967295", "\u0664", " ", "a\nb"])
def test_a_group_that_is_none_is_refused(name: str) -> None:
    with pytest.raises(InvalidSettings, match=r"PARAFOVEA_SESSIONS_GROUP: there is no group .*groupadd"):
        privacy.take_umask(Settings(sessions_group=name))
    assert umask() == 0o022


def test_a_group_that_this_user_is_not_in_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: SOMEBODY)
    with pytest.raises(InvalidSettings, match=r"no member of the group .*usermod -aG"):
        privacy.sessions_group(Settings(sessions_group=str(SOMEBODY)))


@pytest.mark.parametrize(
    ("session", "beside", "expected"),
    [
        (0o755, 0o755, 0o022),
        (0o700, 0o755, 0o077),
        (0o755, 0o700, 0o077),
        (0o2750, 0o2750, 0o027),
        (0o777, 0o777, 0o022),
    ],
)
def test_a_repair_writes_nothing_more_open_than_the_session(
    session: int, beside: int, expected: int, tmp_path: Path
) -> None:
    folder = tmp_path / "sessions" / "s"
    folder.mkdir(parents=True)
    folder.chmod(session)
    folder.parent.chmod(beside)
    privacy.take_umask_of(folder)
    assert umask() == expected


@pytest.mark.parametrize(
    ("text", "mode", "warned"),
    [
        ("PARAFOVEA_API_TOKEN=abc\n", 0o644, True),
        ("export parafovea_api_token=abc\n", 0o640, True),
        ("PARAFOVEA_API_TOKEN=abc\n", 0o604, True),
        ("PARAFOVEA_API_TOKEN=abc\n", 0o600, False),
        ("# PARAFOVEA_API_TOKEN=abc\n", 0o644, False),
        ("PARAFOVEA_PORT=8001\n", 0o644, False),
        (None, 0, False),
    ],
)
def test_a_token_that_lies_open_is_warned_of(
    text: str | None, mode: int, warned: bool, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    if text is not None:
        (tmp_path / ".env").write_text(text)
        (tmp_path / ".env").chmod(mode)
    with caplog.at_level(logging.WARNING):
        privacy.warn_of_open_token()
    assert [f"chmod 600 {tmp_path / '.env'}" in message for message in caplog.messages] == [True] * warned
    assert "abc" not in caplog.text


@pytest.mark.parametrize(("uid", "warned"), [(0, True), (1000, False)])
def test_root_is_warned(
    uid: int, warned: bool, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: uid)
    with caplog.at_level(logging.WARNING):
        privacy.warn_of_root()
    assert len(caplog.messages) == warned
