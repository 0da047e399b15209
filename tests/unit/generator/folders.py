"""Model folders of a few bytes, for what is read from files alone."""

from __future__ import annotations

import json
import struct
from pathlib import Path

from services.generator.models.files import ModelFolder, read_index


def saved_as(folder: Path, pipeline: str, vae_channels: int = 3, **parts: object) -> ModelFolder:
    """A folder that names a pipeline class and has an autoencoder's configuration."""
    (folder / "vae").mkdir(parents=True)
    (folder / "vae" / "config.json").write_text(json.dumps({"out_channels": vae_channels}))
    (folder / "model_index.json").write_text(json.dumps({"_class_name": pipeline, **parts}))
    return ModelFolder(str(folder), folder, read_index(folder))


def weights(path: Path, *shape: int, name: str = "weight") -> Path:
    """A file of safetensors with one tensor of zeros."""
    count = 1
    for side in shape:
        count *= side
    header = json.dumps({name: {"dtype": "F32", "shape": list(shape), "data_offsets": [0, 4 * count]}}).encode()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(struct.pack("<Q", len(header)) + header + bytes(4 * count))
    return path
