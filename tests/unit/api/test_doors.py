"""Who may call: origins, host names, tokens."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.datastructures import Headers

from services.api.edge.access import CorsPolicy, TokenCheck
from services.api.edge.gate import decoded_path
from shared.bus.address import is_loopback
from shared.errors import Forbidden, Unauthorized


def policy(*origins: str, beyond: bool = False, token: bool = False) -> CorsPolicy:
    return CorsPolicy(origins, any_name=beyond or token)


@pytest.mark.parametrize(
    ("origin", "allowed"),
    [
        ("http://localhost", True),
        ("https://LOCALHOST:8443", True),
        ("http://[::1]:3000", True),
        ("capacitor://localhost", True),
        ("http://localhost:123456", False),
        ("http://localhost.evil.example", False),
        ("http://evil.example/?http://localhost", False),
        ("http://localhost\n", False),
        ("http://127.0.0.2", False),
        ("null", False),
        ("", False),
    ],
)
def test_by_default_this_machine(origin: str, allowed: bool) -> None:
    assert policy().allows(origin) == allowed


def test_configured_origins_stand_in_place_of_the_default() -> None:
    lab = policy("https://lab.example/", "null")
    assert lab.allows("https://LAB.example")
    assert lab.allows("null")
    assert not lab.allows("http://lab.example")
    assert not lab.allows("http://localhost")
    assert policy("*").allows("https://anything.example")


@given(st.text(max_size=40))
def test_no_host_but_an_address_or_localhost(host: str) -> None:
    try:
        policy().check_host(host)
    except Forbidden:
        return
    name = host.lower().rsplit(":", 1)[0] if not host.endswith("]") else host.lower()
    assert "localhost" in name or any(character in "0123456789:" for character in name)


def test_beyond_loopback_names_are_the_operators_matter() -> None:
    policy(beyond=True).check_host("lab-7.local:8001")
    policy(token=True).check_host("lab-7.local")
    with pytest.raises(Forbidden):
        policy().check_host("lab-7.local")
    with pytest.raises(Forbidden):
        policy().check_host("")


def test_our_own_page_may_change_things() -> None:
    ours = policy("https://lab.example", beyond=True)
    ours.check_change("http://192.168.1.5:8001", "192.168.1.5:8001")
    ours.check_change(None, "anything")
    for origin, host in [("http://192.168.1.5:8002", "192.168.1.5:8001"), ("null", ""), ("http://", "")]:
        with pytest.raises(Forbidden):
            ours.check_change(origin, host)


EMBEDDING = [
    # What is told of the page, and what is answered: by default, ...
    ((), {"referer": "http://localhost:3000/a?b#c"}, "cross-origin"),
    ((), {"referer": "http://127.0.0.1:5173"}, "cross-origin"),
    ((), {"referer": "http://[::1]:80/"}, "cross-origin"),
    ((), {"referer": "https://evil.example/"}, "same-origin"),
    ((), {"referer": "http://evil.example/http://localhost/"}, "same-origin"),
    ((), {"referer": "http://localhost.evil.example/"}, "same-origin"),
    ((), {"referer": "http://localhost@evil.example/"}, "same-site"),
    ((), {"referer": "http://127.0.0.2/"}, "same-origin"),
    ((), {"referer": "http://evil.localhost/"}, "same-origin"),
    ((), {"origin": "http://localhost:3000"}, "cross-origin"),
    ((), {"origin": "https://evil.example", "referer": "http://localhost/"}, "same-origin"),
    ((), {"origin": "null"}, "same-origin"),
    # ... where the page keeps it back, by the host that it is on, ...
    ((), {"host": "localhost:8001"}, "same-site"),
    ((), {"host": "127.0.0.1:8001", "referer": "nonsense"}, "same-site"),
    ((), {"host": "192.168.1.5:8001"}, "same-origin"),
    ((), {"host": "lab.example"}, "same-origin"),
    ((), {"host": "127.0.0.2"}, "same-origin"),
    ((), {"host": ""}, "same-origin"),
    # ... and with origins that are set.
    (("https://lab.example",), {"referer": "https://LAB.example/x"}, "cross-origin"),
    (("https://lab.example",), {"referer": "http://lab.example/x"}, "same-origin"),
    (("https://lab.example",), {"referer": "http://localhost/"}, "same-origin"),
    (("https://lab.example",), {"host": "localhost"}, "same-origin"),
    (("https://lab.example", "null"), {}, "cross-origin"),
    (("https://lab.example", "null"), {"referer": "https://evil.example/"}, "same-origin"),
    (("*",), {}, "cross-origin"),
    (("*",), {"referer": "https://evil.example/"}, "cross-origin"),
]


@pytest.mark.parametrize(("origins", "told", "expected"), EMBEDDING)
def test_which_pages_may_embed(origins: tuple[str, ...], told: dict[str, str], expected: str) -> None:
    assert policy(*origins).embedding(Headers({"host": "localhost:8001", **told})) == expected


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("127.0.0.1", True),
        ("localhost", True),
        ("::1", True),
        ("127.8.8.8", True),
        ("0.0.0.0", False),
        ("::", False),
        ("lab", False),
    ],
)
def test_loopback(host: str, expected: bool) -> None:
    assert is_loopback(host) == expected


def scope(kind: str = "http", method: str = "GET", query: bytes = b"", **headers: str) -> dict[str, Any]:
    named = [(name.encode(), value.encode("latin-1")) for name, value in headers.items()]
    return {"type": kind, "method": method, "query_string": query, "headers": named}


@given(st.text(max_size=20))
def test_only_the_token_opens(given_token: str) -> None:
    check = TokenCheck("sesame")
    asked = scope(query=f"token={given_token}".encode()) if "&" not in given_token else scope()
    if given_token == "sesame":
        check.check(asked)
    else:
        with pytest.raises(Unauthorized):
            check.check(asked)


def test_where_a_token_may_stand() -> None:
    check = TokenCheck("säsam & Öl")
    encoded = b"token=s%C3%A4sam%20%26%20%C3%96l"
    check.check(scope(query=encoded))
    check.check(scope("websocket", query=encoded))
    check.check({**scope(), "headers": [(b"authorization", "bearer säsam & Öl".encode())]})
    with pytest.raises(Unauthorized):
        check.check(scope(method="POST", query=encoded))
    TokenCheck(None).check(scope())


@pytest.mark.parametrize(
    ("raw", "path"),
    [
        (b"/session/list", "/session/list"),
        (b"/session/a%2Fb", "/session/a%2Fb"),
        (b"/session/a%2fb%0A", "/session/a%2Fb%0A"),
        (b"/session/%2e%2e", "/session/.."),
        (b"/session/%C3%A4", "/session/ä"),
        (b"/session/%ff", "/session/\N{REPLACEMENT CHARACTER}"),
    ],
)
def test_an_encoded_slash_stays_in_its_part(raw: bytes, path: str) -> None:
    assert decoded_path({"raw_path": raw, "path": "unused"}) == path
