"""Every setting, from the environment or ``.env``, with its type, its default and a sentence.

All have the prefix ``PARAFOVEA_``. A variable with that prefix that is not listed here, or whose value does not fit,
stops the process with a message that names it: a typo must not silently mean the default.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Annotated, Literal

from dotenv import dotenv_values
from pydantic import Field, ValidationError, field_validator
from pydantic_settings import NoDecode, SettingsConfigDict

from shared.bus.address import BusAddress, default_bus
from shared.fields import MAX_WAIT_S
from shared.gaze.screen import Screen
from shared.process.model_settings import ModelSettings
from shared.system.places import sector_prompts

PREFIX = "PARAFOVEA_"
ENV_FILE = ".env"
GB = 1_000_000_000
MAX_ROOT_PATH_CHARS = 200

MAX_SCREEN_PX, MAX_SCREEN_M = 100_000, 100.0

_METRES = r"(\d{1,3}(?:\.\d{1,6})?)"
_SCREEN = re.compile(rf"(\d{{1,6}})x(\d{{1,6}}),{_METRES}x{_METRES},{_METRES}\Z")
_ORIGIN = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://[A-Za-z0-9._~:\[\]-]+/?\Z")
_ROOT_PATH = re.compile(r"(/[A-Za-z0-9_][A-Za-z0-9._~-]*)+\Z")


class InvalidSettings(Exception):
    """The environment holds a setting that cannot be used; the message names it and says what would do."""


class Settings(ModelSettings):
    model_config = SettingsConfigDict(env_prefix=PREFIX, env_file=ENV_FILE, extra="ignore", frozen=True)

    host: str = Field("127.0.0.1", description="address the API listens on")
    port: int = Field(8001, ge=1, le=65535, description="port the API listens on")
    bus: str = Field(default_factory=default_bus, description="the bus: ipc:///folder or tcp://host:port")
    bus_budget_bytes: int = Field(
        128 * 1024 * 1024,
        ge=1,
        description="bytes that may wait for one slow subscriber before it misses messages",
    )
    curve_keys: Path | None = Field(
        None,
        description="folder of CURVE keys made by 'parafovea keys'; needed for a TCP bus beyond loopback",
    )
    metrics_port: int = Field(9108, ge=1, le=65535, description="port of the Prometheus exporter")
    sessions_dir: Path = Field(Path("generation/sessions"), description="folder of the recordings")
    sessions_group: str = Field(
        "", description="group that may read the recordings, by name or number; empty: only this user may"
    )
    resume: bool = Field(False, description="after a restart, go on recording the session that was active before it")
    sector_prompts: Path = Field(
        default_factory=sector_prompts,
        description="what to add in each sector when a request has no prompt",
    )
    queue_limit: int = Field(8, ge=1, description="jobs waiting before /generate answers queue_full")
    generation_timeout_s: float = Field(
        120.0, gt=0, le=MAX_WAIT_S, description="seconds after which a /generate is given up"
    )
    upload_bytes: int = Field(384 * 1024 * 1024, ge=1, description="memory that requests' bodies may take together")
    backlog_bytes: int = Field(1 << 30, ge=1, description="frames and inputs held in memory for the recorder")
    gaze: str = Field(
        "page", description="where the gaze comes from: page, websocket, simulated:SEED or file:TRACE.csv"
    )
    gaze_backlog_bytes: int = Field(
        256 * 1024 * 1024, ge=1, description="trials' samples and steps held in memory for the recorder"
    )
    screen: str = Field(
        "",
        description="screen that degrees are worked out from: pixels, metres and the distance of the eyes in metres, "
        "such as 1920x1080,0.531x0.299,0.6; empty: assumed",
    )
    disk_warn_bytes: int = Field(5 * GB, ge=0, description="free bytes below which /health warns")
    disk_stop_bytes: int = Field(1 * GB, ge=0, description="free bytes below which recording is refused")
    api_token: str | None = Field(None, description="when set, requests need 'Authorization: Bearer'")
    cors_origins: Annotated[tuple[str, ...], NoDecode] = Field(
        (), description="comma-separated origins whose pages may call; empty: localhost on any port"
    )
    root_path: str = Field("", description="prefix of every path at a proxy in front, such as /parafovea")
    log_level: Literal["debug", "info", "warning", "error"] = Field("info", description="how much is logged")

    @field_validator("cors_origins", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value

    @field_validator("api_token")
    @classmethod
    def _token_fits_a_header(cls, value: str | None) -> str | None:
        # The value itself stays out of the message: it goes into the log.
        if value is not None and not (value.isascii() and value.isprintable() and value and value == value.strip()):
            raise ValueError(
                "a token is one or more printable ASCII characters without spaces around them, as no header can carry "
                "another; leave the variable out for a server without a token"
            )
        return value

    @field_validator("cors_origins")
    @classmethod
    def _are_origins(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for origin in value:
            if origin not in ("*", "null") and not _ORIGIN.match(origin):
                raise ValueError(
                    f"{origin!r} is no origin; an origin is scheme://host or scheme://host:port in ASCII, such as "
                    "https://lab.example, or null, or *"
                )
        return value

    @field_validator("root_path")
    @classmethod
    def _is_a_prefix(cls, value: str) -> str:
        prefix = value.removesuffix("/")
        if prefix and (len(prefix) > MAX_ROOT_PATH_CHARS or not _ROOT_PATH.match(prefix)):
            raise ValueError(
                f"a prefix is /name or /name/name, at most {MAX_ROOT_PATH_CHARS} characters, each name of A-Z a-z 0-9 "
                ". _ ~ - and beginning with a letter, a digit or _"
            )
        return prefix

    @field_validator("bus")
    @classmethod
    def _bus_is_usable(cls, value: str) -> str:
        BusAddress.parse(value)
        return value

    @field_validator("screen")
    @classmethod
    def _screen_is_one(cls, value: str) -> str:
        if value:
            parse_screen(value)
        return value

    @property
    def gaze_screen(self) -> Screen | None:
        """The screen that the settings tell; None where they tell none."""
        return parse_screen(self.screen) if self.screen else None

    @property
    def bus_address(self) -> BusAddress:
        return BusAddress.parse(self.bus)


def parse_screen(text: str) -> Screen:
    """A screen as the settings tell it. Raises ValueError: it is none, or of no size that a screen has."""
    found = _SCREEN.match(text)
    if found is None:
        raise ValueError(f"{text[:100]!r} is no screen; write pixels, metres and distance: 1920x1080,0.531x0.299,0.6")
    width_m, height_m, distance_m = (float(found[number]) for number in (3, 4, 5))
    px = (int(found[1]), int(found[2]))
    if not all(1 <= side <= MAX_SCREEN_PX for side in px):
        raise ValueError(f"a screen has 1 to {MAX_SCREEN_PX} pixels a side")
    if not all(0 < length <= MAX_SCREEN_M for length in (width_m, height_m, distance_m)):
        raise ValueError(f"a screen's sides and its distance are in metres, above 0 and at most {MAX_SCREEN_M:g}")
    return Screen(px, (width_m, height_m), distance_m)


def load_settings(env_file: str | Path = ENV_FILE) -> Settings:
    """Read the settings. Raises InvalidSettings: naming each variable that is unknown or does not fit, and why."""
    known = {PREFIX + name.upper() for name in Settings.model_fields}
    try:
        present = {*os.environ, *dotenv_values(env_file)}
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidSettings(f"cannot read the settings in {env_file}: {error}; write it as UTF-8 text") from None
    problems = [
        f"{name} is not a setting; {_nearest(name, known)}"
        for name in sorted(present)
        if name.upper().startswith(PREFIX) and name.upper() not in known
    ]
    if not problems:
        try:
            return Settings(_env_file=env_file)
        except ValidationError as error:
            problems = [
                f"{PREFIX}{str(item['loc'][0]).upper()}: {item['msg'].removeprefix('Value error, ')}"
                for item in error.errors()
            ]
    raise InvalidSettings("\n".join(problems))


def _nearest(name: str, known: set[str]) -> str:
    from difflib import get_close_matches

    # Without the prefix: all share it, so with it anything is near to anything.
    bare = {one.removeprefix(PREFIX) for one in known}
    close = get_close_matches(name.upper().removeprefix(PREFIX), bare, n=1)
    return f"did you mean {PREFIX}{close[0]}?" if close else f"the settings are {', '.join(sorted(known))}"
