"""What is counted of the bus, in Prometheus' terms. No sockets: a message in, numbers out."""

from __future__ import annotations

from functools import partial

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from shared.bus.envelope import Published
from shared.bus.messages import FrameRecorded, Heartbeat, Progress, ReplayFrame, SessionStarted, SessionStopped
from shared.frame import Frame

GENERATION_BUCKETS_S = (0.1, 0.25, 0.5, 1, 2, 4, 8, 15, 30, 60, 120)
UNKNOWN_TYPES = 50
STATES = ("loading", "ready", "failed", "stopping")


class Gaps:
    """Notices from the numbers what a subscriber missed: a lost message leaves no other trace.

    What passed before the first message that was heard of an epoch was not missed: this subscriber came later.
    """

    def __init__(self) -> None:
        self._epoch: str | None = None
        self._last = -1

    def frame(self, epoch: str, seq: int) -> int:
        """Frames missed just before this one."""
        return self._reach(epoch, seq, seq - 1)

    def status(self, epoch: str, last_seq: int) -> int:
        """Frames missed at the tail: the status says what was published last."""
        return self._reach(epoch, last_seq, last_seq)

    def _reach(self, epoch: str, now: int, expected: int) -> int:
        if epoch != self._epoch:
            self._epoch, self._last = epoch, now
            return 0
        missed = max(0, expected - self._last)
        self._last = max(self._last, now)
        return missed


class Collector:
    """Counts messages into a registry."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._gaps = Gaps()
        self._unknown: set[str] = set()
        counter, gauge = partial(Counter, registry=registry), partial(Gauge, registry=registry)
        histogram = partial(Histogram, buckets=GENERATION_BUCKETS_S, registry=registry)
        self._recorded_bytes = counter("parafovea_recorded_bytes", "Bytes of frames that are on disk")
        self._recorded = counter("parafovea_recorded_frames", "Frames that are on disk")
        self._frames = counter("parafovea_frames", "Frames published", ["sector", "recorded"])
        self._frame_bytes = counter("parafovea_frame_bytes", "Bytes of the frames published")
        self._steps = counter("parafovea_steps", "Denoising steps done")
        self._missed = counter("parafovea_missed_frames", "Frames that this subscriber did not get, by gaps in seq")
        self._generation = histogram("parafovea_generation_seconds", "Time of one generation")
        self._queued = histogram("parafovea_queued_seconds", "Time a job waited")
        self._queue = gauge("parafovea_queue_jobs", "Jobs waiting")
        self._backlog = gauge("parafovea_backlog_bytes", "Bytes held for the recorder")
        self._backlog_limit = gauge("parafovea_backlog_limit_bytes", "Most bytes that may be held for the recorder")
        self._state = gauge("parafovea_generator_state", "1 for the generator's state", ["state"])
        self._last_status = gauge(
            "parafovea_generator_last_status_timestamp_seconds",
            "When the generator was last heard of; one that died is seen by its age",
        )
        self._replayed = counter("parafovea_replayed_frames", "Recorded frames shown again")
        self._active = gauge("parafovea_session_active", "1 while a session is being recorded")
        self._messages = counter("parafovea_messages", "Messages on the bus", ["type"])

    def take(self, published: Published) -> None:
        """Count one message. A type that this version does not know is counted by its name alone, as long as there are
        few of them: each name is kept for good."""
        is_known = published.message is not None or published.type in self._unknown
        if not is_known and len(self._unknown) < UNKNOWN_TYPES:
            self._unknown.add(published.type)
            is_known = True
        self._messages.labels(published.type if is_known else "other").inc()
        match published.message:
            case Frame() as frame:
                self._missed.inc(self._gaps.frame(frame.epoch, frame.seq))
                self._frames.labels(frame.target_sector, "yes" if frame.session_id else "no").inc()
                self._frame_bytes.inc(len(published.payload))
                self._generation.observe(frame.generation_ms / 1000)
                self._queued.observe(frame.queued_ms / 1000)
            case Progress():
                self._steps.inc()
            case Heartbeat() as status:
                self._take_status(status, published.sent_at)
            case FrameRecorded() as recorded:
                self._recorded.inc()
                self._recorded_bytes.inc(recorded.bytes)
            case SessionStarted():
                self._active.set(1)
            case SessionStopped():
                self._active.set(0)
            case ReplayFrame():
                self._replayed.inc()

    def _take_status(self, status: Heartbeat, sent_at: float) -> None:
        self._missed.inc(self._gaps.status(status.epoch, status.last_seq))
        self._queue.set(status.queue)
        self._backlog.set(status.backlog_bytes)
        self._backlog_limit.set(status.backlog_limit_bytes)
        self._last_status.set(sent_at)
        for state in STATES:
            self._state.labels(state).set(state == status.state)
