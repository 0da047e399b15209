"""Settings: defaults, sources, and that a typo never silently means the default."""

from __future__ import annotations

from pathlib import Path

import pytest

from shared.gaze.screen import Screen
from shared.process.settings import PREFIX, InvalidSettings, Settings, load_settings


@pytest.fixture(autouse=True)
def _in_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_without_an_environment_each_setting_has_its_default() -> None:
    settings = load_settings()
    assert (settings.host, settings.port, settings.metrics_port) == ("127.0.0.1", 8001, 9108)
    assert settings.sessions_dir == Path("generation/sessions")
    assert settings.backlog_bytes == 2**30
    assert settings.api_token is None
    assert settings.bus_address.is_private


def test_the_environment_wins_over_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / ".env").write_text("PARAFOVEA_PORT=8100\nPARAFOVEA_QUEUE_LIMIT=3\nOTHER_TOOL=yes\n")
    monkeypatch.setenv("PARAFOVEA_PORT", "8200")
    settings = load_settings()
    assert (settings.port, settings.queue_limit) == (8200, 3)


@pytest.mark.parametrize("where", ["environment", "file"])
def test_an_unknown_variable_is_named_with_the_nearest_known_one(
    where: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if where == "environment":
        monkeypatch.setenv("PARAFOVEA_PROT", "8100")
    else:
        (tmp_path / ".env").write_text("PARAFOVEA_PROT=8100\n")
    with pytest.raises(InvalidSettings, match=r"PARAFOVEA_PROT is not a setting; did you mean PARAFOVEA_PORT\?"):
        load_settings()


def test_an_unknown_variable_like_none_lists_them_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PARAFOVEA_QQQQQQQQQ", "1")
    with pytest.raises(InvalidSettings, match=r"the settings are .*PARAFOVEA_BUS.*PARAFOVEA_SESSIONS_DIR"):
        load_settings()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PORT", "eight thousand"),
        ("PORT", "0"),
        ("PORT", "65536"),
        ("BUS", "ipc://relative"),
        ("BUS", "tcp://127.0.0.1:99999"),
        ("DEVICE", "gpu"),
        ("DTYPE", "float8"),
        ("SCREEN", "24 inches"),
        ("SCREEN", "1920x1080,0.531x0.299"),
        ("SCREEN", "1920x1080,0.531x0.299,0"),
        ("SCREEN", "0x1080,0.531x0.299,0.6"),
        ("SCREEN", "1920x1080,531x299,600"),
        ("GAZE_BACKLOG_BYTES", "0"),
        ("QUEUE_LIMIT", "0"),
        ("GENERATION_TIMEOUT_S", "-1"),
        ("API_TOKEN", ""),
        ("API_TOKEN", " "),
        ("API_TOKEN", " token"),
        ("API_TOKEN", "token "),
        ("API_TOKEN", "t\xf6ken"),
        ("API_TOKEN", "token\N{LADY BEETLE}"),
        ("API_TOKEN", "to\nken"),
        ("API_TOKEN", "to\tken"),
        ("API_TOKEN", "to\x7fken"),
        ("CORS_ORIGINS", "lab.example"),
        ("CORS_ORIGINS", "https://lab.example/page"),
        ("CORS_ORIGINS", "https://lab.example?x"),
        ("CORS_ORIGINS", "https://l\xe4b.example"),
        ("CORS_ORIGINS", "https://*.lab.example"),
        ("CORS_ORIGINS", "https://lab.example, http://a b"),
        ("CORS_ORIGINS", "http://a\nb"),
        ("ROOT_PATH", "parafovea"),
        ("ROOT_PATH", "/a//b"),
        ("ROOT_PATH", "//lab.example"),
        ("ROOT_PATH", "/../a"),
        ("ROOT_PATH", "/a?b"),
        ("ROOT_PATH", "/\xe4"),
        ("ROOT_PATH", "/" + "a" * 201),
        ("ROOT_PATH", "https://lab.example/a"),
        ("LOG_LEVEL", "chatty"),
    ],
)
def test_a_value_that_does_not_fit_is_named(name: str, value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(PREFIX + name, value)
    with pytest.raises(InvalidSettings, match=f"{PREFIX}{name}: "):
        load_settings()


def test_all_problems_are_told_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PARAFOVEA_PORT", "x")
    monkeypatch.setenv("PARAFOVEA_DTYPE", "y")
    with pytest.raises(InvalidSettings) as raised:
        load_settings()
    assert "PARAFOVEA_PORT" in str(raised.value)
    assert "PARAFOVEA_DTYPE" in str(raised.value)


def test_an_env_file_that_is_no_text_is_told_in_a_sentence(tmp_path: Path) -> None:
    (tmp_path / ".env").write_bytes(b"PARAFOVEA_HOST=\xff\xfe\n")
    with pytest.raises(InvalidSettings, match=r"\.env.*UTF-8"):
        load_settings()


def test_origins_are_split_at_commas(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PARAFOVEA_CORS_ORIGINS", "https://lab.example, null,")
    assert load_settings().cors_origins == ("https://lab.example", "null")


def test_honchos_port_is_never_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PORT", "5000")
    assert load_settings().port == 8001


def test_every_setting_has_a_sentence() -> None:
    assert [name for name, field in Settings.model_fields.items() if not field.description] == []


@pytest.mark.parametrize("token", ["a token of 32 characters or more", "!~", "abc/def+ghi=="])
def test_a_token_that_a_header_can_carry(token: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PARAFOVEA_API_TOKEN", token)
    assert load_settings().api_token == token


def test_origins_and_a_prefix(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(
        "PARAFOVEA_CORS_ORIGINS", "https://lab.example:8443/, null, *, http://[::1]:80, capacitor://localhost"
    )
    assert len(load_settings().cors_origins) == 5
    for given, kept in (("/", ""), ("/lab/", "/lab"), ("/lab/Eye_1.2~", "/lab/Eye_1.2~"), ("", "")):
        monkeypatch.setenv("PARAFOVEA_ROOT_PATH", given)
        assert load_settings().root_path == kept


def test_a_screen_is_read() -> None:
    assert Settings().gaze_screen is None
    screen = Settings.model_validate({"screen": "1920x1080,0.531x0.299,0.6"}).gaze_screen
    assert screen == Screen((1920, 1080), (0.531, 0.299), 0.6)
