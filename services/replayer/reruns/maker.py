"""The model that a re-run is made with: the one that makes live frames too, or another of the generator's."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from shared.bus.clients import GeneratorClient
from shared.bus.messages import Heartbeat
from shared.bus.requests.generator import HAVE_MODEL, MODEL, STATUS, AskedModel
from shared.change import NATURAL_KIND
from shared.errors import GeneratorLoading, GeneratorUnavailable, InvalidRequest, UnknownType
from shared.frame import Model, is_same_model


class PeerAway(Exception):
    """A process that is needed is not there; the message says which. It is waited for."""


class OtherModel(Exception):
    """It cannot go on: the generator runs another model than it began with; the message says which."""


@dataclass(frozen=True, slots=True)
class Maker:
    """A model.

    Attributes:
        name: by which the generator has it for background jobs, whichever makes live frames by then; None: it has no
            names, and this is the one that makes frames.
        epoch: life of the generator in which that was so.
    """

    model: Model
    name: str | None
    epoch: str

    def said(self) -> dict[str, str]:
        """As the head of a session says what was changed."""
        return {**self.model.model_dump(include={"id", "revision"}), **self._named()}

    def made_with(self) -> dict[str, str]:
        """As the head of a session says by what it is made: enough to tell whether it is the same one later."""
        return {**self.model.model_dump(include={"id", "revision", "files_sha256", "kind"}), **self._named()}

    def check_made(self, model: Model) -> None:
        """Raise OtherModel where a frame is made by another one."""
        if model.kind == NATURAL_KIND:
            return  # no model's, and the same beside each
        if not is_same_model(model.model_dump(), self.model.model_dump()):
            raise _other(model, self.model.model_dump())

    def check_life(self, status: Heartbeat) -> None:
        """Raise PeerAway where the generator was started anew: what its models are then is to be asked for."""
        if status.epoch != self.epoch:
            raise PeerAway("the generator was started anew")

    def _named(self) -> dict[str, str]:
        return {"name": self.name} if self.name is not None else {}


@dataclass(frozen=True, slots=True)
class Begun:
    """What is known of the model that a re-run was begun with. ``model``: as a frame says it; None where nothing is."""

    model: Mapping[str, Any] | None = None
    name: str | None = None


async def maker_for(generator: GeneratorClient, wanted: str | None) -> Maker:
    """The maker that is wanted: by the name, id or beginning of the revision of the model that makes frames, or by a
    name that the generator may load.

    Raises:
        GeneratorLoading: it is on its way; ask again.
        GeneratorUnavailable: there is no model, or this one cannot be loaded.
        InvalidRequest: it may not be loaded; the message says what may.
    """
    live = await _of_frames(generator)
    if wanted is None or wanted in (live.model.id, live.name) or (wanted and live.model.revision.startswith(wanted)):
        return live
    return await _at_hand(generator, wanted, live)


async def same_maker(generator: GeneratorClient, begun: Begun, wanted: str | None = None) -> Maker:
    """The maker that a re-run was begun with. ``wanted``: what its caller believes that to be, as for
    :func:`maker_for`. Raises as that does, and OtherModel: the generator has another one."""
    live = await _of_frames(generator)
    if wanted or begun.model is None:
        found = await maker_for(generator, wanted or begun.name)
    elif begun.name is None or begun.name == live.name or is_same_model(live.model.model_dump(), begun.model):
        found = live
    else:
        found = await _at_hand(generator, begun.name, live)
    if begun.model is not None and not is_same_model(found.model.model_dump(), begun.model):
        raise _other(found.model, begun.model)
    return found


async def check_maker(generator: GeneratorClient, maker: Maker) -> Maker:
    """The maker as the generator has it now. Asks for it again only where that was started anew: asking may have it
    loaded. Raises PeerAway where the model is not there (yet), OtherModel where it is another one now."""
    try:
        if maker.name is not None and (await _status(generator)).epoch == maker.epoch:
            return maker
        return await same_maker(generator, Begun(maker.model.model_dump(), maker.name))
    except (GeneratorUnavailable, GeneratorLoading) as error:
        raise PeerAway(error.detail) from None
    except InvalidRequest as error:
        raise OtherModel(error.detail) from None


async def _of_frames(generator: GeneratorClient) -> Maker:
    """The one that makes frames."""
    status = await _status(generator)
    assert status.model is not None
    try:
        state = await generator.ask(MODEL)
    except UnknownType:
        return Maker(status.model, None, status.epoch)  # of a version that has one model
    if state.model is None:
        raise GeneratorUnavailable(f"The generator has no model: {state.failure or 'see its log'}")
    return Maker(state.model, state.name, status.epoch)


async def _status(generator: GeneratorClient) -> Heartbeat:
    """Of a generator that has a model."""
    status = await generator.ask(STATUS)
    if status.state == "loading":
        raise GeneratorLoading("The model is still being loaded; try again in a moment.")
    if status.state != "ready" or status.model is None:
        raise GeneratorUnavailable(f"The generator is {status.state}: {status.detail or 'see its log'}")
    return status


async def _at_hand(generator: GeneratorClient, name: str, live: Maker) -> Maker:
    """Another model than the one that makes frames, by its name."""
    try:
        return Maker((await generator.ask(HAVE_MODEL, AskedModel(model=name))).model, name, live.epoch)
    except UnknownType:
        problem = (
            f"the generator runs {live.model.id} ({live.model.revision[:12]}), and is of a version that has one model "
            f"at a time; start it with PARAFOVEA_MODEL={name}, then make the session again"
        )
        raise InvalidRequest(problem, fields={"model": problem}) from None


def _other(now: Model, begun: Mapping[str, Any]) -> OtherModel:
    return OtherModel(
        f"the generator runs another model now, {now.id}; a session is made with one model. "
        f"Start it with the one that this re-run began with, {str(begun.get('id'))[:200]}, and resume"
    )
