"""``simulated``, ``simulated:SEED``, ``simulated:SEED@RATE``: somebody who looks at the picture."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from services.gaze.sources.paced import Pace, give
from services.gaze.sources.source import Box, Outlets, SourcePoint, Surroundings
from shared.errors import InvalidRequest
from shared.gaze.sample import Sample
from shared.gaze.simulated.viewer import SimulatedViewer

RATE_HZ = 250.0
MIN_RATE_HZ, MAX_RATE_HZ = 1.0, 2000.0
FORM = "simulated:SEED, or simulated:SEED@RATE with samples a second"

WHOLE: Box = (0.0, 0.0, 1.0, 1.0)

_NAME = re.compile(r"simulated(?::(?P<seed>\d{1,18}))?(?:@(?P<rate>\d{1,4}(?:\.\d{1,6})?))?\Z")


class SimulatedSource:
    """Gives a simulated viewer's samples at their times, within the picture where a display shows one."""

    is_of_screen = True

    def __init__(self, name: str, around: Surroundings) -> None:
        """Raises InvalidRequest: the seed or the rate cannot be read, or no tracker has such a rate."""
        found = _NAME.match(name)
        if found is None:
            raise InvalidRequest(f"{name[:100]!r} is no simulated viewer; write {FORM}")
        self.name = name
        self._seed = int(found["seed"] or 0)
        self._rate_hz = float(found["rate"] or RATE_HZ)
        self._around = around
        if not MIN_RATE_HZ <= self._rate_hz <= MAX_RATE_HZ:
            raise InvalidRequest(
                f"a simulated viewer gives {MIN_RATE_HZ:g} to {MAX_RATE_HZ:g} samples a second, not {self._rate_hz:g}"
            )

    async def prepare(self) -> None:
        """There is nothing to open."""

    async def run(self, outlets: Outlets) -> None:
        """Give samples without end."""
        viewer = SimulatedViewer(self._seed, self._around.screen(), self._rate_hz)

        def take(points: Sequence[SourcePoint]) -> object:
            box = self._around.looked_at()
            if box is not None and box != WHOLE:
                points = [(_within(sample, box), device_s) for sample, device_s in points]
            return outlets.take(points)

        await give(viewer, Pace(), replace(outlets, take=take))

    def close(self) -> None:
        """There is nothing to close."""


def _within(sample: Sample, box: Box) -> Sample:
    """A sample whose place is a share of the picture, as one whose place is a share of the page."""
    left, top, width, height = box
    return Sample(
        sample.t_ns,
        left + sample.x * width,
        top + sample.y * height,
        sample.pupil,
        sample.confidence,
        sample.openness,
    )
