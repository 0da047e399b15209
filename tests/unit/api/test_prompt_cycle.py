"""The cycle of sector prompts, whatever is taken and given back."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from shared.prompts import Cycle, Draw, PromptLists


@given(st.integers(1, 4), st.lists(st.one_of(st.none(), st.integers(0, 20)), max_size=60))
def test_the_next_prompt_is_the_first_that_nobody_has(length: int, course: list[int | None]) -> None:
    """None takes one, a number gives one of those back that are out; what is out is counted beside it."""
    names = tuple(f"prompt {number}" for number in range(length))
    cycle = Cycle(PromptLists(default=names))
    out: dict[int, Draw] = {}
    for step in course:
        if step is None:
            first = next(number for number in range(len(course) + 1) if number not in out)
            assert cycle.positions()["TL"] == first % length
            draw = cycle.take("TL")
            assert draw is not None
            assert draw.prompt == names[first % length]
            out[first] = draw
        elif out:
            number = list(out)[step % len(out)]
            draw = out.pop(number)
            cycle.give_back(draw)
            cycle.give_back(draw)  # once more changes nothing
    for draw in out.values():
        cycle.give_back(draw)
    assert set(cycle.positions().values()) == {0}, "all of it was given back"
