"""``parafovea check``: is a recording whole?"""

from __future__ import annotations

import asyncio
import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import Progress

from cli.output import fail, printable, progress, say
from shared.bus.clients import RecorderClient
from shared.bus.requests.recorder import REPAIR, RepairSession
from shared.errors import ParafoveaError, RecorderUnavailable
from shared.process.privacy import take_umask_of
from shared.process.runner import calling
from shared.process.settings import Settings, load_settings
from shared.refusals import request_of
from shared.session.check import Finding, exit_code
from shared.session.check import check as findings_of
from shared.session.format.layout import RECORDER_LOCK
from shared.session.reading.sessions import holds_session
from shared.session.writing.gaze_repair import repair_trials
from shared.session.writing.repair import repair as repair_folder
from shared.system.disk import Disk
from shared.system.holder import AlreadyHeld, Holder

_MARKS = {"note": "note", "repairable": "repairable", "lost": "LOST"}


def check(
    session: Annotated[str, typer.Argument(help="A session's id, or the path of its folder.")],
    repair: Annotated[bool, typer.Option("--repair", help="Mend what can be mended, then check again.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Read every entry and file of a session, compare hashes, find gaps and strays.

    A repair that has to write metadata.json anew keeps every key in it that can be understood, and the file as it was
    beside it.

    Exit code 0: whole. 1: repairable. 2: frames or parts of trials lost or altered. 3: there is no such session.
    """
    folder = _folder(session)
    if not folder.is_dir():
        fail(f"there is no session {session!r}; looked for {folder}")
    if not holds_session(folder):
        fail(f"{folder} holds no session: neither its metadata nor a frame")
    did: list[str] = []
    if repair:
        try:
            did = _repair(folder)
        except (AlreadyHeld, OSError, ParafoveaError) as error:
            fail(f"not repaired: {error}")
    try:
        findings = _read(folder, quiet=as_json)
    except OSError as error:
        fail(f"not read: {error}")
    code = exit_code(findings)
    if as_json:
        found = [asdict(finding) for finding in findings]
        say(json.dumps({"session": folder.name, "exit_code": code, "repaired": did, "findings": found}, indent=2))
    else:
        for sentence in did:
            say(f"repaired    {printable(sentence)}")
        for finding in findings:
            say(f"{_MARKS[finding.severity]:<11} {printable(finding.file)}: {printable(finding.sentence)}")
        say(_verdict(folder, findings, code))
    raise typer.Exit(code)


def _folder(session: str) -> Path:
    given = Path(session)
    if given.is_dir() and (len(given.parts) > 1 or given.is_absolute()):
        return given
    return load_settings().sessions_dir / session


def _repair(folder: Path) -> list[str]:
    """Repair, or have the recorder that owns the folder do it: it might be writing."""
    try:
        holder = Holder(folder.parent / RECORDER_LOCK, f"the sessions folder {folder.parent}")
    except AlreadyHeld:
        settings = load_settings()
        if folder.resolve().parent != settings.sessions_dir.resolve():
            raise
        return asyncio.run(_ask(settings, folder.resolve().name))
    try:
        take_umask_of(folder)
        return repair_folder(Disk(), folder).did + repair_trials(Disk(), folder)
    finally:
        holder.release()


async def _ask(settings: Settings, session_id: str) -> list[str]:
    asked = request_of(RepairSession, session_id=session_id)
    async with calling(settings, RecorderClient) as recorder:
        try:
            return list((await recorder.ask(REPAIR, asked)).actions)
        except RecorderUnavailable:
            raise AlreadyHeld(
                f"a recorder holds {settings.sessions_dir}, and none answers on the bus {settings.bus_address}; "
                "set PARAFOVEA_BUS to the one it is on, or stop it first"
            ) from None


def _read(folder: Path, *, quiet: bool) -> list[Finding]:
    with progress(*Progress.get_default_columns(), quiet=quiet) as bar:
        task = bar.add_task(f"reading {folder.name}", total=None)
        return list(findings_of(folder, lambda done, of: bar.update(task, completed=done, total=of)))


def _verdict(folder: Path, findings: list[Finding], code: int) -> str:
    if code == 0:
        return f"{folder.name}: whole"
    lost = sum(finding.severity == "lost" for finding in findings)
    mendable = sum(finding.severity == "repairable" for finding in findings)
    if code == 1:
        return f"{folder.name}: repairable ({mendable}); run it again with --repair"
    return f"{folder.name}: frames lost or altered ({lost})" + (f", {mendable} repairable" if mendable else "")
