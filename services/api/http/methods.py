"""Which methods a path takes: of all the routes that lead there, as one path can have several."""

from __future__ import annotations

from collections.abc import Iterable

from starlette.routing import BaseRoute, Route

from shared.errors import MethodNotAllowed

ALL = ("GET", "HEAD", "POST", "DELETE", "OPTIONS")
"""In the order in which they are told."""
SAFE_METHODS = frozenset({"GET", "HEAD"})
"""Of requests that change nothing, but for ``operations.CHANGING_READS``."""


class WrongMethod(MethodNotAllowed):
    """The path is there, and does not take the method.

    Attributes:
        allowed: the value of the answer's ``Allow``.
    """

    def __init__(self, path: str, method: str, allowed: tuple[str, ...]) -> None:
        self.allowed = ", ".join(allowed)
        super().__init__(f"{path[:200]!r} does not take {method}; it takes {self.allowed}.")


class Methods:
    """The methods of each path.

    Args:
        routes: of the application.
    """

    def __init__(self, routes: Iterable[BaseRoute]) -> None:
        self._routes = [(route.path_regex, route.methods or set()) for route in routes if isinstance(route, Route)]

    def of(self, path: str) -> tuple[str, ...]:
        """Those that a path takes, ``OPTIONS`` among them; none where there is no such path."""
        if path == "*":  # the server as a whole: RFC 9110, 9.3.7
            return ALL
        found = {method for regex, methods in self._routes if regex.match(path) for method in methods}
        return tuple(method for method in ALL if method in found or method == "OPTIONS") if found else ()

    def check(self, path: str, method: str) -> None:
        """Refuse a method that a path does not take; of a path that is not there nothing is said.

        Raises:
            WrongMethod: saying which it takes.
        """
        allowed = self.of(path)
        if allowed and method not in allowed:
            raise WrongMethod(path, method, allowed)
