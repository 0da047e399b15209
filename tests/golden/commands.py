"""The ``parafovea`` commands, beside a system that runs: what they print, and how they end."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from tests.golden import disk, raw_json
from tests.golden.book import Book
from tests.support.processes import REPOSITORY, System
from tests.support.waiting import eventually

TOPIC = "commands"
TIMEOUT_S = 110.0
WAIT_S = 60.0


def entry_point() -> list[str]:
    """The command line of ``parafovea``, wherever the project says that it begins."""
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    module, _, name = project["scripts"]["parafovea"].partition(":")
    return [sys.executable, "-c", f"import sys; from {module} import {name}; sys.argv[0] = 'parafovea'; {name}()"]


def parafovea(system: System, *arguments: str) -> subprocess.CompletedProcess[bytes]:
    """Run it in the folder of a system."""
    return subprocess.run(
        [*entry_point(), *arguments],
        cwd=system.folder,
        env=system.environment(COLUMNS="200"),
        capture_output=True,
        timeout=TIMEOUT_S,
        check=False,
    )


def told(done: subprocess.CompletedProcess[bytes]) -> dict[str, Any]:
    """What a command said, for the record."""
    try:
        out: Any = {"json": raw_json.parse(done.stdout)}
    except ValueError:
        out = done.stdout.decode().splitlines()
    return {"exit code": raw_json.Number(done.returncode), "out": out, "err": done.stderr.decode().splitlines()}


def run(book: Book, system: System) -> None:
    """All of them."""
    shutil.copytree(system.sessions / "plain", system.sessions / "hurt")
    hurt = system.sessions / "hurt"
    shutil.copy(hurt / "metadata.json", system.folder)
    (hurt / "0001_TR.png").unlink(missing_ok=True)
    (hurt / "notes.txt").write_text("mine")
    os.truncate(hurt / "metadata.json", (hurt / "metadata.json").stat().st_size - 30)
    archive = ("plain.tar.gz",)
    _in_lines(
        book,
        system,
        (
            (("bus", "--json"), ("settings", "--json"), ("keys", "keys"), ("check", "nobody", "--json")),
            (("check", "plain", "--json"), ("check", "plain"), ("verify", "plain", "--json")),
            (("check", "hurt", "--json"), ("check", "hurt"), ("check", "hurt", "--repair", "--json")),
            (
                ("export", "nobody"),
                ("export", "plain", "-o", *archive),
                ("export", "plain", "-o", *archive),
                ("import", *archive, "--as", "copied", "--json"),
                ("import", *archive, "--json"),
                ("import", "metadata.json", "--json"),
                ("compare", "plain", "copied", "--json"),
            ),
            (("rerun", "plain", "--into", "once_more", "--json"), ("rerun", "plain", "--into", "once_more", "--json")),
        ),
    )
    _tap(book, system)
    disk.note_archive(book, "an export by the command", (system.folder / "plain.tar.gz").read_bytes())
    disk.note_session(book, "an import by the command", system.sessions, "copied")
    disk.note_folder(book, "a repaired session", hurt)
    disk.note_file(book, "a repair", hurt / "repairs.jsonl")
    disk.note_folder(book, "keys", system.folder / "keys")


def _in_lines(book: Book, system: System, lines: Sequence[Sequence[tuple[str, ...]]]) -> None:
    """Run commands, those of a line one after the other, the lines side by side."""

    def all_of(line: Sequence[tuple[str, ...]]) -> list[dict[str, Any]]:
        return [told(parafovea(system, *arguments)) for arguments in line]

    with ThreadPoolExecutor(len(lines)) as pool:
        for line, found in zip(lines, pool.map(all_of, lines), strict=True):
            for number, (arguments, each) in enumerate(zip(line, found, strict=True)):
                again = " (again)" if arguments in line[:number] else ""
                book.note(TOPIC, f"parafovea {' '.join(arguments)}{again}", each)


def _tap(book: Book, system: System) -> None:
    """One that prints headers, and one that prints lines for people."""
    for name, arguments in (("tap status --json", ["tap", "status", "--json"]), ("tap status", ["tap", "status"])):
        tap = system.run("tap", [*entry_point(), *arguments])
        eventually(lambda tap=tap: "\n" in tap.out, WAIT_S, name)  # type: ignore[misc]
        line = tap.out.partition("\n")[0]
        assert tap.stop() == 0
        if "--json" in arguments:
            header = raw_json.parse(line)
            header["id"] = "<message-id>"
            book.note(TOPIC, f"parafovea {name}", header)
        else:
            book.note(TOPIC, f"parafovea {name}", line.partition("  ")[2])
