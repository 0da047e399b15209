"""The model that a re-run is made with: the one that makes live frames too, or another of the generator's."""

from __future__ import annotations

from dataclasses import dataclass

from shared.bus.clients import GeneratorClient
from shared.bus.requests.generator import HAVE_MODEL, MODEL, STATUS, AskedModel
from shared.errors import GeneratorLoading, GeneratorUnavailable, InvalidRequest, UnknownType
from shared.frame import Model, is_same_model


class PeerAway(Exception):
    """A process that is needed is not there; the message says which. It is waited for."""


class OtherModel(Exception):
    """It cannot go on: the generator runs another model than it began with; the message says which."""


@dataclass(frozen=True, slots=True)
class Maker:
    """A model. ``name``: by which the generator has it for background jobs; None: it is the one that makes frames."""

    model: Model
    name: str | None = None

    def said(self) -> dict[str, str]:
        """As the head of a session says what was changed."""
        name = {"name": self.name} if self.name is not None else {}
        return {**self.model.model_dump(include={"id", "revision"}), **name}


async def maker_for(generator: GeneratorClient, wanted: str | None) -> Maker:
    """The maker that is wanted: by the name, id or beginning of the revision of the model that makes frames, or by a
    name that the generator may load.

    Raises:
        GeneratorLoading: it is on its way; ask again.
        GeneratorUnavailable: there is no model, or this one cannot be loaded.
        InvalidRequest: it may not be loaded; the message says what may.
    """
    model = await _of_frames(generator)
    if wanted is None or wanted == model.id or (wanted and model.revision.startswith(wanted)):
        return Maker(model)
    try:
        if (await generator.ask(MODEL)).name == wanted:
            return Maker(model)
        return Maker((await generator.ask(HAVE_MODEL, AskedModel(model=wanted))).model, wanted)
    except UnknownType:
        problem = (
            f"the generator runs {model.id} ({model.revision[:12]}), and is of a version that has one model at a time; "
            f"start it with PARAFOVEA_MODEL={wanted}, then make the session again"
        )
        raise InvalidRequest(problem, fields={"model": problem}) from None


async def check_maker(generator: GeneratorClient, maker: Maker) -> None:
    """Raise PeerAway where the model is not there (yet), OtherModel where it is another one now."""
    try:
        if maker.name is None:
            now = await _of_frames(generator)
        else:
            now = (await generator.ask(HAVE_MODEL, AskedModel(model=maker.name))).model
    except (GeneratorUnavailable, GeneratorLoading) as error:
        raise PeerAway(error.detail) from None
    except InvalidRequest as error:
        raise OtherModel(error.detail) from None
    if not is_same_model(now.model_dump(), maker.model.model_dump()):
        raise OtherModel(
            f"the generator runs another model now, {now.id}; a session is made with one model. "
            "Start it with the one that this re-run began with, and resume"
        )


async def _of_frames(generator: GeneratorClient) -> Model:
    status = await generator.ask(STATUS)
    if status.state == "loading":
        raise GeneratorLoading("The model is still being loaded; try again in a moment.")
    if status.state != "ready" or status.model is None:
        raise GeneratorUnavailable(f"The generator is {status.state}: {status.detail or 'see its log'}")
    return status.model
