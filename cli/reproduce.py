"""Commands that reproduce: their arguments. What they do is imported when one is called, since it loads slowly."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from cli.output import By
from shared.system.extras import need


def verify(
    session: Annotated[str, typer.Argument(help="A session's id, or the path of its folder.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
    psnr: Annotated[float, typer.Option(help="Least PSNR of 'close', in decibels.")] = 40.0,
    ssim: Annotated[float, typer.Option(help="Least SSIM of 'close'.", max=1.0)] = 0.98,
    by: Annotated[
        By,
        typer.Option(
            help="Who makes the frames again: the running server's generator, this process, or (auto) the server if "
            "there is one."
        ),
    ] = "auto",
    model: Annotated[
        str | None, typer.Option(help="Folder or hub id of the model to make them with, in this process.")
    ] = None,
    keep: Annotated[bool, typer.Option(help="Keep the report with the session, as verification.json.")] = True,
) -> None:
    """Make every frame of a session again and compare it with the recorded file.

    Exit code 0: every frame is identical, or close where today's environment is another one. 1: some are not.
    3: nothing could be verified.
    """
    need("compare", "verify")
    from cli.verifying import run

    run(session, as_json=as_json, psnr=psnr, ssim=ssim, by=by, model=model, keep=keep)


def compare(
    a: Annotated[str, typer.Argument(help="A session's id, or the path of its folder.")],
    b: Annotated[str, typer.Argument(help="Another session.")],
    out: Annotated[
        Path | None, typer.Option(help="Write a picture: frames side by side with a map of where they differ.")
    ] = None,
    csv_file: Annotated[Path | None, typer.Option("--csv", help="Write the figures as CSV, a line a pair.")] = None,
    first: Annotated[int, typer.Option(help="Begin at this pair, counted from 0.", min=0)] = 0,
    count: Annotated[int | None, typer.Option(help="Compare at most so many pairs.", min=1)] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
    as_lines: Annotated[
        bool,
        typer.Option(
            "--json-lines", help="Print a JSON object a line: the total, each pair when it is done, the summary."
        ),
    ] = False,
) -> None:
    """Compare the frames of two sessions by index: PSNR and SSIM of each pair."""
    need("compare", "compare")
    from cli.comparing import run

    run(a, b, out=out, csv_file=csv_file, first=first, count=count, as_json=as_json, as_lines=as_lines)
