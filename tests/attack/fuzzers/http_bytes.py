"""Heads, methods, targets, chunks and pipelines that no HTTP client sends.

Corpus: ``.raw``, the bytes of a connection; recipes: ``send``, and ``count`` connections that are held open behind it
where ``hold`` is true; ``never``: statuses that it must not be answered with.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from urllib.parse import quote

from services.api.http.operation import WEBSOCKET, Operation
from services.api.operations import OPERATIONS
from tests.attack import chance, recipes
from tests.attack.chance import Random
from tests.attack.http_line import Attacker, HttpCase, Labelled, request
from tests.attack.tally import Aim, Tally

METHODS = ("GET", "HEAD", "OPTIONS", "PUT", "PATCH", "TRACE", "POST", "DELETE")
ODD_METHODS = ("get", "CONNECT", "PROPFIND", "G E T", "", "GET\0", "PRI", "M-SEARCH", "X" * 5000, "GÉT", "QUERY")
TOKENS = (b"\r\n", b"\n", b"\r", b"\0", b" ", b"\t", b":", b"HTTP/1.1", b"chunked", b"\r\n\r\n", b"0\r\n\r\n", b",")
PLAIN = [operation for operation in OPERATIONS.values() if operation.method != WEBSOCKET]
STEERING = ("/session/start", "/session/stop")
"""They end an honest client's recording, as anybody may: now and then, not always."""
COSTLY = ("/session/import", "/session/compare", "/session/{session_id}/rerun")
"""Each begins a process, or minutes of work: now and then; the fuzzers of archives and of metadata do no other."""
SELDOM = 0.02
LOOSE = 64
"""Cases that need a connection each wait until there are so many."""
FILLED = ("rec_0", "rec_1", "rec_2")
"""Sessions that are there, for reading."""


def target(draw: Random, operation: Operation, victim: str, *, reads: bool) -> str:
    """A path of an operation with values in it, and a query; of sessions that are there only where it ``reads``."""
    path = operation.path
    for name, values in (
        ("{session_id}", lambda: _some_session(draw, operation, victim, reads)),
        ("{index}", lambda: _escaped(draw, draw.choice(("0", "1", "9", "-1", chance.number(draw), chance.text(draw))))),
        ("{name}", lambda: _escaped(draw, draw.choice((chance.text(draw), _climb(draw, victim), "x.jpg")))),
        ("{path}", lambda: _escaped(draw, draw.choice((chance.text(draw), _climb(draw, victim), "page.js")))),
    ):
        if name in path:
            path = path.replace(name, values())
    query = [f"{name}={_value(draw, name, victim)}" for name in operation.query if draw.random() < 0.7]
    if draw.random() < 0.2:
        query.append(draw.choice(("x=1", "&&", "=", "%", "token=" + "x" * 300, query[0] if query else "a", "a=%00")))
    return path + ("?" + "&".join(query) if query else "")


def _some_session(draw: Random, operation: Operation, victim: str, reads: bool) -> str:
    if operation.path.startswith("/session/replay/") or (reads and draw.random() < 0.5):
        return draw.choice(FILLED)
    return _escaped(draw, chance.session_id(draw, victim))


def _value(draw: Random, name: str, victim: str) -> str:
    if name in ("session_id", "a", "b"):
        return _escaped(draw, chance.session_id(draw, victim))
    if name == "loop":
        return draw.choice(("false", "no", "maybe", "", "%00"))
    return _escaped(draw, draw.choice((chance.number(draw), chance.text(draw), "true", "1")))


def _climb(draw: Random, victim: str) -> str:
    up = draw.choice(("../", "..\\", "%2e%2e/", "..%2f", "....//", "..;/", "%252e%252e%252f", "..%c0%af", "/", "./"))
    return up * draw.choice((1, 2, 6, 40)) + draw.choice(
        (victim.lstrip("/") + "/secret.txt", "etc/passwd", "secret.txt")
    )


def _escaped(draw: Random, value: str) -> str:
    """Percent-encoded, or as it is where that leaves a request line."""
    raw = chance.encoded(value[:20_000])
    if draw.random() < 0.3 and raw.isascii() and raw.isalnum():
        return value
    return quote(raw, safe=draw.choice(("", "/", "/%", "/.\\")))


HEADERS: tuple[tuple[str, Callable[[Random], str]], ...] = (
    ("host", lambda d: d.choice(("evil.example", "", "127.0.0.1:99999", "[::1", "a,b", "LOCALHOST", "x" * 500, "é"))),
    (
        "origin",
        lambda d: d.choice(("null", "http://evil.example", "", "http://localhost:1", "x" * 3000, "http://[::1")),
    ),
    ("sec-fetch-site", lambda d: d.choice(("cross-site", "same-origin", "none", "x", "cross-site, none"))),
    (
        "range",
        lambda d: d.choice(
            ("bytes=0-0", "bytes=-1", "bytes=9-1", "bytes=0-,1-", "bytes=" + "0-1," * 800, "x=1", "bytes=" + "9" * 5000)
        ),
    ),
    ("if-none-match", lambda d: d.choice(("*", '"x"', 'W/"x",' * 300, '"', "\x80"))),
    ("if-range", lambda d: d.choice(('"x"', "Mon, 01 Jan 2024 00:00:00 GMT", ""))),
    ("accept", lambda d: d.choice(("*/*;q=x", "text/html", "," * 1000, "a/b;" * 500))),
    ("accept-encoding", lambda d: d.choice(("gzip", "gzip;q=0", "br, *", "," * 2000))),
    ("authorization", lambda d: d.choice(("Bearer x", "Basic AAAA", "Bearer", "Bearer " + "x" * 5000, "é"))),
    ("cookie", lambda d: d.choice(("a=b", "a" * 4000, ";" * 3000, "token=x"))),
    (
        "content-type",
        lambda d: d.choice(("application/json", "multipart/form-data", "x", "text/plain;" * 300, "/", "é")),
    ),
    ("expect", lambda d: d.choice(("100-continue", "200-ok", "100-CONTINUE, x"))),
    ("x-forwarded-for", lambda d: d.choice(("1.2.3.4", "," * 1000, "é", "::1"))),
    ("x-forwarded-proto", lambda d: d.choice(("https", "javascript", "x" * 1000))),
    ("forwarded", lambda d: d.choice(("for=1.2.3.4;host=evil", '"' * 1000))),
    ("upgrade", lambda d: d.choice(("h2c", "TLS/1.0", "x" * 100))),
    ("te", lambda d: d.choice(("trailers", "x"))),
    ("connection", lambda d: d.choice(("keep-alive, x", "close", "host", "x," * 500))),
    ("access-control-request-method", lambda d: d.choice(("POST", "x" * 500, "é"))),
    ("x-" + "y" * 50, lambda d: "z" * d.choice((0, 100, 8000))),
    ("user-agent", lambda d: d.choice(("\x01\x02", "(" * 3000, "é", "() { :;}; echo"))),
)


class HttpBytes:
    """See the module."""

    batch = 48

    def __init__(self, aim: Aim, tally: Tally, show: bool = False) -> None:
        self._victim = str(aim.victim)
        self._attacker = Attacker(aim, tally, show)
        self._loose: list[Labelled] = []

    def draw(self, draw: Random) -> HttpCase:
        kind = draw.random()
        if kind < 0.86:
            return self._whole(draw)
        if kind < 0.90:
            return self._chunked(draw)
        if kind < 0.99:
            return self._broken(draw)
        return self._unfinished(draw)

    def of_file(self, path: Path) -> list[HttpCase]:
        recipe = recipes.load(path, self._victim)
        data = recipes.made(recipe.get("send", recipe.get("body")))
        case = HttpCase(data, framed=False, hold=bool(recipe.get("hold")), never=tuple(recipe.get("never", ())))
        return [case] * int(recipe.get("count", 1))

    def run(self, cases: Sequence[tuple[str, HttpCase | list[HttpCase]]]) -> None:
        flat: list[Labelled] = []
        for label, case in cases:
            flat += [(label, each) for each in case] if isinstance(case, list) else [(label, case)]
        at_once = [(label, case) for label, case in flat if case.framed or case.hold]
        self._loose += [(label, case) for label, case in flat if not case.framed and not case.hold]
        self._attacker.run(at_once)
        if len(self._loose) >= LOOSE or len(cases) < self.batch:
            self._flush()

    def settle(self) -> None:
        self._flush()
        self._attacker.close()

    def close(self) -> None:
        self._attacker.close()

    def _flush(self) -> None:
        loose, self._loose = self._loose, []
        self._attacker.run(loose)

    def _operation(self, draw: Random) -> Operation:
        operation = draw.choice(PLAIN)
        while operation.path in (*STEERING, *COSTLY) and draw.random() > SELDOM:
            operation = draw.choice(PLAIN)
        return operation

    def _whole(self, draw: Random) -> HttpCase:
        """A request that is one to every reader, however odd."""
        operation = self._operation(draw)
        method = operation.method if draw.random() < 0.7 else draw.choice(METHODS)
        if method in ("POST", "DELETE") and operation.method != method and operation.path in STEERING:
            method = "PUT"
        path = target(draw, operation, self._victim, reads=method in ("GET", "HEAD"))
        if draw.random() < 0.05:
            path = draw.choice(
                ("//", "/%", "/%zz", "/" + "a" * 9000, "/?", "http://evil.example/health", "/\\", "/;", "*")
            )
        headers = [(name, make(draw)) for name, make in draw.sample(HEADERS, draw.choice((0, 0, 1, 1, 2, 4, 9)))]
        body = draw.randbytes(draw.choice((0, 1, 30, 3000))) if draw.random() < 0.2 or method == "POST" else None
        case = request(method, path, body, headers)
        # Only a head in ASCII, with one Host and no upgrade, is certain to be one request to every parser.
        odd = any(name in ("host", "upgrade", "connection", "expect") for name, _ in headers)
        whole = not odd and case.data[: -len(body) if body else None].isascii() and b"\x01" not in case.data
        return replace(case, framed=whole)

    def _chunked(self, draw: Random) -> HttpCase:
        data = draw.randbytes(draw.choice((0, 1, 100, 5000)))
        size = draw.choice(
            (
                f"{len(data):x}",
                f"{len(data):X};x=y",
                "0" * 20 + f"{len(data):x}",
                "-1",
                "f" * 16,
                "f" * 40,
                "",
                "0x5",
                "g",
                "1 ",
            )
        )
        end = draw.choice(
            ("0\r\n\r\n", "0\r\n", "0\n\n", "0\r\nX-Evil: 1\r\n\r\n", "0\r\n" + "a: b\r\n" * 2000 + "\r\n", "")
        )
        coding = draw.choice(
            (
                "chunked",
                "Chunked",
                "gzip, chunked",
                "chunked, chunked",
                "chunked;q=1",
                "xchunked",
                "identity",
                "\tchunked",
            )
        )
        more = draw.choice(("", "content-length: 5\r\n", "content-length: 0\r\n", "transfer-encoding: identity\r\n"))
        head = f"POST /generate HTTP/1.1\r\nhost: 127.0.0.1\r\ntransfer-encoding: {coding}\r\n{more}\r\n"
        return HttpCase(head.encode() + f"{size}\r\n".encode() + data + b"\r\n" + end.encode(), framed=False)

    def _broken(self, draw: Random) -> HttpCase:
        kind = draw.randrange(8)
        if kind == 0:
            data = f"{draw.choice(ODD_METHODS)} /health HTTP/1.1\r\nhost: x\r\n\r\n".encode()
        elif kind == 1:
            version = draw.choice(
                ("HTTP/1.0", "HTTP/0.9", "HTTP/2.0", "HTTP/9.9", "HTTP/1.10", "http/1.1", "", "ICY", "HTTP/1.1 x")
            )
            data = f"GET /health {version}\r\nhost: x\r\n\r\n".encode()
        elif kind == 2:
            name = draw.choice(
                ("a" * 70_000, "a b", "", "a\0", ":", "é", "a\tb", " host", "Host ", "content-length", "(x)")
            )
            data = f"GET /health HTTP/1.1\r\nhost: x\r\n{name}: {'v' * draw.choice((0, 10, 70_000))}\r\n\r\n".encode()
        elif kind == 3:
            count = draw.choice((2, 101, 1000, 20_000))
            data = b"GET /health HTTP/1.1\r\nhost: x\r\n" + b"a: b\r\n" * count + b"\r\n"
        elif kind == 4:
            length = draw.choice(
                ("-1", "+5", "5, 5", "5, 6", "0x5", " 5", "5 5", "9" * 30, "1e3", "", "５", "5\r\ncontent-length: 6")
            )
            data = f"POST /generate HTTP/1.1\r\nhost: x\r\ncontent-length: {length}\r\n\r\nhello".encode()
        elif kind == 5:
            inner = f"DELETE /session/{chance.own_session(draw)} HTTP/1.1\r\nhost: x\r\n\r\n"
            length = draw.choice((0, 1, len(inner), len(inner) // 2))
            data = (
                f"POST /reset HTTP/1.1\r\nhost: x\r\ncontent-length: {length}\r\ntransfer-encoding: chunked\r\n\r\n"
                f"0\r\n\r\n{inner}"
            ).encode()
        elif kind == 6:
            data = draw.randbytes(draw.choice((1, 10, 100, 5000)))
        else:
            whole = self._whole(draw).data
            return HttpCase(chance.mutated(draw, whole[:20_000], TOKENS), framed=False)
        return HttpCase(data, framed=False)

    def _unfinished(self, draw: Random) -> HttpCase:
        whole = self._whole(draw).data
        if draw.random() < 0.5:
            return HttpCase(whole[: draw.randrange(len(whole))], framed=False, hold=True)
        length = draw.choice((10, 10**6, 90 << 20, 96 << 20, (96 << 20) + 1, 10**12))
        head = (
            f"POST /generate HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n"
        )
        return HttpCase(
            head.encode() + b'{"image_base64":"' + b"A" * draw.choice((0, 1, 1000, 100_000)), framed=False, hold=True
        )
