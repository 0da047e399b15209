"""The engine that runs diffusers models: one seam for every kind, and no failure that outlives its job."""

from __future__ import annotations

import logging
from collections.abc import Callable

from services.generator.engine import Edit, EditCancelled, Edited, ModelInfo
from services.generator.models import device
from services.generator.models.denoising import Denoiser, Monitor, Used
from services.generator.models.files import first_line
from shared.errors import GenerationFailed, ParafoveaError

log = logging.getLogger(__name__)


Painter = Callable[[Edit, Used, Monitor], Edited]
"""How one kind of model makes its change: see :mod:`repaint` and :mod:`layer`."""


class DiffusersEngine:
    """An :class:`services.generator.engine.Engine` over a loaded pipeline."""

    def __init__(self, denoiser: Denoiser, painter: Painter, info: ModelInfo) -> None:
        self.denoiser = denoiser
        self._painter = painter
        self.info = info

    def run(self, edit: Edit, on_step: Callable[[int, int], None], cancelled: Callable[[], bool]) -> Edited:
        try:
            return self._painter(edit, self.denoiser.values(edit), Monitor(on_step, cancelled))
        except (EditCancelled, ParafoveaError):
            raise
        except Exception as error:
            log.exception("an edit failed")
            detail = _sentence(error)
        # Here the exception is gone, and with its frames the tensors that they held: memory can be given back.
        self.denoiser.recover()
        raise GenerationFailed(detail)

    def close(self) -> None:
        self.denoiser.close()


def _sentence(error: Exception) -> str:
    if device.is_out_of_memory(error):
        return "The device ran out of memory; free some, or choose a smaller model or PARAFOVEA_DTYPE=float16."
    return f"The model failed on this request ({first_line(error)}); the log has the details."
