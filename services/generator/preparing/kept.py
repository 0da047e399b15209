"""What is prepared, by its ids, and what its views show, by their names: within bounds, and each for as long as
somebody asks about it."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Sequence

from services.generator.pictures import Picture
from services.generator.preparing.preparation import Preparation, View
from shared.bus.requests.preparing import LEASE_S, PreparedAnswer
from shared.errors import InvalidRequest, NotFound, QueueFull, Stale, from_code

MOST = 64
"""Changes that are prepared, of all views."""
MOST_VIEWS = 64
MOST_BYTES = 384 * 1024 * 1024
"""Memory of all changes that are prepared, their pictures included."""
REMEMBERED = 256
"""Changes that came to nothing, of which it is told why."""


class Kept:
    """Changes that are prepared and not over, and views.

    Attributes:
        views: by name.
    """

    def __init__(self) -> None:
        self._by_id: dict[str, Preparation] = {}
        self._failed: OrderedDict[str, PreparedAnswer] = OrderedDict()
        self.views: dict[str, View] = {}

    @property
    def held_bytes(self) -> int:
        """Memory that they take, their pictures included."""
        pictures = {picture.sha256: picture for picture in self._pictures()}
        own = sum(each.held_bytes for each in self._by_id.values())
        return own + sum(picture.held_bytes for picture in pictures.values())

    def all(self) -> Sequence[Preparation]:
        return list(self._by_id.values())

    def get(self, prepared_id: str) -> Preparation | None:
        return self._by_id.get(prepared_id)

    def picture(self, sha256: str) -> Picture | None:
        """A picture that a view shows, or that something is made for."""
        return next((picture for picture in self._pictures() if picture.sha256 == sha256), None)

    def view_of(self, each: Preparation) -> View | None:
        return self.views.get(each.view) if each.view is not None else None

    def of(self, view: str | None, client_id: str | None = None) -> list[Preparation]:
        """Those for a view; without one, those of a client."""
        if view is not None:
            return [each for each in self._by_id.values() if each.view == view]
        return [each for each in self._by_id.values() if client_id is not None and each.request.client_id == client_id]

    def find(self, prepared_id: str) -> Preparation:
        """One by its id; its lease begins anew. Raises Stale, the error of a failed one, or NotFound."""
        found = self._by_id.get(prepared_id)
        if found is None and (over := self._failed.get(prepared_id)) is not None:
            raise Stale(f"{over.detail}.") if over.code is None else from_code(over.code, over.detail or "")
        if found is None:
            raise NotFound(
                f"There is no preparation {prepared_id[:100]!r}: it was committed, given up, or had been asked about "
                f"for the last time more than {LEASE_S:g} s ago."
            )
        found.expires = time.monotonic() + LEASE_S
        if (view := self.view_of(found)) is not None:
            view.expires = found.expires
        return found

    def told(self, prepared_id: str) -> PreparedAnswer:
        """How one stands, or why it came to nothing. Raises NotFound."""
        failed = self._failed.get(prepared_id)
        return failed if failed is not None else self.find(prepared_id).answer()

    def forget(self, prepared_id: str) -> bool:
        """Tell no more why one came to nothing; whether it had."""
        return self._failed.pop(prepared_id, None) is not None

    def check_room(self, ids: Sequence[str], view: str | None) -> None:
        """Raises QueueFull: no more can be kept; InvalidRequest: an id is taken."""
        if len(set(ids)) < len(ids) or any(known in self._by_id or known in self._failed for known in ids):
            raise InvalidRequest("prepared_id: one of these is taken already; give each its own.")
        if len(self._by_id) + len(ids) > MOST or self.held_bytes > MOST_BYTES:
            raise QueueFull(f"{len(self._by_id)} changes are prepared already; commit some, or give them up.")
        if view is not None and view not in self.views and len(self.views) >= MOST_VIEWS:
            raise QueueFull(f"{len(self.views)} views are kept already; one goes when nobody has asked about it.")

    def add(self, each: Preparation) -> None:
        self._by_id[each.prepared_id] = each

    def end(self, each: Preparation) -> None:
        """One is over."""
        self._by_id.pop(each.prepared_id, None)
        if each.state in ("stale", "failed"):
            self._failed[each.prepared_id] = each.answer()
            if len(self._failed) > REMEMBERED:
                self._failed.popitem(last=False)

    def overdue(self) -> Iterable[Preparation]:
        """Those that nobody has asked about for so long; views of which that is so are gone."""
        now = time.monotonic()
        for view in [view for view in self.views.values() if now >= view.expires]:
            del self.views[view.name]
        return [each for each in self._by_id.values() if (each.view or now >= each.expires) and not self.view_of(each)]

    def _pictures(self) -> Iterator[Picture]:
        yield from (view.picture for view in self.views.values())
        for each in self._by_id.values():
            yield from (each.given, each.aim)
            if each.worked is not None and each.worked.given is not None:
                yield each.worked.given
