"""What is installed only where it is wanted: the model's libraries, and those that compare pictures.

The bus, the API, recorder, replayer, metrics and most commands do without. Whatever needs more asks here first, and
says what is missing instead of ending with a traceback.
"""

from __future__ import annotations

from collections.abc import Iterable
from importlib.util import find_spec

EXTRAS: dict[str, tuple[str, ...]] = {
    "generator": (
        *("torch", "diffusers", "transformers", "accelerate", "safetensors"),
        *("numpy", "scipy", "opencv-python-headless"),
    ),
    "segmenter": ("onnxruntime",),
    "compare": ("numpy", "scikit-image"),
    "models": ("peft", "sentencepiece", "protobuf", "gguf", "bitsandbytes"),
}
"""By extra of ``pyproject.toml``, the packages that it brings."""
_MODULES = {"scikit-image": "skimage", "protobuf": "google.protobuf", "opencv-python-headless": "cv2"}
"""Of the packages that are imported under another name."""


class NotInstalled(Exception):
    """An extra is wanted and not there; the message says how to install it."""


def need(extra: str, what: str) -> None:
    """Raise NotInstalled, naming what is missing of an extra that ``what`` needs. Imports nothing, so it costs a few
    milliseconds."""
    need_packages(EXTRAS[extra], what, extra)


def need_packages(packages: Iterable[str], what: str, extra: str) -> None:
    """Raise NotInstalled, naming what is missing of some packages of an extra."""
    missing = [package for package in packages if not _is_installed(package)]
    if missing:
        raise NotInstalled(
            f"{what} needs {', '.join(missing)}: not installed here. Install with: "
            f'python -m pip install "parafovea[{extra}]"'
        )


def _is_installed(package: str) -> bool:
    try:
        return find_spec(_MODULES.get(package, package)) is not None
    except (ImportError, ValueError):  # whoever answers for the module refuses it, or it is half there
        return False
