"""A short storm with a fixed seed; ``make faults`` runs long ones."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.support.studio import Studio
from tests.system.faults.storm import DURABLE_TIMEOUT_S, SESSION, Storm, settle

pytestmark = pytest.mark.system


@pytest.mark.timeout(180)
def test_a_short_storm(make_studio: Callable[..., Studio]) -> None:
    studio = make_studio(PARAFOVEA_GENERATION_TIMEOUT_S=DURABLE_TIMEOUT_S)
    studio.start_everything()
    studio.start_session(SESSION)
    storm = Storm(studio, seed=6)
    storm.blow(10)
    recorded, _, twice = settle(studio, storm.ledger)
    assert recorded > 10
    assert twice == 0
