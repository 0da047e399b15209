"""From the settings to an engine: find the model, choose its device, load it. The service calls only this."""

from __future__ import annotations

import inspect
import logging
import time
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from services.generator.engine import Engine, ModelInfo, ModelKind
from services.generator.language.vocabulary import Vocabulary
from services.generator.models import files, tiny
from services.generator.models.files import ModelError, ModelFolder, find, kind_of
from services.generator.models.libraries import prepare_libraries
from services.generator.painting.renderer import RENDERER
from shared.frame import Model
from shared.process.settings import Settings
from shared.system.cache import cache_root
from shared.system.places import MODELS
from shared.version import VERSION

if TYPE_CHECKING:
    from services.generator.models.device import Placement

log = logging.getLogger(__name__)

EMBEDDED = "embedded"
_LIBRARIES = ("torch", "diffusers", "transformers", "numpy", "pillow", "scipy")


def load_engine(settings: Settings, models_dir: Path = MODELS) -> Engine:
    """Load the model that the settings name; without one the embedded model, and never another in its place.

    Imports torch: call it on the inference thread. Takes seconds, or minutes for a large model.

    Raises:
        ModelError: the model or the device cannot be used; the message says what would do.
    """
    started = time.perf_counter()
    prepare_libraries()
    model = find_named(settings.model, models_dir)
    kind: ModelKind = kind_of(model) if settings.model_kind == "auto" else settings.model_kind
    engine = _load(model, kind, settings.device, settings.dtype)
    info, took_s = engine.info, time.perf_counter() - started
    log.info(
        "%s (%s, %s) on %s in %s, loaded in %.1f s",
        *(model.id, info.model.pipeline, kind, info.device, info.dtype, took_s),
    )
    return engine


def find_named(name: str, models_dir: Path = MODELS) -> ModelFolder:
    """The model of a setting: a folder or hub id, ``tiny`` or ``tiny-<kind>``, or where it is empty the embedded one.
    Raises ModelError: it is not there; the message has the path."""
    if not name:
        return _embedded(models_dir / EMBEDDED)
    kind = tiny.NAMES.get(name)
    if kind is None or Path(name).expanduser().is_dir():
        return find(name)
    log.warning("%s is a model of random weights, for tests: its pictures mean nothing", name)
    found = find(str(tiny.ensure_tiny(cache_root() / "tiny", kind)))
    return ModelFolder(f"parafovea/tiny-{kind}-{tiny.VERSION}", found.folder, found.index)


def _embedded(folder: Path) -> ModelFolder:
    if not (folder / files.INDEX).is_file():
        raise ModelError(
            f"The embedded model is not there: {folder} has no {files.INDEX}. Run from a whole checkout, or set "
            "PARAFOVEA_MODEL to a model's folder or hub id."
        )
    found = find(str(folder))
    return ModelFolder(f"parafovea/{EMBEDDED}", found.folder, found.index)


def _load(model: ModelFolder, kind: ModelKind, device_name: str, dtype: str) -> Engine:
    from services.generator.models import device
    from services.generator.models.denoising import Denoiser, DiffusersEngine, Painter
    from services.generator.models.painters import Layer, Repaint

    device.make_repeatable()
    placement = device.choose(device_name, dtype, measure_cpu=model.id == f"parafovea/{EMBEDDED}")
    pipeline = _load_pipeline(model, kind, placement)
    denoiser = Denoiser(pipeline, placement, files.read_defaults(model.folder))
    vocabulary = Vocabulary.load(model.folder) if kind == "layer" else None
    info = ModelInfo(
        model=Model(
            id=model.id,
            revision=files.revision_of(model),
            kind=kind,
            pipeline=type(pipeline).__name__,
            scheduler=type(getattr(pipeline, "scheduler", None)).__name__,
        ),
        device=str(placement.device),
        dtype=placement.dtype_name,
        versions={"parafovea": VERSION, **{name: version(name) for name in _LIBRARIES}},
        environment={"renderer": RENDERER, **device.environment(placement.device), "attention": _attention(pipeline)},
        vocabulary=vocabulary,
    )
    painter: Painter = Layer(denoiser, vocabulary) if kind == "layer" else Repaint(denoiser)
    return DiffusersEngine(denoiser, painter, info)


def _load_pipeline(model: ModelFolder, kind: ModelKind, placement: Placement) -> Any:
    """The pipeline in memory, on its device. A safety checker is not loaded: it answers a false alarm with a black
    picture, which would go into the sector of an experiment unnoticed."""
    import diffusers

    saved = getattr(diffusers, model.pipeline, None)
    loader = diffusers.AutoPipelineForInpainting if kind == "inpaint" else diffusers.DiffusionPipeline
    options: dict[str, Any] = {"dtype": placement.dtype}
    if saved is not None and "requires_safety_checker" in inspect.signature(saved.__init__).parameters:
        options |= {"safety_checker": None, "requires_safety_checker": False}
    try:
        pipeline = loader.from_pretrained(str(model.folder), local_files_only=True, **options).to(placement.device)
    except Exception as error:
        raise ModelError(
            f"{model.id!r} cannot be loaded as a model that does {kind}: {files.first_line(error)}"
        ) from error
    pipeline.set_progress_bar_config(disable=True)
    return pipeline


def _attention(pipeline: Any) -> str:
    network = getattr(pipeline, "unet", None) or getattr(pipeline, "transformer", None)
    processors = getattr(network, "attn_processors", {})
    return ", ".join(sorted({type(processor).__name__ for processor in processors.values()})) or "unknown"
