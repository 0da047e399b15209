"""``parafovea compare`` at work: pairs, figures, the sheet, the CSV."""

from __future__ import annotations

import csv
import json
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import typer

from cli.output import fail, print_table, printable, progress, reader_may_leave, say, session_folder
from reproduction.pairing import compare, count_pairs, lines, summary
from reproduction.sheet import MAX_ROWS, Sheet
from shared.errors import SessionDamaged, SessionNotFound
from shared.process.settings import Settings, load_settings
from shared.process.worker import FAILED
from shared.session.reading.reader import SessionReader, open_folder

Row = dict[str, Any]


def run(
    a: str,
    b: str,
    *,
    out: Path | None,
    csv_file: Path | None,
    first: int,
    count: int | None,
    as_json: bool,
    as_lines: bool,
) -> None:
    """Compare two sessions, and write and print what is wanted."""
    settings = load_settings()
    with ExitStack() as held:
        reader_a, reader_b = (_open(settings, held, session, as_lines=as_lines) for session in (a, b))
        if as_lines:
            with reader_may_leave():
                for line in lines(reader_a, reader_b, first, count):
                    say(json.dumps(line))
                    sys.stdout.flush()
            return
        total = count_pairs(reader_a, reader_b)
        wanted = max(0, min(total - first, count if count is not None else total))
        if out is not None and wanted > MAX_ROWS:
            fail(f"a sheet has at most {MAX_ROWS} rows and here are {wanted}; take a part with --first and --count")
        sheet = Sheet(reader_a.session_id, reader_b.session_id, wanted) if out is not None else None
        rows: list[Row] = []
        with progress(quiet=as_json) as bar:
            found = compare(reader_a, reader_b, first, wanted)
            for compared in bar.track(found, total=wanted, description="comparing"):
                if sheet is not None:
                    sheet.add(compared)
                rows.append(compared.to_json())
    try:
        if sheet is not None and out is not None:
            sheet.save(out)
        if csv_file is not None:
            _write_csv(csv_file, rows)
    except OSError as error:
        fail(f"{error.filename or 'the file'} cannot be written: {error.strerror or error}")
    _print(reader_a.session_id, reader_b.session_id, total, rows, as_json=as_json)


def _open(settings: Settings, held: ExitStack, session: str, *, as_lines: bool) -> SessionReader:
    folder = session_folder(settings, session)
    try:
        return held.enter_context(open_folder(folder))
    except (SessionNotFound, SessionDamaged) as error:
        if as_lines:
            say(json.dumps(error.to_json()))
            raise typer.Exit(FAILED) from None
        looked = f"; looked for {folder}" if isinstance(error, SessionNotFound) else ""
        fail(f"{error.detail}{looked}")


def _write_csv(path: Path, rows: list[Row]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        if rows:
            writer.writerow(rows[0])
        writer.writerows(row.values() for row in rows)


def _print(a: str, b: str, total: int, rows: list[Row], *, as_json: bool) -> None:
    means = summary(rows)
    if as_json:
        say(json.dumps({"a": a, "b": b, "total": total, "summary": means, "frames": rows}, indent=2))
        return
    headings = ("index", "sector", "PSNR dB", "SSIM", "in sector dB", "SSIM", "prompts, or why not compared")
    with reader_may_leave():
        print_table(headings, [_row(row) for row in rows])
        parts = [f"{means['compared']} of {means['frames']} pairs compared", f"{means['identical']} identical"]
        parts += [f"mean {name} {means[key]}" for key, name in _MEANS.items() if means[key] is not None]
        say(f"{a} and {b}: {', '.join(parts)}")


_MEANS = {
    "mean_psnr_db": "PSNR of the others",
    "mean_ssim": "SSIM",
    "mean_sector_psnr_db": "PSNR in the sector",
    "mean_sector_ssim": "SSIM in the sector",
}


def _row(row: Row) -> tuple[str, ...]:
    prompts = [str(row[f"prompt_{side}"] or "") for side in "ab"]
    said = row["problem"] or (prompts[0] if prompts[0] == prompts[1] else " | ".join(prompts))
    sectors = list(dict.fromkeys(str(row[f"target_sector_{side}"]) for side in "ab" if row[f"target_sector_{side}"]))
    return (
        str(row["index"]),
        "/".join(sectors),
        *(_figure(row, prefix, key) for prefix in ("", "sector_") for key in ("psnr_db", "ssim")),
        printable(said),
    )


def _figure(row: Row, prefix: str, key: str) -> str:
    value = row[prefix + key]
    if value is None:
        return "inf" if row[f"{prefix}ssim"] is not None else "-"
    return f"{value:.2f}" if key == "psnr_db" else f"{value:.4f}"
