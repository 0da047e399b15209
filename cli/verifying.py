"""``parafovea verify`` at work: who makes the frames again, and what is printed."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import typer
from rich.console import Console
from rich.table import Table

from cli.output import By, fail, progress, say, session_folder
from reproduction.remaking import EngineRemaker, NoMaker, Remaker, ServerRemaker
from reproduction.verdict import FrameReport, SessionReport, Thresholds, Verdict
from reproduction.verifying import store
from reproduction.verifying import verify as verify_session
from shared.bus.clients import GeneratorClient
from shared.bus.requests.generator import STATUS
from shared.errors import GeneratorUnavailable, SessionDamaged, SessionNotFound
from shared.process.privacy import take_umask_of
from shared.process.runner import calling
from shared.process.settings import Settings, load_settings
from shared.session.reading.reader import SessionReader, open_folder
from shared.system.disk import Disk
from shared.system.extras import need

NOT_REPRODUCED = 1

_STYLES: dict[Verdict, str] = {
    "identical": "green",
    "close": "yellow",
    "different": "red",
    "altered": "bold red",
    "cannot": "magenta",
}
_NOBODY = (
    "no generator answers on the bus, so nothing can be made again by it; start one, or use --by here to load the "
    "model in this process"
)


def run(session: str, *, as_json: bool, psnr: float, ssim: float, by: By, model: str | None, keep: bool) -> None:
    """Verify a session, and end with the code that says how it went."""
    settings = load_settings()
    if model is not None:
        if by == "server":
            fail("--model is for a model in this process; a server runs the model that it was started with")
        settings, by = settings.for_model(model), "here"
    folder = session_folder(settings, session)
    try:
        with open_folder(folder) as reader:
            report = asyncio.run(_verify(settings, reader, by, Thresholds(psnr, ssim), quiet=as_json))
            if keep:
                _keep(reader, report)
    except (SessionNotFound, FileNotFoundError):
        fail(f"there is no session {session!r}; looked for {folder}")
    except (SessionDamaged, NoMaker) as error:
        fail(str(error))
    if as_json:
        say(json.dumps(report.to_json(), indent=2))
    else:
        _print(report)
    raise typer.Exit(0 if report.holds else NOT_REPRODUCED)


async def _verify(
    settings: Settings, reader: SessionReader, by: By, thresholds: Thresholds, *, quiet: bool
) -> SessionReport:
    async with _maker(settings, by) as maker:
        with progress(quiet=quiet) as bar:
            task = bar.add_task(f"verifying {reader.session_id} (made by: {maker.name})", total=reader.count)

            def on_frame(frame: FrameReport) -> None:
                bar.update(task, advance=1)
                if frame.verdict != "identical":
                    bar.console.print(f"{frame.filename}: {frame.verdict}", markup=False, highlight=False)

            return await verify_session(reader, maker, thresholds, on_frame)


@asynccontextmanager
async def _maker(settings: Settings, by: By) -> AsyncIterator[Remaker]:
    """The server's generator if it is wanted and there, else an engine in this process. Raises NoMaker where only the
    server is wanted, and is not there."""
    if by != "here":
        async with calling(settings, GeneratorClient) as client:
            try:
                await client.ask(STATUS, timeout_s=2.0)
            except GeneratorUnavailable:
                if by == "server":
                    raise NoMaker(_NOBODY) from None
            else:
                yield ServerRemaker(client)
                return
    maker = EngineRemaker(lambda: _load(settings), lambda: _natural(settings))
    try:
        yield maker
    finally:
        maker.close()


def _natural(settings: Settings) -> Any:
    need("generator", "it")
    from services.generator.natural.maker import NaturalEngine

    return NaturalEngine(settings.segmenter)


def _load(settings: Settings) -> Any:
    need("generator", "it")
    from services.generator.load import load_engine  # imports torch

    return load_engine(settings)


def _keep(reader: SessionReader, report: SessionReport) -> None:
    try:
        take_umask_of(reader.folder)
        store(Disk(), reader, report)
    except OSError as error:
        Console(stderr=True).print(f"the report could not be kept with the session: {error}", markup=False)


# -- what is printed --------------------------------------------------------------------------------------------------


def _print(report: SessionReport) -> None:
    console = Console()
    made_by = "the server" if report.made_by == "server" else "this process"
    table = Table(title=f"{report.session_id}, made again by {made_by}")
    for name in ("frame", "verdict", "PSNR dB", "SSIM", "outside"):
        table.add_column(name, no_wrap=True, justify="right" if name in ("PSNR dB", "SSIM") else "left")
    table.add_column("why", overflow="fold")
    for frame in report.frames:
        table.add_row(*_row(frame))
    console.print(table)
    _print_environment(console, report)
    counts = ", ".join(f"{count} {verdict}" for verdict, count in report.counts().items() if count)
    outside = report.outside()
    console.print(f"{report.session_id}: {counts or 'no frames'}", markup=False, highlight=False)
    console.print(
        f"outside the target sector: {outside['equal']} frames equal to their input in every pixel, "
        f"{outside['changed']} not, {outside['not_checked']} not checked",
        highlight=False,
    )
    console.print("reproduced" if report.holds else "NOT reproduced", style="green" if report.holds else "bold red")


def _row(frame: FrameReport) -> tuple[str, ...]:
    figures = frame.figures
    psnr_db = "" if figures is None else "inf" if figures.psnr_db is None else f"{figures.psnr_db:.2f}"
    similarity = "" if figures is None else f"{figures.ssim:.4f}"
    outside = "" if frame.outside is None else "equal" if frame.outside == 0 else f"{frame.outside} pixels"
    verdict = f"[{_STYLES[frame.verdict]}]{frame.verdict}[/]"
    reason = (frame.reason or "").replace("[", r"\[")
    return frame.filename, verdict, psnr_db, similarity, outside, reason


def _print_environment(console: Console, report: SessionReport) -> None:
    environment = report.environment()
    if not environment:
        if any(frame.figures for frame in report.frames):
            console.print("the environment is the recorded one", highlight=False)
        return
    table = Table(title="what differs in the environment")
    for name in ("", "recorded", "today", "frames"):
        table.add_column(name, overflow="fold", justify="right" if name == "frames" else "left")
    for key, pairs in environment.items():
        for then, now, count in pairs:
            table.add_row(key, *(str(value).replace("[", r"\[") for value in (then, now)), str(count))
    console.print(table)
