"""``parafovea models download`` at work."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import typer
from rich.progress import BarColumn, DownloadColumn, TextColumn, TimeRemainingColumn, TransferSpeedColumn

from cli.models_print import gigabytes, paragraph, prepare, refuse
from cli.output import fail, printable, progress, say
from services.generator.models import hub
from services.generator.models.checking import check
from services.generator.models.files import ModelError, ModelFolder
from services.generator.models.looking import Expected, is_of_hub, look
from services.generator.models.room import free_disk, too_little_disk
from services.generator.models.sources import find
from services.generator.models.weights import chosen_by, without
from shared.process.settings import Settings

INTERRUPTED = 130


def run(settings: Settings, *, anyway: bool) -> None:
    """Fetch the settings' model, and say where it lies."""
    try:
        if not is_of_hub(settings):
            here = find(settings).model
            say(f"{printable(settings.model)} is here: {here.single or here.folder}")
            return
        if not hub.is_offline():
            _need_room(settings)
        if not anyway:
            _need_use(settings)
        model = _fetch(settings)
    except ModelError as error:
        refuse(settings.model, str(error), as_json=False)
    except KeyboardInterrupt:
        say("Not all of it is here. The same command goes on: files that are whole are kept.", err=True)
        raise typer.Exit(INTERRUPTED) from None
    say(f"{printable(settings.model)} is here: {model.folder}")


def _need_room(settings: Settings) -> None:
    """A disk that is too small no wish makes larger."""
    found = hub.listing(settings.model)
    chosen = chosen_by(found.files, found.index, settings)
    for sentence in too_little_disk(found.chosen_bytes(chosen) - found.here_bytes(chosen), free_disk()):
        fail(f"{printable(settings.model)} is not fetched: {sentence}")


def _need_use(settings: Settings) -> None:
    prepare()
    found = look(settings)
    said = check(found, Expected(found), settings).said
    if said.refused:
        fail(f"{printable(settings.model)} is not fetched: {' '.join(said.refused)} --anyway fetches it all the same.")
    for sentence in said.warnings:
        paragraph(sentence, "! ")
    say(f"{gigabytes(found.to_fetch_bytes)} to fetch.")


def _fetch(settings: Settings) -> ModelFolder:
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
    )
    with progress(*columns) as bar, _until_interrupted() as check_interrupt:
        task = bar.add_task("fetching", total=None)

        def on_bytes(done: int, of: int) -> None:
            bar.update(task, completed=done, total=of)
            check_interrupt()

        return hub.fetch(settings.model, settings.variant, settings.allow_pickles, on_bytes, without(settings))


@contextmanager
def _until_interrupted() -> Iterator[Callable[[], None]]:
    """Ctrl-C has what is yielded raise KeyboardInterrupt in the threads that fetch, which then remove what they have
    begun: by itself it would wait for their files to be whole. The second one ends this process."""
    is_over = threading.Event()

    def on_signal(number: int, frame: object) -> None:
        if is_over.is_set():
            os._exit(INTERRUPTED)
        is_over.set()
        say("Stopping when the piece that comes is here; Ctrl-C again stops at once.", err=True)

    def check() -> None:
        if is_over.is_set():
            raise KeyboardInterrupt

    before = signal.signal(signal.SIGINT, on_signal)
    try:
        yield check
    finally:
        signal.signal(signal.SIGINT, before)
