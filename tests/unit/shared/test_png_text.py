import io
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, PngImagePlugin

from shared.png_chunks import chunk, read_text, text_chunks

TEXTS = st.dictionaries(
    st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=20),
    st.text(st.characters(blacklist_categories=("Cs",), blacklist_characters="\0")),
    max_size=4,
)


def with_chunks(chunks: bytes) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (64, 64)).save(buffer, "PNG")
    plain = buffer.getvalue()
    return plain[:33] + chunks + plain[33:]


@given(TEXTS)
def test_what_is_written_is_read_here_and_by_pillow(texts: dict[str, str]) -> None:
    data = with_chunks(text_chunks(texts))
    assert read_text(data) == texts
    image = Image.open(io.BytesIO(data))
    assert isinstance(image, PngImagePlugin.PngImageFile)
    assert dict(image.text) == texts


def test_a_file_is_read_too(tmp_path: Path) -> None:
    path = tmp_path / "frame.png"
    path.write_bytes(with_chunks(text_chunks({"parafovea": '{"prompt": "ein Käfer\\n🐞"}'})))
    assert read_text(path.read_bytes()) == {"parafovea": '{"prompt": "ein Käfer\\n🐞"}'}


def test_the_first_of_a_keyword_counts_and_other_text_chunks_are_passed_over() -> None:
    chunks = chunk(b"tEXt", b"Software\0x") + text_chunks({"a": "1"}) + text_chunks({"a": "2"})
    assert read_text(with_chunks(chunks)) == {"a": "1"}


def test_a_damaged_header_is_said() -> None:
    data = with_chunks(text_chunks({"a": "the text"}))
    with pytest.raises(ValueError, match="not a PNG"):
        read_text(b"GIF89a")
    for cut in (20, 40, 55):
        with pytest.raises(ValueError, match="cut off"):
            read_text(data[:cut])
    at = data.index(b"the text")
    with pytest.raises(ValueError, match="checksum"):
        read_text(data[:at] + b"T" + data[at + 1 :])


@pytest.mark.parametrize("keyword", ["", "x" * 80, " a", "a\n", "ключ"])
def test_a_keyword_that_no_png_can_carry_is_refused(keyword: str) -> None:
    with pytest.raises(ValueError, match=r"cannot be a PNG keyword|codec"):
        text_chunks({keyword: "text"})


def test_a_text_that_no_png_can_carry_is_refused() -> None:
    with pytest.raises(ValueError, match="NUL"):
        text_chunks({"a": "b\0c"})
