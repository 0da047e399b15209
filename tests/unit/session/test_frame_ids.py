"""The set of frame ids behaves as a set of strings does, whatever the strings are."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from shared.session.format.numbers import FrameIds

ids = st.one_of(
    st.builds(lambda start, number: f"{start}-{number}", st.sampled_from(["a", "b-1", ""]), st.integers(0, 30)),
    st.sampled_from(["a-01", "a-1", "a-+1", "a-²", "a-", "-", "", "a", "a-" + "9" * 30]),
    st.text(max_size=6),
)


@given(st.lists(ids), st.lists(ids), ids)
def test_it_is_a_set_of_strings(some: list[str], others: list[str], asked: str) -> None:
    found, more = FrameIds(), FrameIds()
    for frame_id in some:
        found.add(frame_id)
    for frame_id in others:
        more.add(frame_id)
    found.update(more)
    assert (asked in found) == (asked in {*some, *others})
    assert len(found) == len({*some, *others})
    assert None not in found
