"""A model that is here, made into an engine: its weights read, placed so that they fit, tuned, and run once."""

from __future__ import annotations

import logging
import traceback
from dataclasses import dataclass, replace

from services.generator.engine import OnLoading
from services.generator.language.vocabulary import Vocabulary
from services.generator.models import device, fitting, memory, tuning
from services.generator.models.denoising import Denoiser
from services.generator.models.describing import describe
from services.generator.models.device import Placement
from services.generator.models.files import ModelError, first_line
from services.generator.models.fitting import Fit
from services.generator.models.kinds import Role
from services.generator.models.loading import load_pipeline
from services.generator.models.memory import Weighs
from services.generator.models.painters import Layer, Repaint, work_size
from services.generator.models.presets import Preset, recommend
from services.generator.models.running import DiffusersEngine, Painter
from services.generator.models.sources import Wanted
from services.generator.models.weights import network_part
from shared.process.model_settings import ModelSettings

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Assembly:
    """What is known of a model before its weights are read."""

    wanted: Wanted
    role: Role
    settings: ModelSettings
    placement: Placement
    preset: Preset

    def read(self) -> Denoiser:
        """Its pipeline, in the machine's memory."""
        pipeline = load_pipeline(self.wanted, self.role, self.placement, self.settings, self.preset)
        return Denoiser(pipeline, self.placement, self.preset, self.role.family)

    def weighs(self, denoiser: Denoiser) -> Weighs:
        """The memory that it takes."""
        return weighs(self.wanted, self.settings, self.placement, denoiser.size)

    def engine(self, denoiser: Denoiser, fit: Fit, on_loading: OnLoading) -> DiffusersEngine:
        """The engine, on its device and warm."""
        pipeline = denoiser.pipeline
        tuned = tuning.tune_before_placing(pipeline, self.settings)
        fitting.place(pipeline, fit, self.placement, self.settings)
        tuned |= tuning.tune(pipeline, self.settings)
        info = describe(self.wanted, self.role.kind, self.settings, self.placement, denoiser, self.preset, fit, tuned)
        painter: Painter
        if self.role.kind == "layer":
            vocabulary = Vocabulary.load(self.wanted.model.folder)
            info, painter = replace(info, vocabulary=vocabulary), Layer(denoiser, vocabulary)
        else:
            info, painter = replace(info, work=work_size(denoiser)), Repaint(denoiser)
        engine = DiffusersEngine(denoiser, painter, info, self.settings)
        pays = self.placement.device.type != "cpu" or self.settings.compile
        if self.settings.warm_up == "yes" or (self.settings.warm_up == "auto" and pays):
            on_loading(f"Warming {self.wanted.model.id} up.", 0, 0)
            engine.warm_up()
        return engine


def assemble(wanted: Wanted, role: Role, settings: ModelSettings, on_loading: OnLoading) -> DiffusersEngine:
    """Load a model. Where it turns out not to fit though its size said so, more of it is kept off the card, unless the
    settings say what is to be. Raises ModelError: it cannot be loaded, or does not fit."""
    device.make_repeatable()
    placement = device.choose(settings.device, settings.dtype, measure_cpu=wanted.is_embedded)
    preset = recommend(wanted.model, role.family, settings.presets).preset
    assembly = Assembly(wanted, role, settings, placement, preset)
    there = fitting.free_bytes(placement.device)  # before weights are read: some are put on the card at once
    fit: Fit | None = None
    while True:
        denoiser: Denoiser | None = None
        try:
            denoiser = assembly.read()
            fit = fit or fitting.decide(assembly.weighs(denoiser), there, settings, placement)
            if fit.said:
                log.warning("%s", fit.said)
            return assembly.engine(denoiser, fit, on_loading)
        except Exception as error:
            if not device.is_out_of_memory(error):
                _let_go(error, denoiser)
                raise
            why = first_line(error)
        # Here the exception is gone, and with its frames what they held on the card.
        if denoiser is not None:
            denoiser.close()
        device.release_memory(placement.device)
        # Where not even reading succeeds, it would not with more kept off the card.
        fit = fitting.after(fit, settings, placement) if fit is not None and denoiser is not None else None
        if fit is None:
            raise ModelError(f"{wanted.model.id} does not fit on {placement.device} ({why}). {fitting.ADVICE}.")


def _let_go(error: BaseException, denoiser: Denoiser | None) -> None:
    """Nothing of a model that could not be loaded stays on the card for as long as somebody keeps the error."""
    one: BaseException | None = error
    while one is not None:
        traceback.clear_frames(one.__traceback__)
        one = one.__cause__ or one.__context__
    if denoiser is not None:
        denoiser.close()


def fits_beside(wanted: Wanted, settings: ModelSettings) -> bool:
    """Whether a model fits on its device whole, beside what is there already. Raises ModelError: the device is not
    there, or a file is damaged."""
    placement = device.choose(settings.device, settings.dtype)
    there = fitting.free_bytes(placement.device)
    needed = weighs(wanted, settings, placement, memory.LARGE_PX).needed("none")
    return there is None or needed <= there


def weighs(wanted: Wanted, settings: ModelSettings, placement: Placement, size: int) -> Weighs:
    """The memory that a model takes with some settings, at work on squares of ``size`` pixels. Raises ModelError: a
    file is not there, or damaged."""
    dtype = placement.dtype_name
    counts = memory.parameters_of(wanted.model, wanted.chosen)
    counts = memory.with_network(counts, wanted.model, settings, dtype)
    return memory.weighs(counts, size, dtype, settings.quantize, network_part(wanted.model))
