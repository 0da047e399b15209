"""An :class:`services.generator.engine.Engine` over a loaded pipeline: no failure outlives its job."""

from __future__ import annotations

import logging
from collections.abc import Callable

import numpy as np

from services.generator.engine import Edit, EditCancelled, Edited, ModelInfo
from services.generator.models import device
from services.generator.models.denoising import Denoiser, Monitor
from services.generator.models.files import first_line
from services.generator.models.values import Used
from services.generator.painting.cutout import NothingDrawn
from shared.errors import GenerationFailed, ParafoveaError
from shared.process.model_settings import ModelSettings
from shared.sectors import Region

log = logging.getLogger(__name__)

Painter = Callable[[Edit, Used, Monitor], Edited]
"""How one kind of model makes its change: see :mod:`painters`."""
_WARM_UP_STEPS = 2


class DiffusersEngine:
    """A pipeline, and how it makes its change. ``settings``: what could help when memory runs out."""

    def __init__(self, denoiser: Denoiser, painter: Painter, info: ModelInfo, settings: ModelSettings) -> None:
        self.denoiser = denoiser
        self._painter = painter
        self._settings = settings
        self.info = info

    def run(self, edit: Edit, on_step: Callable[[int, int], None], cancelled: Callable[[], bool]) -> Edited:
        try:
            return self._painter(edit, self.denoiser.values(edit), Monitor(on_step, cancelled))
        except (EditCancelled, ParafoveaError):
            raise
        except Exception as error:
            log.exception("an edit failed")
            detail = self._sentence(error)
        # Here the exception is gone, and with its frames the tensors that they held: memory can be given back.
        self.denoiser.recover()
        raise GenerationFailed(detail)

    def warm_up(self) -> None:
        """Run the model once on grey, in the size that most sectors have: kernels are chosen, and compiled, and memory
        is taken, before anybody waits for it. Raises GenerationFailed: it cannot run."""
        side = self.denoiser.size
        grey = np.full((side, side, 3), 128, np.uint8)
        third = side // 3
        region = Region(third, third, side - third, side - third)
        edit = Edit(grey, region, "", 0, steps=_WARM_UP_STEPS, strength=1.0)
        try:
            self._painter(edit, self.denoiser.values(edit), Monitor(lambda done, of: None, lambda: False))
        except GenerationFailed as error:
            if not isinstance(error.__context__, NothingDrawn):  # in two steps, of grey, that says nothing
                raise

    def close(self) -> None:
        self.denoiser.close()

    def _sentence(self, error: Exception) -> str:
        if device.is_out_of_memory(error):
            return f"The device ran out of memory; {self._what_helps()}."
        return f"The model failed on this request ({first_line(error)}); the log has the details."

    def _what_helps(self) -> str:
        """What would take less, the least loss first; not what is done already."""
        used = self._settings
        on_card = not self.info.device.startswith("cpu")
        helps = ["free some"]
        offload = self.info.environment.get("offload", "none")
        if on_card and offload == "none":
            helps.append("set PARAFOVEA_OFFLOAD=model")
        if on_card and offload == "model":
            helps.append("set PARAFOVEA_OFFLOAD=group")
        if self.info.dtype == "float32" and on_card:
            helps.append("set PARAFOVEA_DTYPE=bfloat16")
        if used.quantize == "none" and not used.network.endswith(".gguf"):
            helps.append("set PARAFOVEA_QUANTIZE=nf4" if on_card else "set PARAFOVEA_QUANTIZE=fp8")
        helps.append("choose a smaller model")
        return ", ".join(helps[:-1]) + f", or {helps[-1]}"
