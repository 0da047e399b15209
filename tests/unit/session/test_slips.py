"""A slip in a file that another hand has laid out: what stands before it and behind is read, and kept by a repair."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from shared.session.check import check, exit_code
from shared.session.format import values
from shared.session.format.jsontext import decode
from shared.session.format.metadata import DamagedMetadata
from shared.session.reading.reader import SessionReader
from shared.session.text import foreign, onwards
from shared.session.writing.repair import repair
from shared.session.writing.writer import SessionWriter
from tests.support.frames import CREATED_AT, input_image, pending_frame
from tests.support.hands import EXACT, LOSSY, PLAIN, Writer, annotate, same
from tests.support.metadata import entries_in
from tests.support.scripted_disk import ScriptedDisk

FRAMES = 7
NESTED = {**PLAIN, "trials": [{"t": 1}, {"t": 2, "of": [{"x": []}]}], "words": 'a "}, {" b', "empty": [{}]}


def an_entry_a_line(value: Any) -> bytes:
    entries = ",\n".join(json.dumps(entry) for entry in value.pop("sequence"))
    return f'{json.dumps(value)[:-1]}, "sequence": [\n{entries}\n], "last": 1}}'.encode()


HANDS: dict[str, Writer] = {
    **EXACT,
    **LOSSY,
    "json.dump indent=0": lambda value: json.dumps(value, indent=0).encode(),
    "an entry a line": an_entry_a_line,
}
SLIPS: dict[str, Callable[[str], str]] = {
    "undefined": lambda entry: entry.replace('"rating"', '"mine": undefined, "rating"', 1),
    "no comma": lambda entry: entry.replace(",", "", 1),
    "no colon": lambda entry: entry.replace(":", "", 1),
    "no closing quote": lambda entry: entry.replace("BR.png", 'BR.png"', 1),
    "no end": lambda entry: entry.rstrip().removesuffix("}"),
    "no last quote": lambda entry: entry.rstrip().removesuffix("}").rstrip() + ',"z":"abc}',
    "a control character": lambda entry: entry.replace("BR.png", "BR\0.png", 1),
}


@pytest.fixture
def folder(disk: ScriptedDisk, root: Path) -> Path:
    writer = SessionWriter.create(disk, root, "s", CREATED_AT)
    writer.append([pending_frame(number, input=input_image(number)) for number in range(FRAMES)])
    writer.close()
    return root / "s"


def slip(data: bytes, positions: set[int], how: Callable[[str], str]) -> bytes:
    """The file with a slip in some of its entries; the rest is as it was, to the byte."""
    encoding = json.detect_encoding(data)
    text = data.decode(encoding, "surrogatepass")
    found = foreign.read(data)
    at = 0
    for position, entry in enumerate(entries_in(data, found)):
        said = entry.decode("utf-8", "surrogatepass")
        at = text.index(said, at)
        new = how(said) if position in positions else said
        assert position not in positions or new != said
        text = text[:at] + new + text[at + len(said) :]
        at += len(new)
    return text.encode(encoding, "surrogatepass")


@pytest.mark.parametrize("positions", [{0}, {3}, {6}, {0, 1, 4}], ids=str)
@pytest.mark.parametrize("how", sorted(SLIPS))
@pytest.mark.parametrize("name", sorted(HANDS))
def test_a_slip_costs_no_other_entry_and_nothing_at_the_top(
    folder: Path, name: str, how: str, positions: set[int]
) -> None:
    path = folder / "metadata.json"
    data = annotate(path, HANDS[name], NESTED)
    told = json.loads(decode(data))
    path.write_bytes(slip(data, positions, SLIPS[how]))
    whole = [entry for number, entry in enumerate(told["sequence"]) if number not in positions]
    found = foreign.read(path.read_bytes())
    assert found.problem is not None
    assert same([json.loads(text) for text in entries_in(path.read_bytes(), found)], whole)
    assert same(json.loads(found.members["participant"]), told["participant"])
    assert found.has_end
    with SessionReader(folder, salvage=True) as reader:
        assert reader.count == len(whole)
        assert reader.problem is not None
        assert "at line" in reader.problem
        lines = decode(path.read_bytes()).split("\n")
        assert all("{" in lines[reader.contents.places.line(position) - 1] for position in range(reader.count))
    with pytest.raises(DamagedMetadata):
        SessionReader(folder)


@pytest.mark.parametrize("name", sorted(HANDS))
def test_a_repair_keeps_every_key_of_what_is_whole_and_says_what_it_could_not(
    folder: Path, disk: ScriptedDisk, name: str
) -> None:
    path = folder / "metadata.json"
    data = annotate(path, HANDS[name], NESTED)
    told = json.loads(decode(data))
    damaged = slip(data, {0, 4}, SLIPS["undefined"])
    path.write_bytes(damaged)
    assert exit_code(check(folder)) == 1
    done = repair(disk, folder)
    value = json.loads(path.read_bytes())
    assert [entry["index"] if type(entry["index"]) is int else entry["index"][0] for entry in value["sequence"]] == [
        *range(FRAMES)
    ]
    assert all(same(value["sequence"][number], told["sequence"][number]) for number in (1, 2, 3, 5, 6))
    assert "rating" not in value["sequence"][0]
    assert same(value["participant"], told["participant"])
    (kept,) = folder.glob("metadata.json.before-repair-*")
    assert kept.read_bytes() == damaged
    (sentence,) = (sentence for sentence in done.did if "made anew" in sentence)
    assert sentence.startswith("2 entries were made anew from their images")
    assert kept.name in sentence
    assert exit_code(check(folder)) == 0


def test_a_repair_says_so_in_our_own_layout_too(folder: Path, disk: ScriptedDisk) -> None:
    path = folder / "metadata.json"
    path.write_bytes(path.read_bytes().replace(b'"index":2,', b'"index":2,"rt": oops,', 1))
    did = repair(disk, folder).did
    assert any(sentence.startswith("1 entry was made anew from its image") for sentence in did)


@pytest.mark.parametrize("name", ["json.dump indent=1", "json.dump indent=4", "with CRLF", "jsonlite", "PowerShell"])
def test_a_slip_at_the_top_costs_no_other_key_and_no_entry(folder: Path, disk: ScriptedDisk, name: str) -> None:
    path = folder / "metadata.json"
    value = json.loads(path.read_bytes())
    value = {"before": "slip here", "participant": {"id": "p07"}, **value, "after": "slip here", "lost": ["f-1"]}
    text = decode(HANDS[name](value))
    for number in (1, 2):
        at = -1
        for _ in range(number):
            at = text.index("slip here", at + 1)
        path.write_bytes((text[:at] + '"' + text[at:]).encode())
        found = foreign.read(path.read_bytes())
        assert found.problem is not None
        assert len(found.entries) == FRAMES
        assert found.members.keys() == {"participant", "session_id", "created_at", "format", "lost"} | (
            {"after"} if number == 1 else {"before"}
        )
    repair(disk, folder)
    again = json.loads(path.read_bytes())
    assert again["participant"] == {"id": ["p07"] if name == "jsonlite" else "p07"}
    assert again["lost"] == ["f-1"]


def test_a_key_within_an_entry_is_none_at_the_top() -> None:
    """Lines that begin alike at the top and in an entry tell nothing."""
    text = '{\n  "a": 1,\n  "sequence": [{\n  "index": 0,\n  "filename": "x",\n  "b": oops,\n  "c": 1\n}], "d": 2'
    found = foreign.read(text.encode())
    assert found.members.keys() == {"a"}
    assert found.problem is not None


@pytest.mark.parametrize("indent", [None, 0, 1])
@pytest.mark.parametrize("bad", ['{"index": 1, "a": oops}', '{"index": 1, "a": [[[[', "]", '{"a" {"b" {', "}, {"])
def test_the_work_grows_with_the_file(monkeypatch: pytest.MonkeyPatch, indent: int | None, bad: str) -> None:
    """However many places are damaged: counted in characters that the decoder is given, and that it may count again."""
    plain = values._DECODER

    class Counting:
        given = 0

        def raw_decode(self, text: str, at: int = 0) -> tuple[Any, int]:
            try:
                value, end = plain.raw_decode(text, at)
            except json.JSONDecodeError:
                self.given += len(text)
                raise
            self.given += end - at
            return value, end

    spent = []
    for count in (500, 1000, 2000):
        entries: list[Any] = [{"index": number, "filename": "0000_BR.png", "a": {"b": []}} for number in range(count)]
        text = json.dumps({"sequence": [part for entry in entries for part in (entry, "BAD")], "z": 1}, indent=indent)
        counting = Counting()
        monkeypatch.setattr(values, "_DECODER", counting)
        foreign.read(text.replace('"BAD"', bad).encode())
        spent.append(counting.given / len(text))
    assert spent[2] < 1.5 * spent[0] + 1, spent


def test_lines_are_searched_for_to_the_end_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where no entry begins a line any more, however many places look as if one might begin there."""
    vain: list[str] = []
    compile_ = re.compile

    class Pattern:
        def __init__(self, pattern: str) -> None:
            self.pattern = compile_(pattern)

        def search(self, text: str, at: int, end: int) -> re.Match[str] | None:
            found = self.pattern.search(text, at, end)
            if found is None:
                vain.append(self.pattern.pattern)
            return found

    monkeypatch.setattr(onwards.re, "compile", Pattern, raising=True)
    found = foreign.read(('{\n "sequence":[\n  {oops' + '},{"a":' * 1000).encode())
    assert found.problem is not None
    assert 1 <= len(vain) <= 2


def test_bytes_that_are_no_text_cost_one_entry(folder: Path, disk: ScriptedDisk) -> None:
    """An editor saved it in its own code page."""
    path = folder / "metadata.json"
    data = annotate(path, EXACT["json.dump indent=1"], PLAIN)
    line = next(number for number, text in enumerate(data.split(b"\n"), 1) if b'"index": 2' in text)
    data = data.replace(b'"index": 2', b'"remark": "caf\xe9 und T\xfcr", "index": 2')
    path.write_bytes(data)
    with SessionReader(folder, salvage=True) as reader:
        assert [entry.index for entry in reader.entries()] == [0, 1, 3, 4, 5, 6]
        assert reader.problem is not None
        assert f"at line {line} (byte {data.index(bytes([0xE9]))}): bytes that are not UTF-8" in reader.problem
    repair(disk, folder)
    value = json.loads(path.read_bytes())
    assert [entry.get("rating") for entry in value["sequence"]] == [4, 4, None, 4, 4, 4, 4]


@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
def test_where_the_first_of_them_is(mark: bytes) -> None:
    data = mark + b'{\n"a": "caf\xe9", "b": "\xe9\xe9",\n"sequence": []}'
    found = foreign.read(data)
    assert found.problem is not None
    assert found.problem.startswith("bytes that are not UTF-8")
    assert found.place == (2, data.index(b"\xe9"))
    assert found.members == {}


def test_an_integer_of_thousands_of_digits(folder: Path, disk: ScriptedDisk, root: Path) -> None:
    digits = "-" + "7" * 5000
    for number, name in enumerate(("json.dump indent=1", "compact"), FRAMES):
        path = folder / "metadata.json"
        text = EXACT[name]({**json.loads(path.read_bytes().replace(digits.encode(), b"1")), "big": {"n": [1, "x"]}})
        at = text.index(b'"index"')
        text = (text[:at] + b'"huge":' + digits.encode() + b"," + text[at:]).replace(b'"x"', digits.encode())
        path.write_bytes(text)
        with SessionReader(folder) as reader:
            assert reader.count == number
            assert reader.head["big"]["n"] == [1, -float("inf")]
        assert exit_code(check(folder)) == 0
        writer = SessionWriter.open(disk, root, "s")
        writer.append([pending_frame(number)])
        writer.close()
        assert path.read_bytes().count(digits.encode()) == 2
        assert exit_code(check(folder)) == 0
