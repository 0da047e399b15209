"""Events that are told twice become one."""

from __future__ import annotations

from dataclasses import replace
from math import nan

from shared.gaze.detectors.eyes import EyeDetectors
from shared.gaze.detectors.whole import WholeEvents
from shared.gaze.events import EyeEvent, EyeEventKind
from tests.unit.shared.gaze.eyes_moving import SCREEN, jump, rest, shut


def onset(kind: EyeEventKind, onset_ns: int, told_ns: int) -> EyeEvent:
    return EyeEvent(kind, onset_ns, None, told_ns, told_ns, nan, nan, nan, nan, nan, nan)


def over(event: EyeEvent, offset_ns: int, told_ns: int) -> EyeEvent:
    return replace(event, offset_ns=offset_ns, noticed_ns=told_ns)


def test_each_is_given_once_when_it_is_over() -> None:
    whole, blink = WholeEvents(), onset("blink", 100, 120)
    assert whole.take([blink]) == []
    assert whole.take([]) == []
    assert whole.take([over(blink, 300, 400)]) == [over(blink, 300, 400)]
    assert whole.finish(500) == []


def test_a_blink_that_was_lost_is_that_alone() -> None:
    whole, blink, lost = WholeEvents(), onset("blink", 100, 120), onset("lost", 100, 600)
    assert whole.take([blink]) == []
    assert whole.take([over(blink, 600, 600), lost]) == []
    assert whole.take([over(lost, 900, 1000)]) == [over(lost, 900, 1000)]


def test_a_blink_before_a_loss_stays_one() -> None:
    whole, blink, lost = WholeEvents(), onset("blink", 100, 120), onset("lost", 350, 450)
    whole.take([blink])
    assert whole.take([over(blink, 300, 450), lost]) == [over(blink, 300, 450)]


def test_a_saccade_that_a_blink_broke_off_was_the_eyelid() -> None:
    whole, saccade, blink = WholeEvents(), onset("saccade", 80, 90), onset("blink", 100, 120)
    fixation = onset("fixation", 0, 70)
    whole.take([fixation])
    whole.take([saccade])
    assert whole.take([over(fixation, 80, 120), over(saccade, 98, 120), blink]) == [over(fixation, 80, 120)]
    assert [one.kind for one in whole.finish(200)] == ["blink"]


def test_what_goes_on_at_the_end_is_ended_there() -> None:
    whole = WholeEvents()
    whole.take([onset("fixation", 50, 160), onset("blink", 20, 40)])
    assert [(one.kind, one.onset_ns, one.offset_ns) for one in whole.finish(170)] == [
        ("blink", 20, 170),
        ("fixation", 50, 170),
    ]
    assert whole.finish(170) == []


def test_detectors_that_finish_leave_nothing() -> None:
    for samples in (jump(20, 500, until_ms=420), rest(0, 300) + shut(300, 400), rest(0, 300), []):
        detectors, whole = EyeDetectors(SCREEN), WholeEvents()
        for sample in samples:
            whole.take(detectors.take(sample))
        last_ns = samples[-1].t_ns if samples else 0
        assert all(one.offset_ns == last_ns for one in whole.take(detectors.finish()))
        assert whole.finish(last_ns) == []
        assert all(detectors.going_on(kind) is None for kind in ("saccade", "blink", "fixation", "lost"))
