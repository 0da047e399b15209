"""Which methods a path takes, over all routes that it matches."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from starlette.routing import BaseRoute, Route

from shared.errors import MethodNotAllowed

ALL = ("GET", "HEAD", "POST", "DELETE", "OPTIONS")
"""In the order in which they are listed."""
SAFE_METHODS = frozenset({"GET", "HEAD"})
"""Of requests that change nothing, with some exceptions: ``Methods.may_change``."""


class WrongMethod(MethodNotAllowed):
    """The path exists, and does not take the method.

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
        changing_reads: paths whose GET changes something.
    """

    def __init__(self, routes: Iterable[BaseRoute], changing_reads: Collection[str]) -> None:
        self._changing_reads = changing_reads
        self._routes = [(route.path_regex, route.methods or set()) for route in routes if isinstance(route, Route)]

    def of(self, path: str) -> tuple[str, ...]:
        """The methods of a path, with ``OPTIONS``; none if there is no such path."""
        if path == "*":  # the server as a whole: RFC 9110, 9.3.7
            return ALL
        found = {method for regex, methods in self._routes if regex.match(path) for method in methods}
        return tuple(method for method in ALL if method in found or method == "OPTIONS") if found else ()

    def may_change(self, path: str, method: str) -> bool:
        """Whether a request may change something."""
        return method not in SAFE_METHODS or path in self._changing_reads

    def check(self, path: str, method: str) -> None:
        """Refuse a method that an existing path does not take.

        Raises:
            WrongMethod: with those that it takes.
        """
        allowed = self.of(path)
        if allowed and method not in allowed:
            raise WrongMethod(path, method, allowed)
