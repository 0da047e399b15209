"""From what a setting names to a model on this machine: a folder, a file, an id of the hub, a name of our own."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path

from services.generator.language.vocabulary import FILE as VOCABULARY
from services.generator.models import hub, tiny
from services.generator.models.files import INDEX, ModelError, ModelFolder, first_line, local, read_header, read_index
from services.generator.models.hub import OnBytes
from services.generator.models.kinds import role_of
from services.generator.models.weights import Chosen, choose, chosen_by, without
from shared.process.model_settings import ModelSettings
from shared.system.cache import cache_root
from shared.system.places import MODELS

log = logging.getLogger(__name__)

EMBEDDED = "embedded"
_CONFIGURATIONS = ("*.json", "*/*.json", "*/*.txt", "*/*.model", "*/*.jinja")


@dataclass(frozen=True, slots=True)
class Wanted:
    """A model that is here, and which of its files are loaded."""

    model: ModelFolder
    chosen: Chosen

    @property
    def is_embedded(self) -> bool:
        return self.model.id == f"parafovea/{EMBEDDED}"

    @property
    def loaded_files(self) -> list[tuple[str, Path]]:
        """Every file that is loaded, by its name in the model's folder."""
        names = [*self.chosen.names, *(name for name in (VOCABULARY,) if (self.model.folder / name).is_file())]
        found = [(name, self.model.folder / name) for name in names]
        return [*found, ("checkpoint", self.model.single)] if self.model.single is not None else found


def find(settings: ModelSettings, models_dir: Path = MODELS, on_bytes: OnBytes | None = None) -> Wanted:
    """The model that the settings name: a folder, a file, a hub id, which is fetched where it is not here, ``tiny`` or
    ``tiny-<kind>``, or where it is empty the embedded one. Raises ModelError: it cannot be had, and why."""
    name = settings.model
    if not name or name == EMBEDDED:
        return _folder(_embedded(models_dir / EMBEDDED), settings)
    kind = tiny.NAMES.get(name)
    here = local(name, settings.models_dir)
    if kind is not None and here is None:
        log.warning("%s is a model of random weights, for tests: its pictures mean nothing", name)
        folder = tiny.ensure_tiny(cache_root() / "tiny", kind)
        made = ModelFolder(f"parafovea/tiny-{kind}-{tiny.VERSION}", folder, read_index(folder))
        return _folder(made, settings)
    if here is not None and here.is_file():
        return _single(name, here, settings)
    if here is not None:
        return _folder(ModelFolder(name, here, read_index(here)), settings)

    def check(model: ModelFolder) -> None:
        role_of(model, settings.model_kind)

    return _folder(
        hub.fetch(name, settings.variant, settings.allow_pickles, on_bytes, without(settings), check), settings
    )


def _embedded(folder: Path) -> ModelFolder:
    if not (folder / INDEX).is_file():
        raise ModelError(
            f"The embedded model is not there: {folder} has no {INDEX}. Run from a whole checkout, or set "
            "PARAFOVEA_MODEL to a model's folder or hub id."
        )
    return ModelFolder(f"parafovea/{EMBEDDED}", folder, read_index(folder))


def _folder(model: ModelFolder, settings: ModelSettings) -> Wanted:
    names = [path.relative_to(model.folder).as_posix() for path in model.folder.glob("*/*") if path.is_file()]
    chosen = chosen_by([INDEX, *names], model.index, settings)
    return Wanted(model, chosen)


def _single(name: str, file: Path, settings: ModelSettings) -> Wanted:
    if file.suffix != ".safetensors" and not settings.allow_pickles:
        raise ModelError(
            f"{name} is a pickle, which can run any code of its maker. Take it as .safetensors, or set "
            "PARAFOVEA_ALLOW_PICKLES=true if you trust it."
        )
    folder = _configurations(file, settings)
    model = ModelFolder(name, folder, read_index(folder), single=file)
    parts = set(model.parts)
    names = [path.relative_to(folder).as_posix() for path in folder.glob("*/*") if path.parent.name in parts]
    texts = choose([INDEX, *(one for one in names if not one.endswith((".safetensors", ".bin")))], model.index)
    return Wanted(model, texts)


def _configurations(file: Path, settings: ModelSettings) -> Path:
    """A folder as diffusers saves one, without need of weights: named by the setting, beside the file under its name,
    or of the model on the hub that a look at the file says it was made from."""
    named = settings.single_file_config
    here = local(named, settings.models_dir) if named else file.with_suffix("")
    if here is not None and here.is_dir():
        return here
    from huggingface_hub import snapshot_download

    hub_id = named
    try:
        hub_id = named or _made_from(file)
        return Path(snapshot_download(hub_id, allow_patterns=list(_CONFIGURATIONS)))
    except Exception as error:
        raise ModelError(
            f"{file.name} is one file of weights, and the configurations for it ({hub_id or 'of an unknown model'}) "
            f"could not be had ({first_line(error)}). Set PARAFOVEA_SINGLE_FILE_CONFIG to a folder that has them, or "
            f"put one beside the file as {file.with_suffix('').name}/."
        ) from error


def _made_from(file: Path) -> str:
    """Id of the model that a file's tensors look like; by their names and shapes alone, where it has a header."""
    import torch
    from diffusers.loaders.single_file_utils import fetch_diffusers_config, load_single_file_checkpoint

    if file.suffix == ".safetensors":
        shapes = {name: one["shape"] for name, one in read_header(file).items()}
        checkpoint = {name: torch.empty(shape, device="meta") for name, shape in shapes.items()}
    else:
        checkpoint = load_single_file_checkpoint(str(file), local_files_only=True)
    return str(fetch_diffusers_config(checkpoint)["pretrained_model_name_or_path"])
