"""Which models may be asked for while the generator runs, and with which settings each is loaded.

Whoever may call the API may not make this machine read any path, or fetch anything: a model is one that the owner's
settings name, or one that lies in the owner's folder of models.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from services.generator.engine import Engine, OnLoading, say_nothing
from services.generator.models.files import has_index, is_lora, within
from shared.errors import InvalidRequest
from shared.process.model_settings import ModelSettings

if TYPE_CHECKING:
    from services.generator.models.sources import Wanted

EMBEDDED = "embedded"


class Models(Protocol):
    """What there is to load. ``first``: the name of the one that the settings name."""

    first: str

    def names(self) -> tuple[str, ...]:
        """Those that may be asked for; reads a folder."""
        ...

    def check(self, name: str) -> None:
        """Raise InvalidRequest where a model may not be asked for."""
        ...

    def fetch(self, name: str, on_loading: OnLoading) -> None:
        """Bring a model's files here, in a thread beside the one that runs. Raises ModelError: it cannot be used."""
        ...

    def fits_beside(self, name: str) -> bool:
        """Whether a model, once its files are here, fits on the device beside what is there."""
        ...

    def load(self, name: str, on_loading: OnLoading) -> Engine:
        """Load a model, on the inference thread. Raises ModelError: it cannot be used."""
        ...


class OneModel:
    """A loader that knows one model only."""

    first = ""

    def __init__(self, load_engine: Callable[[], Engine]) -> None:
        self._load_engine = load_engine

    def names(self) -> tuple[str, ...]:
        return ()

    def check(self, name: str) -> None:
        if name != self.first:
            raise InvalidRequest("This generator has one model.", fields={"model": "there is no other one"})

    def fetch(self, name: str, on_loading: OnLoading) -> None:
        return

    def fits_beside(self, name: str) -> bool:
        return False

    def load(self, name: str, on_loading: OnLoading) -> Engine:
        return self._load_engine()


class Catalog:
    """The models of some settings. What was found once is that model from then on, also when it is loaded again. Heavy
    libraries are imported by the methods that need them."""

    def __init__(self, settings: ModelSettings) -> None:
        self._settings = settings
        self.first = settings.model or EMBEDDED
        self._found: dict[str, Wanted] = {}

    def names(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys([self.first, *self._settings.models, EMBEDDED, *self._in_folder()]))

    def settings_for(self, name: str) -> ModelSettings:
        """The settings that a model is loaded with. Raises InvalidRequest: it may not be asked for."""
        if name == self.first:
            return self._settings
        if name not in self.names():
            problem = (
                f"{name[:100]!r} is not among the models that may be loaded: {', '.join(self.names()[:20])}. "
                "Its owner names it in PARAFOVEA_MODELS, or puts it into PARAFOVEA_MODELS_DIR"
            )
            raise InvalidRequest(problem, fields={"model": problem})
        return self._settings.for_model(name)

    def check(self, name: str) -> None:
        self.settings_for(name)

    def fetch(self, name: str, on_loading: OnLoading) -> None:
        from services.generator.load import find

        self._found[name] = find(self.settings_for(name), on_loading)

    def fits_beside(self, name: str) -> bool:
        from services.generator.load import fits_beside

        return fits_beside(self._wanted(name), self.settings_for(name))

    def load(self, name: str, on_loading: OnLoading) -> Engine:
        from services.generator.load import load_found

        return load_found(self._wanted(name), self.settings_for(name), on_loading)

    def _wanted(self, name: str) -> Wanted:
        """A model that was fetched; a job may also name one that this life of the generator has not looked for."""
        if name not in self._found:
            self.fetch(name, say_nothing)
        return self._found[name]

    def _in_folder(self) -> list[str]:
        """Folders that diffusers has saved, and files of weights, by name; hidden ones left out."""
        shelf = within(self._settings.models_dir.expanduser())
        return [path.name for path in shelf if not path.name.startswith(".") and _is_model(path)]


def _is_model(path: Path) -> bool:
    if path.suffix == ".safetensors" and path.is_file():
        return not is_lora(path)
    return has_index(path)
