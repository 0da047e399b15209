"""``parafovea models list`` at work."""

from __future__ import annotations

import shutil
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cli.models_print import paragraph, refuse
from cli.output import print_table, printable, say, say_json
from services.generator.models.families import FAMILIES, Family
from services.generator.models.files import ModelError, ModelFolder
from services.generator.models.inventory import Here, models_here
from services.generator.models.presets import Preset, recommend
from shared.process.settings import Settings

_BYTES_OF_BF16 = 2
_NOWHERE = Path(__file__) / "none"
"""Where no model can be: what is recommended for an example is looked up by its name alone."""


@dataclass(frozen=True, slots=True)
class _Row:
    family: Family
    preset: Preset

    @property
    def size_gb(self) -> float:
        return round(self.family.size.total * _BYTES_OF_BF16, 1)

    def to_json(self) -> dict[str, Any]:
        return {
            "name": self.family.name,
            "title": self.family.title,
            "kind": self.family.kind,
            "example": self.family.example,
            "weights_gb": self.size_gb,
            "steps": self.preset.steps,
            "guidance_scale": self.preset.guidance_scale,
            "licence": self.preset.licence,
        }


def run(settings: Settings, *, as_json: bool) -> None:
    """Print families, and models that are here."""
    try:
        families = [_Row(one, _recommended(one, settings)) for one in FAMILIES]
        here = models_here(settings)
    except ModelError as error:
        refuse(settings.model, str(error), as_json=as_json)
    if as_json:
        say_json({"families": [one.to_json() for one in families], "here": [_to_json(one) for one in here]})
    elif not sys.stdout.isatty():
        cells = [[_text(value) for value in one.to_json().values()] for one in families]
        print_table((), [("family", *row) for row in cells])
        print_table((), [(("set" if one.is_set else "here"), *map(_text, _to_json(one).values())) for one in here])
    else:
        _print_families(families)
        _print_here(here)


def _recommended(family: Family, settings: Settings) -> Preset:
    return recommend(ModelFolder(family.example, _NOWHERE, {}), family, settings.presets).preset


def _print_families(families: list[_Row]) -> None:
    wide = max(len(one.family.name) for one in families)
    say(f"{'family':{wide}}  kind        GB  steps  guided  licence")
    for one in families:
        told = one.to_json()
        numbers = f"{one.size_gb:5.1f}  {_text(told['steps']):>5}  {_text(told['guidance_scale']):>6}"
        paragraph(_text(told["licence"]), f"{one.family.name:{wide}}  {one.family.kind:7}  {numbers}  ")
        say(f"  {one.family.example}")
    paragraph(
        "Below each stands its best-known model, whose numbers these are: weights in bfloat16, and steps and "
        "guidance_scale where a request names none."
    )


def _print_here(here: list[Here]) -> None:
    say("\nOn this machine (*: the one that PARAFOVEA_MODEL names):")
    for one in here:
        mark = "*" if one.is_set else " "
        paragraph(f"{one.name}  {one.kind or '-'}", f"{mark} ")
        if one.why is not None:
            paragraph(first_sentence(one.why), "    ")
        elif one.where is not None:
            say(f"    {printable(_short(one.where))}")


def first_sentence(text: str) -> str:
    """Up to its first full stop, or semicolon."""
    return text.partition(". ")[0].partition("; take")[0].removesuffix(".")


def _short(path: Path) -> str:
    """A path that fits the terminal, with its end if not all of it does."""
    text, home = str(path), str(Path.home())
    text = f"~{text.removeprefix(home)}" if text.startswith(home) else text
    room = shutil.get_terminal_size().columns - 4
    return text if len(text) <= room else f"...{text[len(text) - room + 3 :]}"


def _to_json(one: Here) -> dict[str, Any]:
    return {
        "name": one.name,
        "kind": one.kind,
        "where": str(one.where) if one.where is not None else None,
        "why_not": one.why,
        "is_set": one.is_set,
    }


def _text(value: object) -> str:
    return "-" if value is None else printable(str(value))
