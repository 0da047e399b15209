"""What must hold of changes that are made ahead whatever viewer, generator and display do: rehearsed by a seed.

:class:`tests.support.ahead_watch.Watch` says what: never two under way; a commit only of what is ready for the picture
on view, never where the viewer looks; a swap only after its frame; no more prepared than the policy says, and one of
each sector; a chance that finds something ready takes it; and the same inputs come to the same outcomes.
"""

from __future__ import annotations

from random import Random
from typing import Any

import pytest

from shared import sectors
from shared.gaze.sample import Sample
from shared.gaze.screen import ASSUMED_SCREEN
from shared.gaze.simulated.viewer import SimulatedViewer
from shared.gaze.trial import inputs, steps
from shared.gaze.trial.config import TrialConfig
from shared.gaze.trial.policies.choosing import CHOOSERS
from shared.gaze.trial.policies.triggers import TRIGGERS
from tests.support.ahead_watch import Watch
from tests.support.rehearsal import MS, config
from tests.support.rehearsal_ahead import AheadRehearsal, Faults

RATE_HZ = 125.0
SECONDS = 12
PLACES = ((0.1, 0.1), (0.9, 0.9), (0.9, 0.1), (0.5, 0.5), (0.1, 0.9), (0.5, 0.1))


def drawn(random: Random, **more: Any) -> TrialConfig:
    grid_size = random.choice((2, 3))
    return config(
        seed=random.randrange(1000),
        grid_size=grid_size,
        catch_rate=random.choice((0.0, 0.2)),
        sham_rate=random.choice((0.0, 0.2)),
        trigger={"name": more["trigger"], "interval_s": 1.5},
        policy={
            "name": more["policy"],
            "ahead": random.choice((1, 2, 4, 9)),
            "targets": tuple(random.choices(sectors.names(grid_size), k=random.randint(1, 6))),
            "again_ms": random.choice((0.0, 0.0, 500.0)),
            "dwell_ms": 300.0,
            "outwaited_ms": random.choice((500.0, 5000.0)),
            "when_looked_at": random.choice(("choose", "hold")),
        },
    )


def rehearse(random: Random, *, is_whole: bool, **more: Any) -> AheadRehearsal:
    """``is_whole``: nothing goes wrong."""
    rates = [0.0 if is_whole else random.choice((0.0, 0.0, 0.1, 0.3)) for _ in range(5)]
    rehearsal = AheadRehearsal(
        drawn(random, **more),
        seed=random.randrange(1000),
        repaints=random.random() < 0.5,
        preparing_ms=random.choice((20, 300, 900)),
        commit_ms=random.choice((1, 4) if is_whole else (1, 4, 30, 120)),
        decoding_ms=random.choice((1, 20, 150)),
        faults=Faults(*rates),
    )
    began, pressed = rehearsal.t_ns, 0
    for sample in SimulatedViewer(random.randrange(1000), ASSUMED_SCREEN, RATE_HZ):
        if sample.t_ns > SECONDS * 1e9:
            return rehearsal
        if sample.t_ns == 0:
            continue
        rehearsal.sample(Sample(began + sample.t_ns, sample.x, sample.y, sample.pupil, sample.confidence))
        if more["trigger"] == "key" and sample.t_ns > pressed:
            rehearsal.press()
            pressed = sample.t_ns + random.randint(200, 1500) * MS
        if not is_whole and random.random() < (0.001 if rehearsal.trial.display else 0.01):
            disturb(rehearsal, random)
    return rehearsal


def disturb(rehearsal: AheadRehearsal, random: Random) -> None:
    """The display goes, comes, is another one, or of another kind; or the source of the gaze is."""
    if rehearsal.trial.display is not None and random.random() < 0.3:
        rehearsal.lose()
    elif rehearsal.trial.display is None or random.random() < 0.6:
        rehearsal.display = random.choice(("display-1", "display-2"))
        rehearsal.takes_sectors = random.random() < 0.75
        rehearsal.show()
        rehearsal.measure()
    else:
        source, state = random.choice((("page", "silent"), ("page", "running"), ("other", "running")))
        rehearsal.put(inputs.SourceChanged, source=source, state=state)


def end_well(rehearsal: AheadRehearsal) -> None:
    """Nothing goes wrong any more, so changes are shown again: nothing that went wrong has left it stuck."""
    rehearsal.faults, rehearsal.takes_sectors = Faults(), True
    rehearsal.commit_ms, rehearsal.decoding_ms = min(rehearsal.commit_ms, 4), min(rehearsal.decoding_ms, 20)
    rehearsal.put(inputs.SourceChanged, source="page", state="running")
    rehearsal.show()
    rehearsal.measure()
    trigger, shown = rehearsal.config.trigger.name, len(rehearsal.all(steps.Displayed))
    for x, y in PLACES * 10:
        rehearsal.look(x, y, 600, RATE_HZ)
        if trigger == "key":
            rehearsal.press()
            rehearsal.look(x, y, 500, RATE_HZ)
        elif trigger == "saccade":
            for step in range(1, 8):
                to = x + (0.4 if x < 0.5 else -0.4) * step / 8
                rehearsal.sample(Sample(rehearsal.t_ns + 8 * MS, to, y, confidence=1.0))
        else:
            rehearsal.blink(150, RATE_HZ)
        if len(rehearsal.all(steps.Displayed)) > shown + 1:
            return
    raise AssertionError("nothing is shown any more")


@pytest.mark.parametrize("trigger", TRIGGERS)
@pytest.mark.parametrize("policy", CHOOSERS)
@pytest.mark.parametrize("is_whole", [True, False])
def test_it_holds(trigger: str, policy: str, is_whole: bool) -> None:
    random = Random(f"{trigger} {policy} {is_whole}")
    rehearsal = rehearse(random, is_whole=is_whole, trigger=trigger, policy=policy)
    end_well(rehearsal)
    rehearsal.end()
    watch = Watch(rehearsal)
    assert watch.shown > 1
    if is_whole:
        assert not rehearsal.all(steps.GivenUp) or policy == "listed"
