"""``parafovea export`` and ``parafovea import``: a session as one file."""

from __future__ import annotations

import json
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, BinaryIO

import typer
from rich.progress import BarColumn, DownloadColumn, TextColumn, TimeRemainingColumn, TransferSpeedColumn

from cli.output import fail, nobody_reads, progress, say, session_folder
from shared.errors import ParafoveaError
from shared.process.settings import Settings, load_settings
from shared.process.worker import FAILED
from shared.session.transfer.export import Export
from shared.session.transfer.importing import Imported, take_in

OnBytes = Callable[[int], None]


def export(
    session: Annotated[str, typer.Argument(help="A session's id, or the path of its folder.")],
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="The file to write, or - for standard output. [<session>.tar.gz]")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Write over a file that exists.")] = False,
) -> None:
    """Write a session as one .tar.gz, also while it is being recorded: what was recorded up to this moment."""
    folder = session_folder(load_settings(), session)
    try:
        outgoing = Export(folder.parent, folder.name)
    except ParafoveaError as error:
        fail(error.detail)
    path = out or Path(f"{folder.name}.tar.gz")
    if str(path) != "-" and path.exists() and not force:
        outgoing.close()
        fail(f"{path} exists; choose another name with --out, or write over it with --force")
    try:
        with _bar(f"exporting {folder.name}", outgoing.content_bytes) as on_bytes:
            if str(path) == "-":
                _write(outgoing, sys.stdout.buffer, on_bytes)
            else:
                _write_file(outgoing, path, on_bytes)
                say(f"{path}: {outgoing.files} files, {path.stat().st_size} bytes")
    except ParafoveaError as error:
        fail(f"not exported: {error.detail}")
    except BrokenPipeError:
        nobody_reads()
        raise typer.Exit(FAILED) from None
    except OSError as error:
        fail(f"{error.filename or path} cannot be written: {error.strerror}")


def import_session(
    file: Annotated[Path, typer.Argument(help="A .tar.gz or .tar of one session, or - for standard input.")],
    session_id: Annotated[str | None, typer.Option("--as", help="The id it is to have here.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object, of an error too.")] = False,
) -> None:
    """Take a session in: one that 'parafovea export' wrote, or a tar of a session's folder.

    Nothing in the archive is trusted. One that is not a whole session is refused with the reason, and nothing is
    written.
    """
    settings = load_settings()
    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))  # an exception removes what was begun
    try:
        imported = _import(settings, file, session_id, quiet=as_json)
    except ParafoveaError as error:
        if as_json:
            say(json.dumps(error.to_json()))
            raise typer.Exit(FAILED) from None
        fail(f"not imported: {error.detail}")
    except OSError as error:
        fail(f"not imported: {error.filename or file}: {error.strerror}")
    if as_json:
        say(json.dumps(asdict(imported)))
    else:
        had = f" (it was {imported.renamed_from})" if imported.renamed_from else ""
        say(f"{imported.session_id}{had}: {imported.frames} frames, {imported.bytes} bytes")


def _import(settings: Settings, file: Path, session_id: str | None, *, quiet: bool) -> Imported:
    is_piped = str(file) == "-"
    opened: AbstractContextManager[BinaryIO] = nullcontext(sys.stdin.buffer) if is_piped else file.open("rb")
    size = None if is_piped else file.stat().st_size
    with opened as source, _bar(f"importing {file}", size, quiet=quiet) as on_bytes:

        def read(count: int) -> bytes:
            data = source.read(count)
            on_bytes(len(data))
            return data

        return take_in(settings, read, session_id)


def _write_file(outgoing: Export, path: Path, on_bytes: OnBytes) -> None:
    """Under another name until it is whole."""
    half = path.with_name(f".{path.name}.part")
    try:
        with half.open("wb") as file:
            _write(outgoing, file, on_bytes)
        half.replace(path)
    finally:
        half.unlink(missing_ok=True)


def _write(outgoing: Export, file: BinaryIO, on_bytes: OnBytes) -> None:
    for chunk in outgoing.chunks():
        file.write(chunk)
        on_bytes(len(chunk))
    file.flush()


@contextmanager
def _bar(description: str, total: int | None, *, quiet: bool = False) -> Iterator[OnBytes]:
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    with progress(*columns, TimeRemainingColumn(), quiet=quiet) as bar:
        task = bar.add_task(description, total=total)
        yield lambda count: bar.update(task, advance=count)
