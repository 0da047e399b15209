"""A short attack with a fixed seed and fixed counts; ``make attack`` runs long ones. Nothing here depends on time."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.attack.bench import Limits, attack
from tests.attack.place import Place
from tests.attack.worker import FUZZERS

pytestmark = pytest.mark.system

SEED = 11
CASES = {
    "http_bytes": 600,
    "json_bodies": 300,
    "forms": 150,
    "websockets": 60,
    "bus_frames": 640,
    "archives": 8,
    "metadata_files": 12,
}
AFTER_S = 60.0
"""At most: it ends once memory has fallen."""


@pytest.mark.timeout(600)
@pytest.mark.parametrize("bus", ["ipc", "tcp"])
def test_a_short_attack_breaks_no_rule(folder: Path, bus: str) -> None:
    place = Place(folder, engine="quick", bus=bus)
    try:
        place.start_everything()
        report = attack(
            place,
            seed=SEED,
            limits=Limits(cases=CASES),
            bus=bus,
            engine="quick",
            timed=False,
            heavy=False,
            after_s=AFTER_S,
        )
    finally:
        place.http.close()
        place.kill_all()
        place.print_logs()
    print(report.table())
    assert not report.broken(), report.table()
    assert {name: tally.counts["cases"] for name, tally in report.fuzzers.items()} == CASES
    assert all(tally.counts["corpus files"] for tally in report.fuzzers.values())
    assert set(report.fuzzers) == set(FUZZERS)
    assert report.counts["requests"] > CASES["http_bytes"] + CASES["json_bodies"]
    assert report.counts["frames"] > 10_000
    assert report.health.times
    assert report.honest.answered
    assert report.honest.recorded
