"""Making a session again, frame by frame, and comparing."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import orjson

from reproduction.environment import described, differences, other_model, other_renderer
from reproduction.figures import SMALLEST_PX, differing_outside, figures
from reproduction.remaking import CannotRemake, Remade, Remaker, region_of
from reproduction.verdict import FrameReport, SessionReport, Thresholds
from services.generator.decode import decode
from services.generator.engine import Pixels
from shared.errors import FrameCorrupt, FrameMissing, UnreadableImage
from shared.remaking import engine_of
from shared.session.format.entries import Entry
from shared.session.format.layout import VERIFICATION
from shared.session.format.recipes import NoRecipe
from shared.session.reading.reader import NoInput, SessionReader
from shared.system.disk import Disk


@dataclass(frozen=True, slots=True)
class Recorded:
    """A recorded frame as it was read: its pixels, its input, and what is known of it without making it again."""

    entry: Entry
    report: FrameReport
    pixels: Pixels | None = None
    source: bytes | None = None


async def verify(
    reader: SessionReader,
    remaker: Remaker,
    thresholds: Thresholds,
    on_frame: Callable[[FrameReport], None] = lambda _: None,
) -> SessionReport:
    """Verify every frame of a session. Raises NoMaker where nothing can make frames here."""
    today = await remaker.today()
    frames: list[FrameReport] = []
    async for recorded in _read_ahead(reader):
        report, fields = await _verify_frame(recorded, remaker, thresholds, today)
        if engine_of(recorded.entry.fields) == "model":
            today = fields or today
        frames.append(report)
        on_frame(report)
    return SessionReport(reader.session_id, time.time(), remaker.name, thresholds, described(today), frames)


def store(disk: Disk, reader: SessionReader, report: SessionReport) -> None:
    """Keep the report with the session. Raises OSError where the disk refuses; the last report stays."""
    text = orjson.dumps(report.to_json(), option=orjson.OPT_INDENT_2)
    # Two may verify one session at a time.
    disk.put_parts(reader.folder / VERIFICATION, [text, b"\n"], staged_as=f"{VERIFICATION}.{os.getpid()}")


async def _read_ahead(reader: SessionReader) -> AsyncIterator[Recorded]:
    """The recorded frames, the next one read and decoded while one is being made again."""
    entries = reader.shown_from(0)

    def following() -> Recorded | None:
        entry, problem = next(entries, (None, None))
        return None if entry is None else _read(reader, entry, problem)

    coming = asyncio.create_task(asyncio.to_thread(following))
    try:
        while (recorded := await coming) is not None:
            coming = asyncio.create_task(asyncio.to_thread(following))
            yield recorded
    finally:
        coming.cancel()


async def _verify_frame(
    recorded: Recorded, remaker: Remaker, thresholds: Thresholds, today: Mapping[str, Any]
) -> tuple[FrameReport, dict[str, Any] | None]:
    report = recorded.report
    if recorded.pixels is None or recorded.source is None:
        return report, None
    then = recorded.entry.fields
    if engine_of(then) == "natural":
        today = {}  # what is known before is of the model
    known = differences(then, {**then, **today})
    if reason := other_model(then, today):
        return replace(report, verdict="cannot", reason=reason, environment=known), None
    try:
        made = await remaker.remake(recorded.entry, recorded.source)
    except (CannotRemake, NoRecipe) as error:
        return replace(report, verdict="cannot", reason=str(error), environment=known), None
    report = replace(report, environment=differences(then, made.fields))
    if reason := other_model(then, made.fields):
        return replace(report, verdict="cannot", reason=reason), made.fields
    return await asyncio.to_thread(_compare, recorded, recorded.pixels, made, thresholds, report), made.fields


def _read(reader: SessionReader, entry: Entry, broken: str | None) -> Recorded:
    report = FrameReport(entry.index, entry.filename, str(entry.target_sector), "cannot")
    if broken is not None:
        return Recorded(entry, replace(report, verdict="altered", reason=broken))
    try:
        data = reader.frame_bytes(entry)
        pixels = decode(data).pixels
    except (FrameCorrupt, FrameMissing, UnreadableImage) as error:
        return Recorded(entry, replace(report, verdict="altered", reason=error.detail))
    try:
        source = reader.recorded_input(entry)
    except NoInput as error:
        return Recorded(entry, replace(report, reason=str(error)), pixels)
    try:
        outside, problem = _look_outside(entry, pixels, source)
    except (UnreadableImage, ValueError) as error:
        return Recorded(entry, replace(report, reason=f"its input does not fit: {error}"), pixels)
    return Recorded(entry, replace(report, outside=outside, reason=problem), pixels, source)


def _look_outside(entry: Entry, pixels: Pixels, source: bytes) -> tuple[int | None, str | None]:
    region = region_of(entry, pixels.shape[1], pixels.shape[0])
    if region is None:
        return None, "its entry does not say which region was changed"
    outside = differing_outside(pixels, decode(source).pixels, region)
    return outside, f"{outside} pixels outside the target sector differ from the input" if outside else None


def _compare(
    recorded: Recorded, pixels: Pixels, made: Remade, thresholds: Thresholds, report: FrameReport
) -> FrameReport:
    if pixels.shape != made.pixels.shape:
        return replace(report, verdict="different", reason="made again, it has another size")
    found = figures(pixels, made.pixels)
    region = region_of(recorded.entry, pixels.shape[1], pixels.shape[0])
    if region is not None and min(region.width, region.height) >= SMALLEST_PX and not found.identical:
        inside = figures(pixels[region.slices], made.pixels[region.slices])
        # What differs outside the sector as well is never close.
        if inside.differing_pixels < found.differing_pixels:
            reason = report.reason or "made again, it differs outside the target sector"
            return replace(report, verdict="different", figures=found, reason=reason)
        found = inside
    verdict = thresholds.verdict(found)
    why = report.reason if verdict == "identical" else report.reason or other_renderer(report.environment)
    return replace(report, verdict=verdict, figures=found, reason=why)
