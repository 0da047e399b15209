"""Pairs of frames, the sheet and the CSV, through the command as a user calls it."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from cli.main import app
from reproduction.pairing import count_pairs, pairs
from reproduction.sheet import MAX_ROWS, Sheet
from shared.session.reading.reader import SessionReader
from tests.support.recorded import SEEDS, change_entry, change_pixel, record_pictures


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PARAFOVEA_SESSIONS_DIR", str(tmp_path / "sessions"))
    (tmp_path / "sessions").mkdir()
    return tmp_path / "sessions"


def run(*arguments: str, code: int = 0) -> str:
    result = CliRunner().invoke(app, ["compare", *arguments])
    assert result.exit_code == code, result.output
    return result.output


def compared(*arguments: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(run(*arguments, "--json"))
    return found


def indexes(root: Path, a: str = "a", b: str = "b") -> list[tuple[int, str | None, str | None]]:
    with SessionReader(root / a) as one, SessionReader(root / b) as other:
        found = [
            (pair.index, pair.a.filename if pair.a else None, pair.b.filename if pair.b else None)
            for pair in pairs(one, other)
        ]
        assert count_pairs(one, other) == len(found)
    return found


def test_a_session_compared_with_itself_is_identical(root: Path) -> None:
    record_pictures(root, "a")
    found = compared("a", "a")
    assert found["summary"] == {
        "frames": 3,
        "compared": 3,
        "identical": 3,
        "mean_psnr_db": None,
        "mean_sector_psnr_db": None,
        "mean_ssim": 1.0,
        "mean_sector_ssim": 1.0,
    }


def test_figures_of_a_pair_are_of_the_whole_and_of_the_sector(root: Path) -> None:
    record_pictures(root, "a")
    record_pictures(root, "b", seeds=(SEEDS[0], SEEDS[1] + 0x0A0A0A, SEEDS[2]))
    rows = compared("a", "b")["frames"]
    assert [row["identical"] for row in rows] == [True, False, True]
    assert all(row["same_input"] for row in rows)
    changed = rows[1]
    assert changed["differing_pixels"] == changed["sector_differing_pixels"] == 40 * 32
    assert changed["sector_psnr_db"] == pytest.approx(28.13, abs=0.01)
    assert changed["psnr_db"] == pytest.approx(28.13 + 9.54, abs=0.01)  # a ninth of the picture: 10 log10(9) more
    assert changed["ssim"] > changed["sector_ssim"]


def test_frames_stand_beside_those_of_their_index(root: Path) -> None:
    record_pictures(root, "a", seeds=SEEDS[:2])
    record_pictures(root, "b", seeds=SEEDS)
    assert indexes(root) == [
        (0, "0000_BR.png", "0000_BR.png"),
        (1, "0001_TL.png", "0001_TL.png"),
        (2, None, "0002_MC.png"),
    ]
    assert compared("a", "b")["frames"][2]["problem"] == "session a has no such frame"


def test_a_frame_of_a_rerun_stands_beside_the_one_it_was_made_from(root: Path) -> None:
    record_pictures(root, "a")
    folder = record_pictures(root, "b", seeds=SEEDS[:2], extra={"parent": {"session_id": "a"}})
    change_entry(folder, 0, origin={"session_id": "a", "index": 0})
    change_entry(folder, 1, origin={"session_id": "a", "index": 2})
    expected = [(0, "0000_BR.png", "0000_BR.png"), (1, "0001_TL.png", None), (2, "0002_MC.png", "0001_TL.png")]
    assert indexes(root) == expected
    assert indexes(root, "b", "a") == [(index, b, a) for index, a, b in expected]


@pytest.mark.parametrize("origin", [None, "x", {}, {"index": "x"}, {"index": 0}, {"index": -5}])
def test_a_rerun_that_does_not_say_keeps_its_order(root: Path, origin: Any) -> None:
    record_pictures(root, "a")
    folder = record_pictures(root, "b", extra={"parent": {"session_id": "a"}})
    for index in range(3):
        change_entry(folder, index, origin=origin)
    assert [index for index, _, _ in indexes(root)] == [0, 1, 2]


def test_a_file_that_was_altered_is_named_and_not_compared(root: Path) -> None:
    record_pictures(root, "a")
    change_pixel(record_pictures(root, "b") / "0001_TL.png", 1, 1)
    rows = compared("a", "b")["frames"]
    assert [row["identical"] for row in rows] == [True, None, True]
    assert "0001_TL.png" in rows[1]["problem"]


def test_pictures_of_different_sizes_are_not_compared(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    record_pictures(root, "a")
    monkeypatch.setattr("tests.support.recorded.noise", lambda seed: np.zeros((64, 80, 3), np.uint8))
    record_pictures(root, "b")
    assert "120 x 96 and 80 x 64" in compared("a", "b")["frames"][0]["problem"]


def test_the_table_names_each_pair(root: Path) -> None:
    record_pictures(root, "a")
    record_pictures(root, "b", seeds=(1, 2, 3), prompt="a\nb")
    lines = run("a", "b").splitlines()
    assert [line.split("\t")[0] for line in lines[:3]] == ["0", "1", "2"]
    assert lines[0].endswith(r"add a bee | a\nb")
    assert lines[-1].startswith("a and b: 3 of 3 pairs compared, 0 identical")


def test_csv_has_a_line_a_pair_with_the_same_figures(root: Path, tmp_path: Path) -> None:
    record_pictures(root, "a")
    record_pictures(root, "b", seeds=(SEEDS[0], 5, 6), prompt='with "quotes", commas\nand lines')
    found = compared("a", "b", "--csv", str(tmp_path / "figures.csv"))
    with (tmp_path / "figures.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 3
    for row, expected in zip(rows, found["frames"], strict=True):
        assert row == {key: "" if value is None else str(value) for key, value in expected.items()}


def test_the_sheet_shows_both_pictures_and_where_they_differ(root: Path, tmp_path: Path) -> None:
    record_pictures(root, "a")
    record_pictures(root, "b", seeds=(SEEDS[0], 5, SEEDS[2]))
    run("a", "b", "--out", str(tmp_path / "sheet.png"))
    with Image.open(tmp_path / "sheet.png") as image:
        sheet = np.asarray(image.convert("RGB")).astype(int)
    cells = [[sheet[y : y + 96, x : x + 120] for x in (8, 272, 536)] for y in (24 + row * 136 for row in range(3))]
    for row, (left, right, apart) in enumerate(cells):
        assert ((left != right).any(axis=2) == (apart > 0).any(axis=2)).all()
        assert apart.any() == (row == 1)


def test_a_sheet_of_any_length_is_not_begun(root: Path) -> None:
    with pytest.raises(ValueError, match="at most"):
        Sheet("a", "b", MAX_ROWS + 1)
    record_pictures(root, "a")
    assert run("a", "a", "--out", "/nowhere/sheet.png", code=3)


def test_a_part_can_be_taken_and_lines_come_one_by_one(root: Path) -> None:
    record_pictures(root, "a")
    record_pictures(root, "b")
    assert [row["index"] for row in compared("a", "b", "--first", "1", "--count", "1")["frames"]] == [1]
    assert compared("a", "b", "--first", "9")["frames"] == []
    lines = [json.loads(line) for line in run("a", "b", "--json-lines", "--count", "2").splitlines()]
    assert lines[0] == {"total": 3}
    assert [line["index"] for line in lines[1:-1]] == [0, 1]
    assert lines[-1]["summary"]["identical"] == 2


def test_a_session_that_is_not_there_is_said(root: Path) -> None:
    record_pictures(root, "a")
    assert "there is no session 'nothing'" in run("a", "nothing", code=3)
