"""One place says where caches are; those that are made of recordings are private."""

from __future__ import annotations

import os
import stat
import sys
import tempfile
from pathlib import Path

import pytest

from shared.system.cache import cache_root, private_cache

ROOT = Path(__file__).parents[3]

posix = pytest.mark.skipif(sys.platform == "win32", reason="modes are those of POSIX")


def test_the_variable_says_where(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache_root() == tmp_path / "parafovea"
    assert private_cache("thumbnails") == tmp_path / "parafovea" / "thumbnails"


@pytest.mark.skipif(sys.platform != "linux", reason="each system has its own place")
@pytest.mark.parametrize("value", [None, ""])
def test_without_it_the_users_own(value: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    if value is not None:
        monkeypatch.setenv("XDG_CACHE_HOME", value)
    assert cache_root() == tmp_path / ".cache" / "parafovea"
    assert not cache_root().exists(), "asking makes nothing"


@posix
def test_one_that_others_could_read_is_closed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    (tmp_path / "parafovea" / "comparisons").mkdir(parents=True, mode=0o755)
    assert stat.S_IMODE(private_cache("comparisons").stat().st_mode) == 0o700


@posix
def test_where_it_cannot_be_written_it_is_a_temporary_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    found = private_cache("thumbnails")
    assert found.parent == tmp_path
    assert found.name.startswith("parafovea-thumbnails-")


@posix
def test_of_another_user_it_is_a_temporary_one_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr(os, "geteuid", lambda: 4_000_000)
    assert private_cache("thumbnails").parent == tmp_path


def test_nothing_else_says_where() -> None:
    for folder in ("services", "shared", "cli", "reproduction"):
        for path in (ROOT / folder).rglob("*.py"):
            text = path.read_text(encoding="utf-8")
            if path.name != "cache.py":
                assert '".cache"' not in text, path
                assert "XDG_CACHE_HOME" not in text, path
