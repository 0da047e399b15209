"""From the settings to an engine: find the model, choose its device, load it, make it fit, warm it up."""

from __future__ import annotations

import logging
import time
from dataclasses import replace
from pathlib import Path

from services.generator.engine import Engine, OnLoading, say_nothing
from services.generator.language.vocabulary import Vocabulary
from services.generator.models import memory, sources
from services.generator.models.kinds import Role, role_of
from services.generator.models.libraries import prepare_libraries
from services.generator.models.presets import recommend
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
    started = time.perf_counter()
    prepare_libraries()
    fetching = f"Fetching {settings.model}."
    wanted = sources.find(settings, models_dir, lambda done, of: on_loading(fetching, done, of))
    role = role_of(wanted.model, settings.model_kind)
    on_loading(f"Loading {wanted.model.id}.", 0, 0)
    engine = _load(wanted, role, settings, on_loading)
    info, took_s = engine.info, time.perf_counter() - started
    log.info(
        "%s (%s, %s) on %s in %s, loaded in %.1f s",
        *(wanted.model.id, info.model.pipeline, role.kind, info.device, info.dtype, took_s),
    )
    return engine


def _load(wanted: Wanted, role: Role, settings: ModelSettings, on_loading: OnLoading) -> Engine:
    from services.generator.models import device, fitting, tuning
    from services.generator.models.denoising import Denoiser
    from services.generator.models.describing import describe
    from services.generator.models.loading import load_pipeline, network_file, network_of
    from services.generator.models.painters import Layer, Repaint, work_size
    from services.generator.models.running import DiffusersEngine, Painter

    device.make_repeatable()
    placement = device.choose(settings.device, settings.dtype, measure_cpu=wanted.is_embedded)
    preset = recommend(wanted.model, role.family, settings.presets).preset
    parameters = memory.parameters_of(wanted.model, wanted.chosen)
    if settings.network:
        parameters |= {"network": memory.count_file(network_file(settings), placement.dtype_name)}
    pipeline = load_pipeline(wanted, role, placement, settings, preset)
    denoiser = Denoiser(pipeline, placement, preset, role.family)
    network, _ = network_of(pipeline)
    weighs = memory.weighs(parameters, denoiser.size, placement.dtype_name, settings.quantize, network)
    fit = fitting.decide(weighs, fitting.free_bytes(placement.device), settings, placement)
    if fit.said:
        log.warning("%s", fit.said)
    fitting.place(pipeline, fit, placement, settings)
    tuned = tuning.tune(pipeline, settings)
    info = describe(wanted, role.kind, settings, placement, pipeline, fit, tuned)
    painter: Painter
    if role.kind == "layer":
        vocabulary = Vocabulary.load(wanted.model.folder)
        info, painter = replace(info, vocabulary=vocabulary), Layer(denoiser, vocabulary)
    else:
        info, painter = replace(info, work=work_size(denoiser)), Repaint(denoiser)
    engine = DiffusersEngine(denoiser, painter, info, settings)
    pays = placement.device.type != "cpu" or settings.compile
    if settings.warm_up == "yes" or (settings.warm_up == "auto" and pays):
        on_loading(f"Warming {wanted.model.id} up.", 0, 0)
        engine.warm_up()
    return engine


def fits_beside(settings: ModelSettings) -> bool:
    """Whether a model, whose files are here, fits on its device whole, beside what is there already. Raises ModelError:
    it cannot be used."""
    from services.generator.models import device, fitting

    prepare_libraries()
    wanted = sources.find(settings)
    placement = device.choose(settings.device, settings.dtype)
    there = fitting.free_bytes(placement.device)
    parameters = memory.parameters_of(wanted.model, wanted.chosen)
    weighs = memory.weighs(parameters, memory.LARGE_PX, placement.dtype_name, settings.quantize)
    return there is None or weighs.needed("none") <= there
