"""An engine by itself, as the generator loads and runs it, without a server around it: model time, memory, loading.

``python -m benchmarks.gpu.alone REQUESTS STEPS`` in the environment of a generator; STEPS of 0 leaves them to the
model. What was measured goes out as JSON.
"""

from __future__ import annotations

import json
import resource
import sys
import time
from typing import Any

from benchmarks.gpu.asked import GRID, SECTOR, Asked, asked
from benchmarks.gpu.figures import spread_of
from benchmarks.gpu.folders import GB
from shared.process.settings import load_settings
from shared.sectors import region

_KIB = 1024


def main() -> None:
    """Measure, and say what came of it."""
    requests, steps = int(sys.argv[1]), int(sys.argv[2]) or None
    settings = load_settings()
    changes = asked(requests)
    started = time.perf_counter()
    from services.generator.models.libraries import prepare_libraries

    prepare_libraries()
    import torch

    figures = {"imports": time.perf_counter() - started}
    from services.generator.load import load_engine

    started = time.perf_counter()
    engine = load_engine(settings)
    place = torch.device(engine.info.device)
    _wait_for(place)
    figures["load_engine"] = time.perf_counter() - started
    figures["loaded_memory"] = _memory(place) / GB
    took_ms, done = [], set()
    for change in changes:
        used, ms = _timed(engine, change, steps, place)
        took_ms.append(ms)
        done.add(used)
    figures |= {"model_first": took_ms[0], **spread_of("model", took_ms), **_peaks(place)}
    info = engine.info
    told = {
        "steps": done.pop() if len(done) == 1 else sorted(done),
        "size_px": info.work.size if info.work else None,
        "device": info.device,
        "dtype": info.dtype,
        "pipeline": info.model.pipeline,
        "environment": info.environment,
        "advice": info.advice,
    }
    engine.close()
    print(json.dumps({"figures": figures, "told": told}))


def _timed(engine: Any, change: Asked, steps: int | None, place: Any) -> tuple[int, float]:
    """Steps and milliseconds of one run. What the server does on other threads is done before."""
    from services.generator.decode import decode
    from services.generator.engine import Edit
    from services.generator.painting.inputs import make_inputs

    pixels = decode(change.photograph).pixels
    target = region(SECTOR, GRID, pixels.shape[1], pixels.shape[0])
    inputs = make_inputs(pixels, target, engine.info.work) if engine.info.work else None
    edit = Edit(pixels, target, change.prompt, change.seed, steps=steps, inputs=inputs)
    _wait_for(place)
    started = time.perf_counter()
    edited = engine.run(edit, lambda done, of: None, lambda: False)
    _wait_for(place)
    return edited.steps, (time.perf_counter() - started) * 1000


def _wait_for(place: Any) -> None:
    """Until the card has done all that it was given."""
    import torch

    if place.type == "cuda":
        torch.cuda.synchronize(place)
    elif place.type == "mps":
        torch.mps.synchronize()


def _memory(place: Any) -> float:
    """Bytes in tensors on the card now; on the processor, bytes of this process at most so far."""
    import torch

    if place.type == "cuda":
        return float(torch.cuda.memory_allocated(place))
    if place.type == "mps":
        return float(torch.mps.current_allocated_memory())
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return float(most if sys.platform == "darwin" else most * _KIB)


def _peaks(place: Any) -> dict[str, float]:
    import torch

    if place.type != "cuda":
        return {"peak_memory": _memory(place) / GB}
    return {
        "peak_memory": torch.cuda.max_memory_allocated(place) / GB,
        "peak_reserved": torch.cuda.max_memory_reserved(place) / GB,
    }


if __name__ == "__main__":
    main()
