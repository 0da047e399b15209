"""From the settings to an engine: find the model, choose its device, load it, make it fit, warm it up."""

from __future__ import annotations

import logging
import time
from pathlib import Path

from services.generator.engine import Engine, OnLoading, say_nothing
from services.generator.models import identity, sources
from services.generator.models.kinds import role_of
from services.generator.models.libraries import prepare_libraries
from services.generator.models.sources import Wanted
from shared.process.model_settings import ModelSettings
from shared.system.places import MODELS

log = logging.getLogger(__name__)


def load_engine(settings: ModelSettings, models_dir: Path = MODELS, on_loading: OnLoading = say_nothing) -> Engine:
    """Load the model that the settings name; without one the embedded model, and never another in its place.

    Imports torch: call it on the inference thread. Takes seconds, or minutes for a large model.

    Raises:
        ModelError: the model or the device cannot be used; the message says what would do.
    """
    return load_found(find(settings, on_loading, models_dir), settings, on_loading)


def find(settings: ModelSettings, on_loading: OnLoading = say_nothing, models_dir: Path = MODELS) -> Wanted:
    """The model that the settings name, fetched where it is not here, and its files hashed: minutes, in any thread.
    Raises ModelError: it cannot be had, or does nothing that is wanted here."""
    prepare_libraries()
    fetching = f"Fetching {settings.model}."
    wanted = sources.find(settings, models_dir, lambda done, of: on_loading(fetching, done, of))
    role_of(wanted.model, settings.model_kind)
    on_loading(f"Hashing the files of {wanted.model.id}.", 0, 0)
    identity.revision_of(wanted.model)
    identity.files_sha256(wanted.loaded_files)
    return wanted


def load_found(wanted: Wanted, settings: ModelSettings, on_loading: OnLoading = say_nothing) -> Engine:
    """Load a model that is here. Raises ModelError: it, or the device, cannot be used; the message says what would."""
    started = time.perf_counter()
    prepare_libraries()
    from services.generator.models.assembling import assemble

    role = role_of(wanted.model, settings.model_kind)
    on_loading(f"Loading {wanted.model.id}.", 0, 0)
    engine = assemble(wanted, role, settings, on_loading)
    info, took_s = engine.info, time.perf_counter() - started
    log.info(
        "%s (%s, %s) on %s in %s, loaded in %.1f s",
        *(wanted.model.id, info.model.pipeline, role.kind, info.device, info.dtype, took_s),
    )
    return engine


def fits_beside(wanted: Wanted, settings: ModelSettings) -> bool:
    """Whether a model that is here fits on its device whole, beside what is there already. Raises ModelError: it cannot
    be used."""
    prepare_libraries()
    from services.generator.models import assembling

    return assembling.fits_beside(wanted, settings)
