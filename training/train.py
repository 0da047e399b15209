"""One command for the whole training: ``python -m training.train`` (``make train``).

Fetches the drawings, trains autoencoder, text encoder and denoiser, and writes the model's folder. Each stage goes
on from its checkpoint, so the command may be stopped and given again. Every few minutes the folder ``current`` in
the work folder holds a whole usable model, and ``sheets`` a picture of what it draws.
"""

from __future__ import annotations

import argparse
import shutil
import time
import warnings
from dataclasses import replace
from pathlib import Path

from training.memory import restart_with_tuning
from training.settings import Settings

FINAL = "final"


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(
        prog="python -m training.train",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--work", type=Path, help="folder of data and checkpoints (default: TRAINING_WORK, or training/work)"
    )
    parser.add_argument("--output", type=Path, help="folder of the finished model")
    parser.add_argument("--continue-from", type=Path, metavar="MODEL", help="go on training a finished model's folder")
    parser.add_argument("--autoencoder-minutes", type=float)
    parser.add_argument("--denoiser-minutes", type=float)
    parser.add_argument("--denoiser-rate", type=float)
    parser.add_argument("--decoder-minutes", type=float)
    parser.add_argument("--threads", type=int, default=0, help="threads of torch (default: one a core)")
    return parser.parse_args()


def run(settings: Settings, earlier: Path | None = None) -> None:
    """All stages in order; finished ones are read from the work folder, or from the ``earlier`` model."""
    import diffusers
    import torch

    from services.generator.models.libraries import prepare_libraries
    from training import autoencoder, continuation, decoder, denoiser, export, manners, text
    from training.captions import canonical
    from training.dataset import build
    from training.imagine import imagine
    from training.objects import OBJECTS
    from training.progress import say
    from training.vocabulary import is_learnt
    from training.vocabulary import write as write_vocabulary

    prepare_libraries()
    warnings.filterwarnings("ignore")
    if earlier:
        continuation.begin_from(settings, earlier)
    drawings = build(settings, for_model=True)
    vae = autoencoder.train(settings, drawings)
    tokenizer, encoder = text.train(settings, drawings)
    latents = autoencoder.encode(vae, drawings)
    say(f"latents {tuple(latents.shape)}, mean {float(latents.mean()):.2f}, deviation {float(latents.std()):.2f}")
    captions = [
        canonical(
            item.name,
            item.colours[number % len(item.colours)] if item.colours and number % 2 else "",
            ("glossy", "painted", "", "drawn")[number % 4],
        )
        for number, item in enumerate(OBJECTS)
    ]

    def publish(unet: diffusers.UNet2DConditionModel, name: str) -> None:
        began = time.monotonic()
        pipeline = export.assemble(vae, encoder, tokenizer, unet.eval())
        if name != FINAL:
            export.sheet(pipeline, captions, settings.folder("sheets") / f"{name}.png")
        size = export.write(pipeline, settings.work / "current")
        say(f"sheet and folder {name} written, {size / 1e6:.1f} MB, {time.monotonic() - began:.0f} s")

    learnt = [n for n, e in enumerate(drawings.entries) if is_learnt(e.object, e.colour, e.style)]
    drawings, latents = drawings.where(learnt), latents[learnt]
    say(f"the denoiser learns {len(learnt)} drawings")
    material = denoiser.Material.of(
        settings, latents, drawings.entries, lambda texts: text.encode(encoder, tokenizer, texts, settings.text_tokens)
    )
    unet = denoiser.train(settings, material, publish)
    versions = torch.cat([latents[None, :, 0], imagine(unet, material, copies=2)])
    vae = decoder.refine(settings, vae, drawings, versions)
    publish(unet, FINAL)
    pipeline = export.assemble(vae, encoder, tokenizer, unet)
    write_vocabulary(
        settings.work / "current",
        frozenset(manners.weak(pipeline, drawings, settings.folder("sheets") / "manners.png")),
    )
    shutil.copytree(settings.work / "current", settings.output, dirs_exist_ok=True)
    say(f"finished: {settings.output}")


def main() -> None:
    """Entry of ``python -m training.train``."""
    given = arguments()
    restart_with_tuning("training.train")
    import torch

    if given.threads:
        torch.set_num_threads(given.threads)
    of_run = ("threads", "continue_from")
    changes = {key: value for key, value in vars(given).items() if value is not None and key not in of_run}
    run(replace(Settings(), **changes), given.continue_from)


if __name__ == "__main__":
    main()
