"""``parafovea models``: which models there are, and what is to be known of one before it is fetched and loaded."""

from __future__ import annotations

import os
from typing import Annotated

import typer
from dotenv import dotenv_values

from shared.process.settings import ENV_FILE, PREFIX, Settings, load_settings
from shared.system.extras import need

app = typer.Typer(add_completion=False)

Name = Annotated[
    str, typer.Argument(help="A folder, a file, a hub id or a name, as PARAFOVEA_MODEL takes it.", show_default=False)
]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]


@app.callback(invoke_without_command=True)
def models(context: typer.Context) -> None:
    """Models: which there are, and what is to be known of one before it is fetched and loaded."""
    if context.invoked_subcommand is None:
        list_models()


@app.command("list")
def list_models(as_json: AsJson = False) -> None:
    """Print the families of models that edit pictures, and the models that are on this machine."""
    settings = _settings()
    from cli.models_list import run

    run(settings, as_json=as_json)


@app.command()
def show(name: Name, as_json: AsJson = False) -> None:
    """Explain a model: by which class it is loaded, which values its runs have, and who recommends them."""
    settings = _settings().model_copy(update={"model": name})
    from cli.models_show import run

    run(settings, as_json=as_json)


@app.command()
def check(name: Name, as_json: AsJson = False) -> None:
    """Say whether a model would load here and fit, before it is fetched: a few kilobytes of it are read.

    Exit code 0: it would. 1: it would, and there is something to be known before. 3: it would not, or cannot be had.
    """
    settings = _settings().model_copy(update={"model": name})
    from cli.models_check import run

    run(settings, as_json=as_json)


@app.command()
def download(
    name: Name,
    anyway: Annotated[bool, typer.Option("--anyway", help="Fetch it even if 'check' says it would not work.")] = False,
) -> None:
    """Fetch the files of a model that are loaded, and no other. Files that are whole are not fetched again.

    Exit code 0: it is here. 3: it is not, or it would not work here.
    """
    settings = _settings().model_copy(update={"model": name})
    from cli.models_download import run

    run(settings, anyway=anyway)


def _settings() -> Settings:
    """The settings; and of the file that they may stand in what is meant for the hub, such as HF_TOKEN and HF_HOME, as
    the processes see it that 'parafovea start' starts."""
    settings = load_settings()
    need("generator", "parafovea models")
    for name, value in dotenv_values(ENV_FILE).items():
        if value is not None and not name.startswith(PREFIX):
            os.environ.setdefault(name, value)
    return settings
