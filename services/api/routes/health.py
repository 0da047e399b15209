"""``/health`` and ``/ready``, from what is known already, so that they answer at once."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any, Literal

from services.api.http.operation import get, json
from services.api.service import Api
from shared.bus.messages import Loading
from shared.process.settings import GB
from shared.version import VERSION

STARTING_S = 30.0
"""Processes start together: for so long after our own start, a missing one does not count as a fault."""


@dataclass
class Health:
    """What other programs may rely on; the rest is for people."""

    status: Literal["ok", "starting", "degraded"]
    version: str
    reasons: list[str]
    processes: dict[str, dict[str, Any]]


@dataclass
class Ready:
    status: Literal["ready"]


@get("/health", json(Health, "Each process's state."))
async def health(api: Api) -> dict[str, Any]:
    """How everything is; always 200."""
    return report(api)


@get(
    "/ready",
    "It would.",
    "queue_full generator_loading generator_unavailable recorder_unavailable",
    "recording_backlog_full insufficient_storage",
)
async def ready(api: Api) -> Ready:
    """Whether a ``/generate`` would be accepted."""
    api.check_ready()
    return Ready("ready")


def report(api: Api) -> dict[str, Any]:
    """The answer of ``/health``."""
    reasons: list[str] = []
    uptime_s = time.monotonic() - api.started_at
    generator, is_loading = _generator(api, reasons)
    recorder = _recorder(api, reasons)
    replayer = {"state": "ok" if api.replayer.problem is None else "unreachable", "detail": api.replayer.problem}
    if api.replayer.problem is not None:
        reasons.append(f"replayer: {api.replayer.problem}")
    gaze = _gaze(api, reasons)
    all_seen = (
        *(api.generator.status is not None, api.recorder.has_answered),
        *(api.replayer.has_answered, api.gaze.status is not None),
    )
    is_starting = is_loading or (uptime_s < STARTING_S and not all(all_seen))
    disk = _disk(api, reasons)
    lost = api.recorder.lost()
    if lost:
        reasons.append(f"{sum(map(len, lost.values()))} frames are lost; see 'lost'")
    if api.prompts.problem:
        reasons.append(f"sector prompts: {api.prompts.problem}")
    active = api.recorder.active
    # A fault outranks what is only not there yet.
    is_wrong = recorder["state"] == "trouble" or bool(lost) or disk["state"] == "full"
    return {
        "status": "starting" if is_starting and not is_wrong else "degraded" if reasons else "ok",
        "version": VERSION,
        "reasons": reasons,
        "processes": {
            "api": {
                "state": "ok",
                "detail": None,
                "uptime_s": round(uptime_s, 1),
                "viewers": api.live.viewers,
                "displays": api.displays.count,
            },
            "generator": generator,
            "recorder": recorder,
            "replayer": replayer,
            "gaze": gaze,
        },
        "session": {**active.model_dump(), **api.recorder.state_of(active.session_id).model_dump()} if active else None,
        "queue": {"waiting": generator.get("queue"), "limit": api.settings.queue_limit},
        "backlog": {"bytes": generator.get("backlog_bytes"), "limit_bytes": generator.get("backlog_limit_bytes")},
        "model": generator.get("model"),
        "loading": generator.get("loading"),
        "device": generator.get("device"),
        "gaze": _source(api),
        "disk": disk,
        "lost": lost,
        "prompts": {"file": str(api.prompts.path), "error": api.prompts.problem},
    }


def _generator(api: Api, reasons: list[str]) -> tuple[dict[str, Any], bool]:
    status = api.generator.status
    if status is None or not api.generator.is_there:
        detail = api.generator.problem or "it is not running, or does not answer"
        reasons.append(f"generator: {detail}")
        return {"state": "unreachable", "detail": detail}, False
    if status.state != "ready":
        said = status.detail or (_on_its_way(status.loading) if status.loading else None)
        reasons.append(f"generator: {status.state}" + (f": {said}" if said else ""))
    if status.backlog_bytes >= status.backlog_limit_bytes:
        reasons.append("generator: its backlog for the recorder is full")
    if status.journal:
        reasons.append(f"generator: {status.journal}")
    return status.model_dump(exclude={"v", "id", "time", "monotonic_ns"}), status.state == "loading"


def _on_its_way(loading: Loading) -> str:
    """A model that is not there yet, in words."""
    if not loading.bytes:
        return loading.detail
    return f"{loading.detail} {loading.done_bytes / GB:.2f} of {loading.bytes / GB:.2f} GB"


def _recorder(api: Api, reasons: list[str]) -> dict[str, Any]:
    recorder = api.recorder
    status = recorder.status
    pending = dict(api.delivery.counts())
    if status is None or not recorder.reachable:
        reasons.append(f"recorder: {recorder.problem}")
        return {"state": "unreachable", "detail": recorder.problem, "pending": pending}
    problems = [problem for problem in (recorder.problem, status.error) if problem]
    problems += [f"{s.session_id}: {s.error}" for s in status.sessions if s.error]
    reasons += [f"recorder: {problem}" for problem in problems]
    return {
        "state": "trouble" if problems else "ok",
        "detail": "; ".join(problems) or None,
        "epoch": status.epoch,
        "sessions": [session.model_dump() for session in status.sessions],
        "pending": pending,
        "set_aside": status.set_aside,
        "unanswered": status.unanswered,
    }


def _gaze(api: Api, reasons: list[str]) -> dict[str, Any]:
    status = api.gaze.status_now
    if status is None:
        detail = api.gaze.problem or "it is not running, or does not answer"
        reasons.append(f"gaze: {detail}")
        return {"state": "unreachable", "detail": detail}
    problems = []
    if status.state == "failed":
        problems.append(f"its source {status.source!r} failed" + (f": {status.detail}" if status.detail else ""))
    if 0 < status.held_limit_bytes <= status.held_bytes:
        problems.append("what it holds of trials for the recorder has reached its limit")
    reasons += [f"gaze: {problem}" for problem in problems]
    return {
        "state": "trouble" if problems else "ok",
        "detail": "; ".join(problems) or None,
        **status.model_dump(include={"view", "displays", "held"}),
    }


def _source(api: Api) -> dict[str, Any] | None:
    """Where the gaze comes from, and the trial that goes by it; None where the gaze process is not there."""
    status = api.gaze.status_now
    if status is None:
        return None
    told = {"source", "state", "detail", "rate_hz", "loss", "age_s", "samples", "refused", "trial_id"}
    return status.model_dump(include=told | {"held_bytes", "held_limit_bytes"})


def _disk(api: Api, reasons: list[str]) -> dict[str, Any]:
    free, settings = api.recorder.free_bytes, api.settings
    state = "unknown"
    if free is not None:
        low, full = free < settings.disk_warn_bytes, free < settings.disk_stop_bytes
        state = "full" if full else "low" if low else "ok"
        if low:
            consequence = "nothing can be recorded" if full else "recording stops soon"
            reasons.append(f"disk: {free / 1e9:.2f} GB are free for sessions; {consequence}")
    return {
        "state": state,
        "free_bytes": free,
        "warn_bytes": settings.disk_warn_bytes,
        "stop_bytes": settings.disk_stop_bytes,
    }
