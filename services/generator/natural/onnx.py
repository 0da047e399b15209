"""A large network in place of the embedded segmenter: PARAFOVEA_SEGMENTER names its ``.onnx`` file.

Its first output is taken for the mask. Pixels go in as ISNet wants them.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from services.generator.models.files import ModelError, first_line

SETTING = "PARAFOVEA_SEGMENTER"
_MIDDLE, _SCALE = 128.0, 256.0
"""A pixel's value goes in as ``(value - 128) / 256``."""


class OnnxSegmenter:
    """A network of a file, one crop at a time at its own size."""

    def __init__(self, session: Any, name: str) -> None:
        inputs, outputs = session.get_inputs(), session.get_outputs()
        shape = list(inputs[0].shape) if len(inputs) == 1 else []
        if len(shape) != 4 or shape[1] != 3 or inputs[0].type != "tensor(float)":
            raise ModelError(f"{SETTING}: {name} does not take one picture (1 x 3 x height x width, float).")
        if not outputs or not 2 <= len(outputs[0].shape or ()) <= 4:
            raise ModelError(f"{SETTING}: {name} gives no mask (1 x 1 x height x width).")
        self._session, self._name = session, name
        self._input, self._output = inputs[0].name, outputs[0].name
        self.side = shape[2] if isinstance(shape[2], int) and shape[2] == shape[3] else 0
        """Pixels of the network's input, each way."""
        if self.side < 32:
            raise ModelError(f"{SETTING}: {name} has no fixed, square size of its input: export it with one.")

    def masks(self, crops: NDArray[np.uint8]) -> NDArray[np.float32]:
        """The mask of each crop: N x side x side x 3 (0 to 255, any side) to N x side x side (0 to 1)."""
        return np.stack([self._mask(crop) for crop in crops]) if len(crops) else np.empty(crops.shape[:3], np.float32)

    def _mask(self, crop: NDArray[np.uint8]) -> NDArray[np.float32]:
        picture = Image.fromarray(crop).resize((self.side, self.side), Image.Resampling.BICUBIC)
        pixels = (np.asarray(picture, np.float32) - _MIDDLE) / _SCALE
        try:
            found = self._session.run([self._output], {self._input: pixels.transpose(2, 0, 1)[None]})[0]
        except Exception as error:
            raise ModelError(f"{SETTING}: {self._name} failed on a picture: {first_line(error)}") from error
        mask = np.asarray(found, np.float32)
        while mask.ndim > 2:
            mask = mask[0]
        shrunk = Image.fromarray(mask).resize(crop.shape[1::-1], Image.Resampling.BOX)
        return np.clip(np.nan_to_num(np.asarray(shrunk, np.float32)), 0.0, 1.0)


def load(path: Path, threads: int = 0) -> OnnxSegmenter:
    """The network of a file, on ``threads`` threads (0: as many as cores). Raises ModelError: it cannot be used."""
    if not path.is_file():
        raise ModelError(f"{SETTING}: there is no file {str(path)!r}.")
    os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
    try:
        import onnxruntime
    except ImportError as error:
        raise ModelError(f"{SETTING} needs onnxruntime: python -m pip install 'parafovea[segmenter]'.") from error
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 3
    try:
        session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    except Exception as error:
        raise ModelError(f"{SETTING}: {path.name} is no network that can be read: {first_line(error)}") from error
    return OnnxSegmenter(session, path.name)
