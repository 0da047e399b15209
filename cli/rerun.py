"""``parafovea rerun``: a recording made again with something changed."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from cli.output import fail, progress, say
from shared.bus.clients import ReplayerClient
from shared.bus.requests.replayer import RERUN, RERUN_CANCEL, RERUN_STATUS, RerunRequest, RerunState, StartRerun
from shared.errors import GeneratorLoading, ParafoveaError, ReplayerUnavailable
from shared.json_loads import loads
from shared.process.runner import calling
from shared.process.settings import Settings, load_settings
from shared.process.worker import FAILED
from shared.prompts import InvalidPrompts, parse
from shared.refusals import request_of

POLL_S = 0.25
_OVER = ("complete", "cancelled", "failed", "interrupted")


def rerun(
    session: Annotated[str, typer.Argument(help="The id of the session to make again.")],
    into: Annotated[str, typer.Option("--into", help="The id of the new session.")],
    prompts: Annotated[
        Path | None, typer.Option(help="Other prompts: a file like sector_prompts.json. [each frame's own]")
    ] = None,
    seed_offset: Annotated[int, typer.Option(help="Added to each frame's seed.")] = 0,
    strength: Annotated[float | None, typer.Option(help="Another strength, above 0 to 1.")] = None,
    model: Annotated[
        str | None, typer.Option(help="The model to make it with, which the server runs or may load.")
    ] = None,
    chain: Annotated[
        bool, typer.Option("--chain", help="Where a frame's input was an earlier frame, feed its new version instead.")
    ] = False,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with a re-run that was broken off, as it was begun.")
    ] = False,
    detach: Annotated[bool, typer.Option("--detach", help="Begin it, and do not wait for its end.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Make a session again: the same eye movements, inputs, targets and seeds, with something else changed.

    The server makes it, behind every live request, into a new session that names its parent and what was changed.
    Interrupting this command (Ctrl-C) gives the re-run up; it can be resumed. Exit code 0: complete.
    1: frames were left out. 3: it could not be done.
    """
    settings = load_settings()
    read = _read_prompts(prompts)
    changes = {"prompts": read, "seed_offset": seed_offset, "strength": strength, "chain": chain}
    try:
        wanted = request_of(StartRerun, session_id=session, into=into, model=model, resume=resume, **changes)
        state = asyncio.run(_rerun(settings, wanted, detach=detach, quiet=as_json))
    except ReplayerUnavailable:
        fail(
            f"the replayer, which makes sessions again, does not answer on the bus "
            f"{settings.bus_address}; start the server"
        )
    except ParafoveaError as error:
        fail(f"not made: {error.detail}")
    if as_json:
        say(json.dumps(state.model_dump(), indent=2))
    else:
        _print(state)
    if state.state not in ("complete", "queued", "running", "waiting"):
        raise typer.Exit(FAILED)
    raise typer.Exit(1 if state.skipped else 0)


def _read_prompts(path: Path | None) -> dict[str, Any] | None:
    if path is None:
        return None
    try:
        data = path.read_bytes()
        parse(data)
        prompts: dict[str, Any] = loads(data.removeprefix(b"\xef\xbb\xbf"))
    except OSError as error:
        fail(f"{path} cannot be read: {error.strerror}")
    except InvalidPrompts as error:
        fail(f"{path} cannot be used: {error}")
    return prompts


async def _rerun(settings: Settings, wanted: StartRerun, *, detach: bool, quiet: bool) -> RerunState:
    async with calling(settings, ReplayerClient) as replayer:
        state = await _start(replayer, wanted)
        if detach:
            return state
        try:
            return await _follow(replayer, state, quiet=quiet)
        except asyncio.CancelledError:
            Console(stderr=True).print(
                f"given up; go on with: parafovea rerun {wanted.session_id} --into {wanted.into} --resume", markup=False
            )
            await replayer.ask(RERUN_CANCEL, RerunRequest(session_id=wanted.into))
            raise


async def _start(replayer: ReplayerClient, wanted: StartRerun) -> RerunState:
    while True:
        try:
            return await replayer.ask(RERUN, wanted)
        except GeneratorLoading as error:
            await asyncio.sleep(error.retry_after_s or 1)


async def _follow(replayer: ReplayerClient, state: RerunState, *, quiet: bool) -> RerunState:
    with progress(quiet=quiet) as bar:
        task = bar.add_task(state.session_id, total=state.total)
        while state.state not in _OVER:
            await asyncio.sleep(POLL_S)
            state = await replayer.ask(RERUN_STATUS, RerunRequest(session_id=state.session_id))
            why = f" ({state.reason})" if state.state == "waiting" and state.reason else ""
            bar.update(task, completed=state.done, total=state.total, description=f"{state.session_id}{why}")
    return state


def _print(state: RerunState) -> None:
    for frame in state.skipped:
        say(f"frame {frame.index} was left out: {frame.reason}")
    reason = f": {state.reason}" if state.reason else ""
    say(f"{state.session_id}: {state.state}, {state.done} of {state.total} frames of {state.parent}{reason}")
