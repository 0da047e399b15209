"""Keys that others can read or change are refused, with the command that mends it; keys as we make them are not."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from shared.bus.curve import InvalidKeys, load_keys, make_keys

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no modes")


@pytest.fixture(params=[0o002, 0o022, 0o077])
def keys(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    before = os.umask(request.param)
    make_keys(tmp_path / "keys")
    os.umask(before)
    return tmp_path / "keys"


def test_keys_as_we_make_them_are_taken(keys: Path) -> None:
    load_keys(keys)


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604, 0o620, 0o601, 0o666])
@pytest.mark.parametrize("name", ["server.key_secret", "client.key_secret"])
def test_a_secret_that_others_can_read_is_refused(keys: Path, name: str, mode: int) -> None:
    (keys / name).chmod(mode)
    with pytest.raises(InvalidKeys, match=f"can be read by every .*chmod 600 {keys / name}"):
        load_keys(keys)
    (keys / name).chmod(0o600)
    load_keys(keys)


@pytest.mark.parametrize("what", ["", "allowed", "allowed/client.key", "control", "gaze"])
@pytest.mark.parametrize(("folder_mode", "mode"), [(0o755, 0o777), (0o750, 0o770), (0o711, 0o703)])
def test_what_others_can_change_is_refused(keys: Path, what: str, folder_mode: int, mode: int) -> None:
    """Who may add to ``allowed`` lets themselves in."""
    for path in (keys / "allowed", keys / "control", keys / "gaze", *keys.rglob("*.key")):
        path.chmod(path.stat().st_mode & 0o755)
    keys.chmod(folder_mode)
    load_keys(keys)
    (keys / what).chmod(mode)
    with pytest.raises(InvalidKeys, match=f"{keys / what} can be changed by other users.*chmod go-w"):
        load_keys(keys)


@pytest.mark.skipif(sys.platform == "win32" or os.getuid() != 0, reason="only root can give a file away")
def test_a_secret_of_root_may_be_open_to_the_group_that_reads_it(keys: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for secret in keys.glob("*secret"):
        secret.chmod(0o640)
    monkeypatch.setattr(os, "geteuid", lambda: 54321)
    load_keys(keys)
    (keys / "server.key_secret").chmod(0o644)
    with pytest.raises(InvalidKeys, match="every user of this machine"):
        load_keys(keys)
