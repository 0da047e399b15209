"""The sample photographs, as grounds to put objects on."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image


class Photographs:
    """All JPEG files of a folder, held as 8-bit RGB."""

    def __init__(self, folder: Path) -> None:
        paths = sorted(folder.glob("*.jpg"))
        if not paths:
            raise FileNotFoundError(f"{folder} has no photographs (*.jpg): give another folder with --photographs")
        self.names = [path.stem for path in paths]
        self.images = [np.asarray(Image.open(path).convert("RGB")) for path in paths]
        self._small = [
            np.asarray(Image.fromarray(image).resize((384, 384), Image.Resampling.BOX)) for image in self.images
        ]

    def square(self, number: int, side: int) -> NDArray[np.uint8]:
        """The middle square of a photograph at ``side`` pixels."""
        image = self.images[number % len(self.images)]
        height, width = image.shape[:2]
        edge = min(height, width)
        top, left = (height - edge) // 2, (width - edge) // 2
        crop = Image.fromarray(image[top : top + edge, left : left + edge])
        return np.asarray(crop.resize((side, side), Image.Resampling.LANCZOS))

    def crops(self, number: int, side: int, seed: int) -> NDArray[np.uint8]:
        """``number`` random squares of ``side`` pixels from anywhere: number x side x side x 3."""
        chance = np.random.default_rng(seed)
        out = np.empty((number, side, side, 3), np.uint8)
        for row in out:
            image = self._small[chance.integers(len(self._small))]
            top, left = chance.integers(0, 384 - side, 2)
            row[:] = image[top : top + side, left : left + side]
        return out
