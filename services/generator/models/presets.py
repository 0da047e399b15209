"""What is recommended for a model's runs where a request names nothing: by its owner, its folder, us, its class."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from services.generator.models.families import BY_NAME, Family
from services.generator.models.files import DEFAULTS, ModelError, ModelFolder, first_line
from shared.refusals import invalid_request

OURS = Path(__file__).with_name("presets.toml")


class Preset(BaseModel):
    """Recommendations; None leaves a value to what stands behind. ``size``: side of the square that the model works at,
    in pixels."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    steps: int | None = Field(None, ge=1, le=1000)
    guidance_scale: float | None = Field(None, ge=0, le=100)
    true_cfg_scale: float | None = Field(None, ge=0, le=100)
    strength: float | None = Field(None, gt=0, le=1)
    size: int | None = Field(None, ge=64, le=4096)
    scheduler: str | None = Field(None, pattern=r"^\w+Scheduler$")
    timestep_spacing: str | None = Field(None, pattern=r"^(leading|trailing|linspace)$")
    licence: str | None = None
    note: str | None = None


class _OfModel(Preset):
    family: str | None = None


class _File(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    family: dict[str, Preset] = {}
    model: dict[str, _OfModel] = {}


class Recommended(BaseModel):
    """What holds for one model. ``sources``: by value, where it comes from, in words."""

    model_config = ConfigDict(frozen=True)

    preset: Preset
    sources: dict[str, str]


def recommend(model: ModelFolder, family: Family | None, own: Path | None = None) -> Recommended:
    """The recommendations for a model; of several the most particular, and a user's before ours.

    Args:
        own: a user's file.

    Raises:
        ModelError: a file is not understood, or the user's is not there.
    """
    values: dict[str, Any] = {}
    sources: dict[str, str] = {}
    for preset, source in _layers(model, family, own):
        for name, value in preset.items():
            if value is not None and name not in values:
                values[name], sources[name] = value, source
    return Recommended(preset=Preset(**values), sources=sources)


def _layers(model: ModelFolder, family: Family | None, own: Path | None) -> Iterator[tuple[Mapping[str, Any], str]]:
    """Presets with their sources, the one that counts most first."""
    ours, users = _read(OURS), _read(own) if own is not None else _File()
    here = str(own)
    names = {name.lower() for name in model.names}
    yield from ((_values(one), f"{name} in {here}") for name, one in _entries(users, names))
    if (folder := model.folder / DEFAULTS).is_file():
        yield _read_folder(folder), str(folder)
    yield from ((_values(one), f"{name} in Parafovea's presets") for name, one in _entries(ours, names))
    named = [one.family for file in (users, ours) for _, one in _entries(file, names) if one.family]
    family = BY_NAME[named[0]] if named else family
    if family is not None:
        for file, said in ((users, here), (ours, "Parafovea's presets")):
            if family.name in file.family:
                yield file.family[family.name].model_dump(), f"family {family.name} in {said}"


def _values(entry: _OfModel) -> dict[str, Any]:
    return entry.model_dump(exclude={"family"})


def _entries(file: _File, names: set[str]) -> list[tuple[str, _OfModel]]:
    """Entries of a model: by its whole hub id first, then by the last part of one."""
    whole = [(name, one) for name, one in file.model.items() if name.lower() in names]
    short = [(name, one) for name, one in file.model.items() if name.lower().rpartition("/")[2] in names]
    return [*whole, *(each for each in short if each not in whole)]


def _read_folder(path: Path) -> dict[str, Any]:
    try:
        return Preset.model_validate_json(path.read_bytes()).model_dump()
    except (OSError, ValidationError) as error:
        raise ModelError(f"{path} is not understood: {_why(error)}") from error


def _read(path: Path) -> _File:
    try:
        read = _File.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError:
        raise ModelError(f"There are no presets in {path}; PARAFOVEA_PRESETS names a file that is there.") from None
    except (OSError, ValueError) as error:
        raise ModelError(f"{path} is not understood: {_why(error)}") from error
    if unknown := (set(read.family) | {one.family for one in read.model.values() if one.family}) - BY_NAME.keys():
        raise ModelError(f"{path}: there is no family {min(unknown)}; there are {', '.join(sorted(BY_NAME))}.")
    return read


def _why(error: Exception) -> str:
    return invalid_request(error).detail if isinstance(error, ValidationError) else first_line(error)
