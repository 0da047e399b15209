"""What may change a picture without anybody asking for it: model, device, precision, versions, threads."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from services.generator.engine import ModelInfo
from shared.frame import is_same_model

Difference = tuple[Any, Any]
"""As recorded, and as it is today; None where it is not said."""

_MODEL = ("revision", "files_sha256", "kind", "pipeline", "scheduler")
"""A model's id is no part of it: the same files in another folder are the same model."""
_FIELDS = ("model", "device", "dtype", "versions", "environment")

_REVISION, _FILES = "model.revision", "model.files_sha256"
_RENDERER = "environment.renderer"
_SIZE = "environment.work_px"
_OWN_VERSION = "versions.parafovea"


def flatten(fields: Mapping[str, Any]) -> dict[str, Any]:
    """The environment in a frame's fields (an entry, a ``frame`` message), as ``versions.torch``, ``device``, ..."""
    model = fields.get("model")
    found: dict[str, Any] = {}
    if isinstance(model, Mapping):
        found |= {f"model.{key}": model.get(key) for key in _MODEL}
    found |= {key: fields.get(key) for key in ("device", "dtype")}
    for group in ("versions", "environment"):
        values = fields.get(group)
        if isinstance(values, Mapping):
            found |= {f"{group}.{key}": value for key, value in values.items()}
    return found


def described(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Those fields of a frame that say with what it was made."""
    return {key: fields[key] for key in _FIELDS if key in fields}


def of_engine(info: ModelInfo) -> dict[str, Any]:
    """The same fields of an engine in this process."""
    return {**{key: getattr(info, key) for key in _FIELDS}, "model": info.model.model_dump()}


def differences(recorded: Mapping[str, Any], today: Mapping[str, Any]) -> dict[str, Difference]:
    """What differs between the fields of two frames. Of a model's two hashes, the one that decides: beside it the other
    says that a folder holds something else besides, or that a frame is older than the hash."""
    then, now = flatten(recorded), flatten(today)
    passed_over = _REVISION if then.get(_FILES) and now.get(_FILES) else _FILES
    then.pop(passed_over, None)
    now.pop(passed_over, None)
    if _SIZE not in then:  # of a version that did not say it
        now.pop(_SIZE, None)
    keys = [*then, *(key for key in now if key not in then)]
    return {key: (then.get(key), now.get(key)) for key in keys if then.get(key) != now.get(key)}


def other_model(recorded: Mapping[str, Any], today: Mapping[str, Any]) -> str | None:
    """Why today's model is not the one that made a frame; None where it is, or where the frame does not say.

    By the files that were loaded, where both say; else by the revision, which anything in the folder changes."""
    then, now = recorded.get("model"), today.get("model")
    if not isinstance(then, Mapping) or not isinstance(now, Mapping) or then.get("revision") is None:
        return None
    if is_same_model(then, now):
        return None
    return f"it was made by another model: {_name(then)}, and here is {_name(now)}"


def other_renderer(differing: Mapping[str, Difference]) -> str | None:
    """Why pixels of the same model may be others: the frame was painted by another state of our own code."""
    if _RENDERER not in differing:
        return None
    then, now = differing[_RENDERER]
    made = "before renderers had numbers" if then is None else f"by renderer {then}"
    here = "a renderer without a number" if now is None else f"renderer {now}"
    return f"it was painted {made}, and here is {here}"


def excuses(differing: Mapping[str, Difference]) -> bool:
    """Whether close pixels are as good as could be expected: something differs that bears on them.

    Our own version does not: where a version paints in another way, its renderer has another number.
    """
    return any(key != _OWN_VERSION for key in differing)


def _name(model: Mapping[str, Any]) -> str:
    return f"{model.get('id')} ({str(model.get('revision'))[:12]}, {model.get('kind')})"
