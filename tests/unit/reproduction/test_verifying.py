"""Verdicts on recorded sessions, made again by engines that are the same, nearly so, or not at all."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from reproduction.remaking import EngineRemaker, NoMaker
from reproduction.verdict import FrameReport, SessionReport, Thresholds
from reproduction.verifying import store, verify
from services.generator.engine import Engine
from shared.session.reading.reader import SessionReader
from shared.session.writing.repair import repair
from shared.system.disk import Disk
from tests.support.launch import QuickEngine
from tests.support.recorded import OtherEngine, change_entry, change_pixel, record_pictures


async def verified(folder: Path, engine: Engine | None = None, thresholds: Thresholds | None = None) -> SessionReport:
    told: list[FrameReport] = []
    with SessionReader(folder) as reader:
        maker = EngineRemaker(lambda: engine or QuickEngine(0.0), QuickEngine)
        report = await verify(reader, maker, thresholds or Thresholds(), told.append)
        store(Disk(), reader, report)
    assert list(report.frames) == told
    assert json.loads((folder / "verification.json").read_bytes()) == json.loads(json.dumps(report.to_json()))
    return report


def verdicts(report: SessionReport) -> list[str]:
    return [frame.verdict for frame in report.frames]


@pytest.mark.parametrize("chain", [False, True])
async def test_what_is_made_again_the_same_is_identical(tmp_path: Path, chain: bool) -> None:
    report = await verified(record_pictures(tmp_path, chain=chain))
    assert verdicts(report) == ["identical"] * 3
    assert report.holds
    assert report.environment() == {}
    assert report.outside() == {"equal": 3, "changed": 0, "not_checked": 0}


async def test_one_pixel_in_a_file_is_altered_whatever_it_looks_like(tmp_path: Path) -> None:
    folder = record_pictures(tmp_path)
    change_pixel(folder / "0001_TL.png", 3, 3)
    report = await verified(folder)
    assert verdicts(report) == ["identical", "altered", "identical"]
    assert "0001_TL.png" in (report.frames[1].reason or "")
    assert not report.holds


async def test_the_same_pixels_in_other_bytes_are_altered_too(tmp_path: Path) -> None:
    folder = record_pictures(tmp_path)
    change_pixel(folder / "0001_TL.png", 3, 3)
    change_pixel(folder / "0001_TL.png", 3, 3)
    assert verdicts(await verified(folder)) == ["identical", "altered", "identical"]


async def test_a_file_that_is_gone_is_altered(tmp_path: Path) -> None:
    folder = record_pictures(tmp_path)
    (folder / "0002_MC.png").unlink()
    report = await verified(folder)
    assert verdicts(report) == ["identical", "identical", "altered"]
    assert "cannot be read" in (report.frames[2].reason or "")


async def test_close_holds_only_where_the_environment_is_another(tmp_path: Path) -> None:
    folder = record_pictures(tmp_path)
    here = await verified(folder, OtherEngine(off_by=1))
    assert verdicts(here) == ["close"] * 3
    assert not here.holds
    elsewhere = await verified(folder, OtherEngine(off_by=1, device="cuda:0", versions={"quick": "2"}))
    assert verdicts(elsewhere) == ["close"] * 3
    assert elsewhere.holds
    assert elsewhere.environment() == {"device": [("cpu", "cuda:0", 3)], "versions.quick": [("1", "2", 3)]}


@pytest.mark.parametrize(("then", "told"), [({}, "before renderers had numbers"), ({"renderer": 1}, "by renderer 1")])
async def test_another_renderer_is_the_reason_and_close_holds_then(
    tmp_path: Path, then: dict[str, Any], told: str
) -> None:
    folder = record_pictures(tmp_path, environment=then)
    today = await verified(folder, OtherEngine(off_by=1, environment={"renderer": 2}))
    assert verdicts(today) == ["close"] * 3
    assert today.holds
    assert {frame.reason for frame in today.frames} == {f"it was painted {told}, and here is renderer 2"}
    assert today.environment() == {"environment.renderer": [(then.get("renderer"), 2, 3)]}
    further = await verified(folder, OtherEngine(off_by=9, environment={"renderer": 2}))
    assert verdicts(further) == ["different"] * 3
    assert not further.holds
    assert {frame.reason for frame in further.frames} == {f"it was painted {told}, and here is renderer 2"}
    same = await verified(folder, OtherEngine(environment={"renderer": 2}))
    assert verdicts(same) == ["identical"] * 3
    assert {frame.reason for frame in same.frames} == {None}


async def test_another_version_of_ours_alone_excuses_nothing(tmp_path: Path) -> None:
    """Had it painted in another way, its renderer would have another number."""
    recorded = {"environment": {"renderer": 1}, "versions": {"quick": "1", "parafovea": "0.2.0"}}
    today = {"environment": {"renderer": 1}, "versions": {"quick": "1", "parafovea": "0.3.0"}}
    report = await verified(record_pictures(tmp_path, **recorded), OtherEngine(off_by=1, **today))
    assert verdicts(report) == ["close"] * 3
    assert report.environment() == {"versions.parafovea": [("0.2.0", "0.3.0", 3)]}
    assert not report.holds


async def test_what_is_further_away_than_the_thresholds_is_different(tmp_path: Path) -> None:
    folder = record_pictures(tmp_path)
    engine = OtherEngine(off_by=1, device="cuda:0")
    strict = await verified(folder, engine, Thresholds(psnr_db=60.0))
    assert verdicts(strict) == ["different"] * 3
    assert not strict.holds
    assert verdicts(await verified(folder, engine, Thresholds(ssim=1.0))) == ["different"] * 3
    assert verdicts(await verified(folder, OtherEngine(off_by=9, device="cuda:0"))) == ["different"] * 3


async def test_figures_are_those_of_the_target_sector(tmp_path: Path) -> None:
    """One level off inside a ninth of the picture: 48.13 dB there, however large the rest is."""
    report = await verified(record_pictures(tmp_path), OtherEngine(off_by=1))
    for frame in report.frames:
        assert frame.figures is not None
        assert frame.figures.psnr_db == pytest.approx(48.13, abs=0.01)
        assert frame.figures.differing_pixels == 40 * 32


async def test_a_difference_outside_the_sector_is_never_close(tmp_path: Path) -> None:
    folder = record_pictures(tmp_path)
    for index, (name, x, y) in enumerate([("0000_BR.png", 0, 0), ("0001_TL.png", -1, -1), ("0002_MC.png", 0, 0)]):
        change_pixel(folder / name, x, y)
        change_entry(folder, index, sha256=hashlib.sha256((folder / name).read_bytes()).hexdigest())
    report = await verified(folder, OtherEngine(device="cuda:0"))
    assert verdicts(report) == ["different"] * 3
    assert "outside the target sector" in (report.frames[0].reason or "")


@pytest.mark.parametrize("change", [{"revision": "2"}, {"kind": "layer"}])
async def test_another_model_cannot(tmp_path: Path, change: dict[str, Any]) -> None:
    report = await verified(record_pictures(tmp_path), OtherEngine(id="other", **change))
    assert verdicts(report) == ["cannot"] * 3
    assert "another model: quick (1, edit), and here is other" in (report.frames[0].reason or "")
    assert f"model.{next(iter(change))}" in report.environment()
    assert not report.holds


async def test_the_same_model_in_another_folder_is_the_same_model(tmp_path: Path) -> None:
    assert (await verified(record_pictures(tmp_path), OtherEngine(id="/elsewhere/quick"))).holds


def without_input(folder: Path) -> None:
    for path in (folder / "inputs").iterdir():
        path.unlink()


def with_input_altered(folder: Path) -> None:
    for path in (folder / "inputs").iterdir():
        change_pixel(path, 1, 1)


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (without_input, "cannot be read|was not recorded"),
        (with_input_altered, "no longer holds the recorded bytes"),
        (lambda folder: change_entry(folder, 0, seed=None), "does not say which seed"),
        (lambda folder: change_entry(folder, 0, grid_size=7), "is no request"),
        (lambda folder: change_entry(folder, 0, input_sha256=None, input_file=None), "was not recorded"),
    ],
)
async def test_what_is_not_known_cannot_be_made_again(
    tmp_path: Path, damage: Callable[[Path], None], reason: str
) -> None:
    import re

    folder = record_pictures(tmp_path)
    damage(folder)
    report = await verified(folder)
    assert report.frames[0].verdict == "cannot"
    assert re.search(reason, report.frames[0].reason or ""), report.frames[0].reason


async def test_a_frame_that_was_changed_outside_its_sector_does_not_hold(tmp_path: Path) -> None:
    """Its bytes are those that were recorded: so it was made wrongly, or the entry says another region."""
    folder = record_pictures(tmp_path)
    change_entry(folder, 1, region=[0, 0, 20, 32])
    report = await verified(folder)
    assert report.outside() == {"equal": 2, "changed": 1, "not_checked": 0}
    assert report.frames[1].outside == 20 * 32
    assert report.frames[1].verdict == "identical"
    assert not report.holds


@pytest.mark.parametrize("region", [None, [], [0, 0, 9999, 5], [5, 5, 5, 5], ["a", 1, 2, 3], {"left": 1}])
async def test_a_region_that_is_none_is_said(tmp_path: Path, region: Any) -> None:
    folder = record_pictures(tmp_path)
    change_entry(folder, 1, region=region)
    report = await verified(folder)
    assert report.outside() == {"equal": 2, "changed": 0, "not_checked": 1}
    assert report.frames[1].verdict == "identical"


async def test_nothing_is_verified_where_nothing_can_make_frames(tmp_path: Path) -> None:
    def load() -> Engine:
        raise RuntimeError("no such model")

    with SessionReader(record_pictures(tmp_path)) as reader, pytest.raises(NoMaker, match="no such model"):
        await verify(reader, EngineRemaker(load, load), Thresholds())


async def test_a_session_without_frames_holds(tmp_path: Path) -> None:
    report = await verified(record_pictures(tmp_path, seeds=()))
    assert report.holds
    assert sum(report.counts().values()) == 0


async def test_a_report_changes_nothing_of_the_session(tmp_path: Path) -> None:
    folder = record_pictures(tmp_path)
    await verified(folder)
    done = repair(Disk(), folder)
    assert done.did == []
    assert done.strays == []
