"""An installation with nobody there: set to resume, the whole server goes on recording after any end."""

from __future__ import annotations

import signal

import pytest

from tests.support.studio import Studio

pytestmark = pytest.mark.system

RECORDS = ("api", "recorder")


def start_again(studio: Studio, number: int) -> None:
    """End what knows of the active session, and start it again."""
    for name in RECORDS:
        studio.process(name).stop(number)
    studio.start_recorder()
    studio.start_api()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_what_is_made_after_a_restart_is_recorded_where_it_was(quick: Studio, number: int) -> None:
    quick.settings["PARAFOVEA_RESUME"] = "true"
    quick.start_everything()
    quick.start_session("installation")
    frames = [quick.generate(1, durable=True)]
    start_again(quick, number)
    frames.append(quick.generate(2))
    assert frames[-1].session_id == "installation"
    quick.wait_recorded("installation", frames)
    assert quick.http.post("/session/stop").json()["session_id"] == "installation"
    start_again(quick, number)
    assert quick.generate(3).session_id is None, "what was stopped is not resumed"
    quick.wait_recorded("installation", frames)


def test_by_default_the_end_of_the_server_is_the_end_of_the_session(quick: Studio) -> None:
    quick.start_everything()
    quick.start_session("ends")
    quick.generate(1, durable=True)
    start_again(quick, signal.SIGTERM)
    assert quick.http.get("/session/status").json()["session_id"] is None
    assert quick.generate(2).recorded == "no"
    assert not (quick.sessions / ".active").exists()


def test_a_deleted_session_is_not_made_anew(quick: Studio) -> None:
    quick.settings["PARAFOVEA_RESUME"] = "true"
    quick.start_everything()
    quick.start_session("doomed")
    quick.http.post("/session/stop")
    quick.start_session("other")
    assert quick.http.delete("/session/doomed").status_code == 200
    start_again(quick, signal.SIGKILL)
    assert quick.http.get("/session/status").json()["session_id"] == "other"
    assert not (quick.sessions / "doomed").exists()
