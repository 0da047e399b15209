"""``parafovea check``: is a recording whole?"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import Progress

from cli.output import say
from shared.disk import Disk
from shared.holder import AlreadyHeld, Holder
from shared.session.check import Finding, exit_code
from shared.session.check import check as findings_of
from shared.session.layout import RECORDER_LOCK
from shared.session.repair import repair as repair_folder
from shared.settings import load_settings

_MARKS = {"note": "note", "repairable": "repairable", "lost": "LOST"}


def check(
    session: Annotated[str, typer.Argument(help="A session's id, or the path of its folder.")],
    repair: Annotated[bool, typer.Option("--repair", help="Mend what can be mended, then check again.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Read every entry and file of a session, compare hashes, find gaps and strays.

    Exit code 0: whole. 1: repairable. 2: frames lost or altered. 3: there is no such session.
    """
    errors = Console(stderr=True)
    folder = _folder(session)
    if not folder.is_dir():
        errors.print(f"there is no session {session!r}; looked for {folder}", markup=False, soft_wrap=True)
        raise typer.Exit(3)
    did: list[str] = []
    if repair:
        try:
            did = _repair(folder)
        except (AlreadyHeld, OSError) as error:
            errors.print(f"not repaired: {error}", markup=False, soft_wrap=True)
            raise typer.Exit(3) from None
    findings = _read(folder, errors, quiet=as_json)
    code = exit_code(findings)
    if as_json:
        found = [finding.to_json() for finding in findings]
        say(json.dumps({"session": folder.name, "exit_code": code, "repaired": did, "findings": found}, indent=2))
    else:
        for sentence in did:
            say(f"repaired    {sentence}")
        for finding in findings:
            say(f"{_MARKS[finding.severity]:<11} {finding.file}: {finding.sentence}")
        say(_verdict(folder, findings, code))
    raise typer.Exit(code)


def _folder(session: str) -> Path:
    given = Path(session)
    if given.is_dir() and (len(given.parts) > 1 or given.is_absolute()):
        return given
    return load_settings().sessions_dir / session


def _repair(folder: Path) -> list[str]:
    """Repair, while no recorder runs on the same folder: it would repair by itself, and might be writing."""
    holder = Holder(folder.parent / RECORDER_LOCK, f"the sessions folder {folder.parent}")
    try:
        return repair_folder(Disk(), folder).did
    finally:
        holder.release()


def _read(folder: Path, errors: Console, *, quiet: bool) -> list[Finding]:
    with Progress(console=errors, disable=quiet or not errors.is_terminal, transient=True) as bar:
        task = bar.add_task(f"reading {folder.name}", total=None)

        def told(done: int, of: int) -> None:
            bar.update(task, completed=done, total=of)

        return list(findings_of(folder, told))


def _verdict(folder: Path, findings: list[Finding], code: int) -> str:
    if code == 0:
        return f"{folder.name}: whole"
    lost = sum(finding.severity == "lost" for finding in findings)
    mendable = sum(finding.severity == "repairable" for finding in findings)
    if code == 1:
        return f"{folder.name}: repairable ({mendable}); run it again with --repair"
    return f"{folder.name}: frames lost or altered ({lost})" + (f", {mendable} repairable" if mendable else "")
