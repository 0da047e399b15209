"""From the request to begin a trial to all that it depends on."""

from __future__ import annotations

import asyncio
import secrets
from pathlib import Path

import orjson

from services.gaze.screens import size_of
from services.gaze.sources.pushed import PUSHED
from shared.bus.requests.gaze import BeginTrial
from shared.bus.requests.generator import DRAWN_SEEDS
from shared.errors import InvalidRequest
from shared.frame import SessionStamp
from shared.gaze.detectors.parameters import DetectorParameters
from shared.gaze.screen import Screen
from shared.gaze.trial.config import TrialConfig, TrialPrompts
from shared.ids import new_id
from shared.prompts import MAX_FILE_BYTES, InvalidPrompts, parse
from shared.refusals import request_of

READ_S = 2.0
MIN_SACCADE_HZ = 100.0
"""Below it a saccade is over before it is seen."""
PUSHED_SILENCE_MS = 1000.0
ID_CHARS = 12
MAX_CONFIG_BYTES = 2 * 1024 * 1024
"""It stands in one line of the record."""


async def prompts_for(asked: BeginTrial, path: Path) -> TrialPrompts:
    """The prompts of a trial: its own, or the server's. Raises InvalidRequest: there are none."""
    if asked.prompts.default or any(asked.prompts.sectors.values()):
        return asked.prompts
    none = f"no prompts are given, and {path}"
    try:
        async with asyncio.timeout(READ_S):
            lists = parse(await asyncio.to_thread(_read, path))
    except TimeoutError:
        raise InvalidRequest(f"{none} cannot be read now: its disk does not answer") from None
    except OSError as error:
        raise InvalidRequest(f"{none} cannot be read ({error.strerror or error})") from None
    except InvalidPrompts as error:
        raise InvalidRequest(f"{none} cannot be used: {error}") from None
    if not lists.default and not any(lists.by_sector.values()):
        raise InvalidRequest(f"{none} has none either; name at least one")
    return request_of(TrialPrompts, default=lists.default, sectors=lists.by_sector)


def check_rate(asked: BeginTrial, source: str, rate_hz: float | None) -> None:
    """See that the source is fast enough for the trigger. One whose rate is not known yet may be. Raises
    InvalidRequest: it is not."""
    if asked.trigger.name == "saccade" and rate_hz is not None and rate_hz < MIN_SACCADE_HZ:
        raise InvalidRequest(
            f"{source} gives {rate_hz:.0f} samples a second, and a saccade is over before that shows it; the trigger "
            f"'saccade' needs {MIN_SACCADE_HZ:.0f} and more: take another one, or an eye tracker"
        )


def config_of(
    asked: BeginTrial,
    *,
    session: SessionStamp | None,
    picture_sha256: str,
    prompts: TrialPrompts,
    screen: Screen,
    source: str,
) -> TrialConfig:
    """All that the trial depends on. Raises InvalidRequest: it cannot be."""
    config = request_of(
        TrialConfig,
        trial_id=new_id()[:ID_CHARS],
        session=session,
        picture_sha256=picture_sha256,
        seed=secrets.randbelow(DRAWN_SEEDS) if asked.seed is None else asked.seed,
        prompts=prompts,
        fields=asked.fields_,
        screen=size_of(screen),
        source=source,
        detectors=_parameters(source).as_dict(),
        **{name: getattr(asked, name) for name in _AS_ASKED},
    )
    if len(orjson.dumps(config.flat())) > MAX_CONFIG_BYTES:
        raise InvalidRequest(f"the trial is set up with more than {MAX_CONFIG_BYTES} bytes; name fewer prompts")
    return config


def _parameters(source: str) -> DetectorParameters:
    """A page, or a program, that is busy for a moment sends nothing meanwhile: that is no loss of the eyes."""
    return DetectorParameters(silence_ms=PUSHED_SILENCE_MS) if source in PUSHED else DetectorParameters()


_AS_ASKED = ("grid_size", "policy", "trigger", "model", "catch_rate", "sham_rate", "view", "participant")


def _read(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(MAX_FILE_BYTES + 1)
