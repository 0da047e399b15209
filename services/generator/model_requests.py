"""What the generator is asked about models: which one makes frames, another one for that, one for background jobs."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from services.generator.catalog import Models
from services.generator.residents import Residents
from shared.bus.call import Nothing
from shared.bus.requests.generator import CHANGE_MODEL, HAVE_MODEL, MODEL, AskedModel, HadModel, ModelState
from shared.bus.server import Server


@dataclass(frozen=True, slots=True)
class ModelRequests:
    """Handlers of the ``generator`` channel. ``tell``: has the status published soon."""

    residents: Residents
    models: Models
    tell: Callable[[], None]

    def register(self, server: Server) -> None:
        """Have them answer what this server is asked."""
        server.on(MODEL, self._model)
        server.on(CHANGE_MODEL, self._change)
        server.on(HAVE_MODEL, self._have)

    async def _model(self, asked: Nothing) -> ModelState:
        residents = self.residents
        return ModelState(
            name=residents.name or None,
            model=residents.info.model if residents.info is not None else None,
            loading=residents.loading,
            failure=residents.refusal or residents.failure,
            choices=await asyncio.to_thread(self.models.names),
            resident=tuple(name for name in residents.names if name),
        )

    async def _change(self, asked: AskedModel) -> ModelState:
        task = await self.residents.change(asked.model)
        task.add_done_callback(lambda done: self.tell())
        await asyncio.sleep(0)  # so that it has begun, and what is answered says so
        self.tell()
        return await self._model(Nothing())

    async def _have(self, asked: AskedModel) -> HadModel:
        return HadModel(model=(await self.residents.have(asked.model)).model)
