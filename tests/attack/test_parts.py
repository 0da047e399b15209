"""The bench's own parts: a fuzzer that cannot find anything proves nothing."""

from __future__ import annotations

import pickle
import random
import struct
from pathlib import Path

import pytest

from tests.attack import recipes, zmtp
from tests.attack.chance import random_of
from tests.attack.fuzzers.websockets import frame
from tests.attack.honest import Ledger
from tests.attack.http_line import Answers, request
from tests.attack.place import differences
from tests.attack.report import Report
from tests.attack.tally import MOST_FINDINGS, Aim, Tally
from tests.attack.watch import Asked, Logs, Use
from tests.attack.worker import FUZZERS


@pytest.fixture
def aim(folder: Path) -> Aim:
    return Aim("127.0.0.1", 1, f"ipc://{folder}", folder / "sessions", Path("/nowhere/victim"), b"marker")


@pytest.mark.parametrize("name", sorted(FUZZERS))
def test_a_case_depends_on_seed_fuzzer_and_number_alone(name: str, aim: Aim) -> None:
    one, other = FUZZERS[name](aim, Tally(), False), FUZZERS[name](aim, Tally(), False)
    forwards = [pickle.dumps(one.draw(random_of(5, name, number))) for number in range(200)]
    random.random()
    backwards = [pickle.dumps(other.draw(random_of(5, name, number))) for number in reversed(range(200))]
    assert forwards == backwards[::-1]
    assert len(set(forwards)) > 50
    assert pickle.dumps(one.draw(random_of(6, name, 0))) != forwards[0] or len(set(forwards)) < 200


@pytest.mark.parametrize("name", sorted(FUZZERS))
def test_every_file_of_the_corpus_can_be_read(name: str, aim: Aim) -> None:
    fuzzer = FUZZERS[name](aim, Tally(), False)
    paths = recipes.files_of(name)
    assert paths
    for path in paths:
        recipe = recipes.load(path)
        assert path.suffix == ".raw" or recipe["why"]
        if not recipe.get("heavy"):
            fuzzer.of_file(path)
    stray = [path.name for path in (recipes.CORPUS / name).iterdir() if path not in paths]
    assert not stray


def test_every_folder_of_the_corpus_is_a_fuzzers() -> None:
    assert {path.name for path in recipes.CORPUS.iterdir() if path.is_dir()} == set(FUZZERS)


def test_answers_are_told_apart_wherever_the_bytes_are_cut() -> None:
    whole = (
        b"HTTP/1.1 100 Continue\r\n\r\n"
        b"HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\nabc"
        b"HTTP/1.1 404 Not Found\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nde\r\n1\r\nf\r\n0\r\n\r\n"
        b"HTTP/1.1 204 No Content\r\n\r\n"
    )
    for size in (1, 7, len(whole)):
        answers, found = Answers(), []
        for start in range(0, len(whole), size):
            answers.feed(whole[start : start + size])
            while answer := answers.next(False):
                found.append(answer.status)
        assert found == [200, 404, 204]
        assert not answers.has_part


def test_a_request_has_the_length_of_its_body() -> None:
    data = request("POST", "/x", b"hello", [("a", "b")]).data
    assert data == b"POST /x HTTP/1.1\r\nhost: 127.0.0.1\r\na: b\r\ncontent-length: 5\r\n\r\nhello"


def test_websocket_frames_are_masked_and_measured() -> None:
    assert frame(1, b"ab", mask=b"\0\0\0\0") == b"\x81\x82\0\0\0\0ab"
    assert frame(1, b"ab", mask=b"\1\2\3\4")[6:] == bytes([ord("a") ^ 1, ord("b") ^ 2])
    assert frame(2, b"x" * 70_000, mask=None)[:10] == struct.pack("!BBQ", 0x82, 127, 70_000)


def test_zmtp_frames_are_measured() -> None:
    assert zmtp.message([b"a", b"b"]) == b"\x01\x01a\x00\x01b"
    assert zmtp.frame(bytes(300))[:9] == struct.pack("!BQ", 2, 300)
    assert len(zmtp.greeting()) == 64
    assert zmtp.old_frame(b"ab", more=True) == b"\x03\x01ab"


def test_findings_are_counted_beyond_those_that_are_kept() -> None:
    tally = Tally()
    for number in range(3 * MOST_FINDINGS):
        tally.find(f"x:{number}", "bad")
    assert len(tally.findings) == MOST_FINDINGS
    assert tally.counts["findings"] == 3 * MOST_FINDINGS


def report(**more: object) -> Report:
    made = Report(1, "ipc", "quick", timed=True, health=Asked(times=[(0.0, 0.01)] * 1000, statuses={200: 1000}))
    for name, value in more.items():
        setattr(made, name, value)
    return made


def test_a_report_without_a_broken_rule_says_so() -> None:
    assert report().broken() == []
    assert "rules broken      0" in report().table()


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"health": Asked(times=[(0.0, 0.01)] * 900 + [(0.0, 1.0)] * 100)}, "1000 ms at p99.9"),
        ({"health": Asked()}, "never answered"),
        ({"health": Asked(times=[(0.0, 0.01)] * 1000, unanswered=["timed out"])}, "was not answered"),
        ({"health": Asked(times=[(0.0, 0.01)] * 1000, statuses={503: 1})}, "answered 503"),
        ({"uses": {"api": Use(100, 200, 151)}}, "1.51 times"),
        ({"uses": {"api": Use(100, 4 << 30, 100)}}, "grew to 4096 MB"),
        ({"uses": {"api": Use(1, 1, 1, 10, 100, 100)}}, "100 descriptors"),
        ({"ended": ["api (exit code 1)"]}, "process ended"),
        ({"exit_codes": {"api": 1}}, "exit code 1"),
        ({"tracebacks": ["api: x"]}, "traceback"),
        ({"errors": ["api: x"]}, "error of api"),
        ({"outside": ["victim/secret.txt is gone"]}, "outside the folder"),
        ({"honest": Ledger(broken=["wrong bytes"])}, "wrong bytes"),
        ({"honest": Ledger(lost=1)}, "1 honest frames were lost"),
    ],
)
def test_each_rule_can_be_broken(more: dict[str, object], said: str) -> None:
    broken = report(**more).broken()
    assert len(broken) == 1
    assert said in broken[0]
    assert said in report(**more).table()


def test_logs_are_read_for_tracebacks_and_errors_once(folder: Path) -> None:
    class Named:
        name = "api"
        err_path = folder / "api.err"

    Named.err_path.write_text(
        "2026-01-01 00:00:00,000 api       INFO    all is well\n"
        "2026-01-01 00:00:00,000 api       ERROR   it failed\n"
        'Traceback (most recent call last):\n  File "x.py", line 1, in y\nValueError: bad\n'
    )
    logs = Logs([Named()])  # type: ignore[list-item]
    logs.look("x:1")
    logs.look("x:2")
    assert list(logs.tracebacks) == ["api: ValueError: bad"]
    assert "during x:1" in logs.tracebacks["api: ValueError: bad"]
    assert list(logs.errors) == ["api: it failed"]


def test_what_changed_outside_is_named() -> None:
    assert differences({"a": "1", "b": "1"}, {"a": "2", "c": "1"}) == ["a was changed", "b is gone", "c is new"]
