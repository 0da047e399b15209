"""What can be said of a model before it is loaded, or even fetched: from its configurations and its files' headers."""

from __future__ import annotations

import inspect
import logging
import re
from dataclasses import dataclass, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np

from services.generator.engine import Edit
from services.generator.models import hub, memory, sources, tiny
from services.generator.models.files import DEFAULTS, INDEX, ModelError, ModelFolder, first_line, local, read_json
from services.generator.models.hub import Listing
from services.generator.models.kinds import Role, pipeline_class, role_of
from services.generator.models.presets import Recommended, recommend
from services.generator.models.values import Values
from services.generator.models.weights import NETWORKS, Chosen, chosen_by, network_part, without
from shared.process.model_settings import ModelSettings
from shared.sectors import Region
from shared.system.places import MODELS

log = logging.getLogger(__name__)

OWN = "its class's own"
OF_CONFIGURATION = "its own configuration"
OF_FAMILY = "the best-known model of its family"
_LOOKED_INTO = (*(f"{part}/config.json" for part in (*NETWORKS, "vae")), DEFAULTS)
_DEFAULT_CELLS = re.compile(r"default_sample_size = (\d+)")
_CELL_PX = 8
_BYTES_OF_UNREAD = 2


@dataclass(frozen=True, slots=True)
class Look:
    """A model that is here, or that the hub has.

    Attributes:
        listing: of the hub, where it was asked; some or all of the files may be here.
    """

    model: ModelFolder
    chosen: Chosen
    role: Role
    recommended: Recommended
    listing: Listing | None = None

    @property
    def to_fetch_bytes(self) -> int:
        return self.listing.chosen_bytes(self.chosen) - self.listing.here_bytes(self.chosen) if self.listing else 0

    @property
    def network(self) -> str:
        """The component that runs at each step; empty where there is none."""
        return network_part(self.model)


@dataclass(frozen=True, slots=True)
class Value:
    """A value that runs have where a request names none, and where it comes from. None: there is none, or it is not
    known before the model is loaded."""

    value: int | float | str | None
    source: str


def look(settings: ModelSettings, models_dir: Path = MODELS) -> Look:
    """What the settings' model is. Of one of the hub that is not here, a few kilobytes are fetched.

    Raises:
        ModelError: it cannot be had, or would be refused, and why.
    """
    listing, found = None, None
    if is_of_hub(settings) and not hub.is_offline():
        try:
            listing = hub.listing(settings.model)
        except ModelError as error:
            found = hub.cached(settings.model, settings.variant, settings.allow_pickles, without(settings))
            if found is None:
                raise
            log.warning("%s; the one in the cache is looked at", error)
    if listing is not None:
        model = hub.to_be_looked_at(listing, list(_LOOKED_INTO))
        role = role_of(model, settings.model_kind)
        chosen = chosen_by(listing.files, listing.index, settings)
    elif found is not None:
        model, role = found, role_of(found, settings.model_kind)
        names = [path.relative_to(found.folder).as_posix() for path in found.folder.glob("*/*")]
        chosen = chosen_by([INDEX, *names], found.index, settings)
    else:
        wanted = sources.find(settings, models_dir)
        model, chosen, role = wanted.model, wanted.chosen, role_of(wanted.model, settings.model_kind)
    return Look(model, chosen, role, recommend(model, role.family, settings.presets), listing)


def is_of_hub(settings: ModelSettings) -> bool:
    """Whether the model that the settings name is none of this machine's own."""
    name = settings.model
    return bool(name) and name != sources.EMBEDDED and name not in tiny.NAMES and not local(name, settings.models_dir)


def parameters(look: Look) -> dict[str, int]:
    """Parameters of each component; of files that are not here, from their first kilobytes. Raises ModelError: a file
    is damaged, or the hub does not give it."""
    listing = look.listing
    if listing is None:
        return memory.parameters_of(look.model, look.chosen)
    found: dict[str, int] = {}
    for name in look.chosen.weights:
        here = listing.folder / name
        count = memory.count_parameters(here) if here.is_file() else _count_on_hub(listing, name)
        part = name.partition("/")[0]
        found[part] = found.get(part, 0) + count
    return found


def _count_on_hub(listing: Listing, name: str) -> int:
    if not name.endswith(".safetensors"):
        return listing.files[name] // _BYTES_OF_UNREAD
    from huggingface_hub import HfApi
    from huggingface_hub.errors import GatedRepoError

    try:
        read = HfApi().parse_safetensors_file_metadata(listing.id.partition("@")[0], name, revision=listing.commit)
    except GatedRepoError as error:
        raise hub.not_had(listing.id, error) from error
    except Exception as error:
        raise ModelError(f"{listing.id}: the header of {name} could not be read: {first_line(error)}") from error
    return sum(read.parameter_count.values())


class Expected:
    """The values that a model's runs would have, worked out as those of a loaded one are, from its configurations.

    Attributes:
        guidance: the parameter that a request's ``guidance_scale`` is given as; None: nothing would heed it.
        guided_above: the scale up to which there is no guidance.
        takes_twice: a step makes two predictions, one of them without the prompt.
        size_px: side of the square that it works at; None: known once it is loaded.
    """

    def __init__(self, look: Look) -> None:
        cls = pipeline_class(look.role.loaded_by)
        configs = {part: _config(look.model.folder / part) for part in (*NETWORKS, "vae")}
        values = Values(_stand_in(cls, look.model, configs), look.recommended.preset, look.role.family)
        edit = Edit(np.zeros((1, 1, 3), np.uint8), Region(0, 0, 1, 1), "", 0)
        used = values.of(edit)
        self._look = look
        self._used = used
        self._own_size = _own_size(cls, configs)
        self.guidance = values.guidance
        self.guided_above = look.role.family.guided_above if look.role.family is not None else 1.0
        self.steps = used.steps
        self.takes_twice = not values.unheeded(replace(edit, negative_prompt="x"), used)
        self.size_px = look.recommended.preset.size or self._own_size

    def values(self) -> dict[str, Value]:
        """Each value, by the name that presets have for it."""
        preset, sources_of = self._look.recommended.preset, self._look.recommended.sources
        scheduler = self._look.model.index.get("scheduler")
        saved = scheduler[-1] if isinstance(scheduler, list) and scheduler else None
        owns: dict[str, tuple[int | float | str | None, str]] = {
            "steps": (self._used.steps, OWN),
            "guidance_scale": (self._used.guidance_scale, OWN),
            "true_cfg_scale": (self._used.true_cfg_scale, OWN),
            "strength": (self._used.strength, OWN),
            "size": (self._own_size, OF_CONFIGURATION),
            "scheduler": (saved, OF_CONFIGURATION),
            "timestep_spacing": (None, OF_CONFIGURATION),
        }
        found = {}
        for name, (own, source) in owns.items():
            recommended = getattr(preset, name)
            is_taken = own is not None or name in ("size", "scheduler", "timestep_spacing")
            by_preset = recommended is not None and is_taken
            found[name] = Value(recommended if by_preset else own, sources_of[name] if by_preset else source)
        if preset.steps is not None and self._used.steps != preset.steps:
            found["steps"] = Value(self._used.steps, "so many that its strength leaves one")
        return found


def licence(look: Look) -> Value:
    """Under which licence a model is, and who says so."""
    if look.listing is not None and look.listing.licence:
        return Value(look.listing.licence, "its page on the hub")
    said, source = look.recommended.preset.licence, look.recommended.sources.get("licence", "")
    if look.model.id.startswith("parafovea/") and look.model.commit is None:
        return Value("that of Parafovea", "LICENSE")
    if said is None:
        return Value(None, "nothing here says it")
    return Value(said, f"{OF_FAMILY}: its own may be another" if source.startswith("family ") else source)


def _stand_in(cls: Any, model: ModelFolder, configs: dict[str, dict[str, Any]]) -> Any:
    """What :class:`Values` looks at of a loaded pipeline."""
    return SimpleNamespace(
        __call__=cls.__call__,
        config=SimpleNamespace(is_distilled=bool(model.index.get("is_distilled"))),
        **{part: SimpleNamespace(config=configs[part]) for part in NETWORKS},
    )


def _own_size(cls: Any, configs: dict[str, dict[str, Any]]) -> int | None:
    network = next((configs[part] for part in reversed(NETWORKS) if configs[part]), {})
    cells = network.get("sample_size")
    if isinstance(cells, list):
        cells = max(cells)
    if not isinstance(cells, int) and (said := _DEFAULT_CELLS.search(inspect.getsource(cls))):
        cells = int(said[1])
    blocks = configs["vae"].get("block_out_channels")
    return cells * (2 ** (len(blocks) - 1) if blocks else _CELL_PX) if isinstance(cells, int) else None


def _config(folder: Path) -> dict[str, Any]:
    try:
        read = read_json(folder / "config.json")
    except (OSError, ValueError):
        return {}
    return read if isinstance(read, dict) else {}
