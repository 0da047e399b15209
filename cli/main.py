"""The ``parafovea`` command."""

from __future__ import annotations

from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from cli.archive import export, import_session
from cli.bus import bus, keys
from cli.check import check
from cli.decide import decide
from cli.eyes import eyes
from cli.models import app as models
from cli.output import flushed, prepare, reader_may_leave, say
from cli.reproduce import compare, verify
from cli.rerun import rerun
from cli.settings import settings
from cli.start import start
from cli.tap import tap
from cli.trials import trials
from shared.errors import ParafoveaError
from shared.process.runner import EXIT_REFUSED, REFUSALS
from shared.process.worker import FAILED
from shared.system.extras import NotInstalled
from shared.version import VERSION


class _Sentences(TyperGroup):
    """Errors that a user can do something about are sentences, whichever command meets them, in every encoding; and
    whoever reads the output may stop when they have enough."""

    def main(self, *arguments: Any, **options: Any) -> Any:
        prepare()
        with flushed():
            return super().main(*arguments, **options)

    def invoke(self, ctx: Any) -> Any:
        try:
            with reader_may_leave():
                return super().invoke(ctx)
        except (*REFUSALS, ParafoveaError) as error:
            say(f"parafovea: {error}", err=True)
            raise typer.Exit(EXIT_REFUSED) from None
        except NotInstalled as error:
            say(f"parafovea: {error}", err=True)
            raise typer.Exit(FAILED) from None


app = typer.Typer(cls=_Sentences, no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)


def _show_version(wanted: bool) -> None:
    if wanted:
        say(f"parafovea {VERSION}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Parafovea: changes the part of a picture that its viewer is not looking at, records it, replays it."""


for command in (start, tap, bus, settings, keys, check, verify, compare, export, rerun, eyes, decide, trials):
    app.command()(command)
app.command("import")(import_session)
app.add_typer(models, name="models")


if __name__ == "__main__":
    app()
