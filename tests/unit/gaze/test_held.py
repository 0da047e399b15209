"""What is held of trials: every input in every part once, let go as it is acknowledged."""

from __future__ import annotations

import random

import pytest

from services.gaze.held import CHUNK_BYTES, Held, HeldOfTrial
from shared.errors import NotFound
from shared.frame import SessionStamp
from shared.gaze.record.samples import RECORD_BYTES, NumberedSample, decode, encode
from shared.gaze.sample import Sample

SESSION = SessionStamp(session_id="s", created_at=1.0)


def records(first_n: int, next_n: int) -> bytes:
    return b"".join(encode(NumberedSample(n, Sample(n, 0.5, 0.5))) for n in range(first_n, next_n))


def line(n: int, outcome: int | None = None) -> bytes:
    return f"{n}{'' if outcome is None else f'/{outcome}'}\n".encode()


def fill(trial: HeldOfTrial, inputs: int, seed: int = 1) -> None:
    """Samples in batches, some of which have an outcome, and other inputs between."""
    rng = random.Random(seed)
    until = trial.next_n + inputs
    while trial.next_n < until:
        if rng.random() < 0.5:
            trial.add_lines(trial.next_n, [line(trial.next_n), line(trial.next_n, 0)])
            continue
        next_n = min(until, trial.next_n + rng.randint(1, 50))
        trial.add_records(next_n, records(trial.next_n, next_n))
        if rng.random() < 0.5:
            trial.add_lines(next_n - 1, [line(next_n - 1, 0)])


def read(trial: HeldOfTrial, from_n: int, limit_bytes: int) -> tuple[int, list[int], list[bytes]]:
    """The part's end, its inputs, and its lines."""
    part, payload = trial.part(from_n, limit_bytes)
    lines = payload[: part.lines_bytes].splitlines(keepends=True)
    assert (len(payload) - part.lines_bytes) % RECORD_BYTES == 0
    inputs = [int(each) for each in lines if b"/" not in each]
    return part.next_n, sorted([*inputs, *(each.n for each in decode(payload[part.lines_bytes :]))]), lines


@pytest.mark.parametrize("limit_bytes", [0, 1000, 100_000, 1 << 30])
def test_all_parts_together_hold_each_input_and_each_line_once(limit_bytes: int) -> None:
    trial, whole = HeldOfTrial("t", SESSION, {}), HeldOfTrial("t", SESSION, {})
    fill(whole, 20_000)
    from_n, found, lines = 0, [], []
    fill(trial, 20_000)
    while from_n < trial.next_n:
        next_n, inputs, some = read(trial, from_n, limit_bytes)
        assert next_n > from_n
        found += inputs
        lines += some
        from_n = next_n
    assert found == list(range(20_000))
    assert lines == read(whole, 0, 1 << 30)[2]


def test_what_came_of_a_sample_is_in_the_part_of_the_sample() -> None:
    trial = HeldOfTrial("t", SESSION, {})
    full = CHUNK_BYTES // RECORD_BYTES + 1
    trial.add_records(full, records(0, full))
    trial.add_lines(full - 1, [line(full - 1, 0)])
    next_n, _, lines = read(trial, 0, 1)
    assert (next_n, lines) == (full, [line(full - 1, 0)])


def test_what_is_acknowledged_is_let_go() -> None:
    held = Held(1 << 20)
    trial = held.begin("t", SESSION, {"source": "page"})
    fill(trial, 1000)
    before = held.bytes
    next_n, _, _ = read(trial, 0, 0)
    fill(trial, 1000, seed=2)
    grown = held.bytes
    held.acknowledge("t", next_n)
    assert before < grown
    assert held.bytes == grown - before
    with pytest.raises(NotFound, match="are on disk"):
        trial.part(0, 0)
    assert read(trial, next_n, 1 << 30)[1] == list(range(next_n, 2000))
    held.acknowledge("t", 10**9)
    assert (held.bytes, trial.acknowledged, len(held)) == (0, 2000, 1)
    trial.ended = True
    held.acknowledge("t", 2000)
    assert len(held) == 0
    held.acknowledge("t", 2000)
    with pytest.raises(NotFound, match="nothing is held"):
        held.part("t", 0, 0)


def test_a_part_from_within_what_was_given_before() -> None:
    trial = HeldOfTrial("t", SESSION, {})
    fill(trial, 500)
    for from_n in (0, 1, 250, 499, 500, 700):
        assert read(trial, from_n, 1 << 30)[1] == list(range(from_n, 500))


def test_the_limit() -> None:
    held = Held(RECORD_BYTES * 10)
    trial = held.begin("t", SESSION, {})
    trial.add_records(9, records(0, 9))
    assert not held.is_full
    trial.add_records(10, records(9, 10))
    assert held.is_full


def test_the_rest_is_in_parts_from_what_is_acknowledged() -> None:
    held = Held(1 << 30)
    trial = held.begin("t", SESSION, {"source": "page"})
    fill(trial, 100)
    trial.ended = True
    held.acknowledge("t", 30)
    (part,) = held.rest()
    assert (part.from_n, part.next_n, part.ended, part.session) == (30, 100, True, SESSION)
    assert next(each.n for each in decode(part.records)) >= 30
