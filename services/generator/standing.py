"""How things stand in the generator, as its heartbeat tells."""

from __future__ import annotations

from services.generator.backlog import Backlog
from services.generator.inference import Inference
from services.generator.jobs import JobQueue
from services.generator.stream import FrameStream
from shared.bus.messages import Backlogged, Status, Waiting


def standing(
    inference: Inference,
    queue: JobQueue,
    backlog: Backlog,
    stream: FrameStream,
    *,
    is_stopping: bool,
    limit_bytes: int,
) -> Status:
    """The heartbeat of this moment; ``limit_bytes`` is what the backlog may hold."""
    info, failure, running = inference.info, inference.failure, queue.running
    return Status(
        epoch=stream.epoch,
        state="stopping" if is_stopping else "failed" if failure else "ready" if info else "loading",
        detail=failure,
        last_seq=stream.last_seq,
        sessions=tuple(
            Backlogged(session_id=name, last_record_seq=stream.next_record_seq[name] - 1, frames=count)
            for name, count in backlog.counts().items()
        ),
        making=backlog.making(),
        queue=queue.waiting("live"),
        background=queue.waiting("background"),
        waiting=tuple(Waiting(request_id=one.request_id, client_id=one.client_id) for one in queue.line()),
        running=running.request.request_id if running else None,
        backlog_bytes=backlog.held_bytes,
        backlog_limit_bytes=limit_bytes,
        model=info.model if info else None,
        device=info.device if info else None,
        dtype=info.dtype if info else None,
    )
