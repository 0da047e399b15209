"""Text of any script in a header."""

from __future__ import annotations

from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.api.http.files import parse_range
from services.api.http.headers import EXPOSED, replayed_headers, text_headers


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_any_text_survives_a_header(text: str) -> None:
    headers = text_headers("X-Prompt", text)
    told = headers["X-Prompt"]
    assert all(" " <= character <= "~" for character in told)
    assert told == told.strip()
    percent = headers.get("X-Prompt-Encoding") == "percent"
    assert (unquote(told, errors="strict") if percent else told) == text


@pytest.mark.parametrize("text", ["a ladybug", '100% sure, said: "yes" ~', ""])
def test_plain_text_stays_plain(text: str) -> None:
    assert text_headers("X-Prompt", text) == {"X-Prompt": text}


def test_a_recorded_entry_may_hold_anything() -> None:
    """Metadata may come from anywhere, and may have been edited."""
    entry = {"index": 3, "target_sector": "BR", "prompt": None, "focus_sector": "T\nL", "seed": 5}
    headers = replayed_headers(entry, "s")
    assert headers["X-Index"] == "3"
    assert headers["X-Prompt"] == ""
    assert headers["X-Focus-Sector"] == "T%0AL"
    assert set(headers) - {"Cache-Control", "X-Focus-Sector-Encoding"} <= set(EXPOSED)


def test_a_replayed_frame_says_what_was_drawn_and_what_was_not_done() -> None:
    entry = {"index": 0, "target_sector": "BR", "notes": {"object": "dog", "fallback": "left out: 'Hütchen'"}}
    headers = replayed_headers(entry, "s")
    assert headers["X-Object"] == "dog"
    assert unquote(headers["X-Fallback"]) == "left out: 'Hütchen'"
    assert headers["X-Fallback-Encoding"] == "percent"


@pytest.mark.parametrize("notes", [None, [], "x", {"fallback": {"a": 1}}, {"object": 2**70, "fallback": None}])
def test_notes_of_any_shape_do_no_harm(notes: object) -> None:
    headers = replayed_headers({"index": 0, "target_sector": "BR", "notes": notes}, "s")
    assert not {"X-Object", "X-Fallback"} & set(headers)


@pytest.mark.parametrize("note", ["x" * 100_000, "\ud800", "a\r\nX-Evil: 1"])
def test_a_note_is_short_and_harmless_in_a_header(note: str) -> None:
    headers = replayed_headers({"index": 0, "target_sector": "BR", "notes": {"fallback": note}}, "s")
    assert len(headers["X-Fallback"]) < 3000
    assert headers["X-Fallback"].isprintable()
    assert headers["X-Fallback"].isascii()


@given(st.integers(0, 50), st.integers(0, 60), st.integers(0, 60))
def test_a_range_lies_inside_or_is_none(size: int, start: int, end: int) -> None:
    for value in (f"bytes={start}-{end}", f"bytes={start}-", f"bytes=-{end}"):
        span = parse_range(value, size)
        if span is not None:
            assert 0 <= span[0] < span[1] <= size


@pytest.mark.parametrize(
    "value", ["", "bytes=", "bytes=-", "bytes=a-b", "items=0-1", "bytes=0-1,3-4", "bytes=5-2", "bytes=9-"]
)
def test_what_is_no_single_range_means_the_whole(value: str) -> None:
    assert parse_range(value, 5) is None
