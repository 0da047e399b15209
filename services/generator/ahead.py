"""What a model is given of a picture, made before its turn comes and on another thread: so the inference thread, and
with it the device, waits for no processor."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from services.generator.engine import Inputs, ModelInfo
from services.generator.jobs import Job, JobQueue
from services.generator.painting.inputs import make_inputs
from shared import sectors
from shared.system.worker import Worker

log = logging.getLogger(__name__)


class InputsAhead:
    """Makes the inputs of the job that is next, whatever its lane, as soon as it is: while another runs, or its picture
    has just been decoded. Only of that one, as of each of many that wait they would take megabytes. Everything here but
    the making itself belongs to the event loop's thread.

    Args:
        model: what the model is that a job is for, once it is loaded.
    """

    def __init__(self, queue: JobQueue, model: Callable[[Job], ModelInfo | None]) -> None:
        self._queue = queue
        self._model = model
        self._thread = Worker("inputs")
        queue.on_ready = self.look

    def look(self) -> None:
        """Begin to make the inputs of the next job, if there is one, and they are not begun."""
        if (job := self._queue.next()) is not None:
            self._begin(job)

    async def of(self, job: Job) -> Inputs | None:
        """A job's inputs, made now if they were not ahead; None: its model is given none, or they cannot be made, which
        its engine will find as well, and say."""
        self._begin(job)
        if job.inputs is None:
            return None
        try:
            return await asyncio.wrap_future(job.inputs[1])
        except Exception as error:
            log.warning("the inputs of request %s could not be made ahead: %s", job.request.request_id, error)
            return None
        finally:
            job.inputs = None

    def close(self) -> None:
        """End the thread after the call it is in."""
        self._thread.close()

    def _begin(self, job: Job) -> None:
        model, picture, request = self._model(job), job.picture, job.request
        work = model.work if model is not None else None
        if work is None or picture is None or (job.inputs is not None and job.inputs[0] is picture):
            return
        if job.inputs is not None:
            job.inputs[1].cancel()  # its picture is another meanwhile
        region = sectors.region(request.target_sector, request.grid_size, *picture.size)
        job.inputs = picture, self._thread.submit(lambda: make_inputs(picture.decoded.pixels, region, work))
