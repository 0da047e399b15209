"""``GET /session/{id}/trials``: what was recorded, also where nothing was, or not as it should."""

from __future__ import annotations

from pathlib import Path

from shared.session.writing.gaze_part import sort_part
from shared.session.writing.gaze_record import GazeRecord
from shared.system.disk import Disk
from tests.browser.sessions import write_session
from tests.contract.conftest import Site
from tests.support.synthetic_trial import UNIX_S, SyntheticTrial


def record(folder: Path, *trials: SyntheticTrial) -> None:
    written = GazeRecord(Disk(), folder)
    for trial in trials:
        part = trial.part()
        written.write(part, sort_part(part))


async def test_trials_and_their_changes(site: Site) -> None:
    write_session(site.sessions, "s", 1)
    both = SyntheticTrial().whole(2), SyntheticTrial(trial_id="trial-b", fields={}).whole(1)
    record(site.sessions / "s", *both)
    answer = await site.client.get("/session/s/trials")
    assert answer.status_code == 200, answer.text
    told = answer.json()
    assert told["session_id"] == "s"
    first, second = told["trials"]
    assert (first["trial_id"], first["state"], first["begun_at"]) == ("trial-a", "complete", UNIX_S)
    assert first["config"]["participant"] == "P01"
    assert second["steps"]["displayed"] == 1
    assert [(row["trial_id"], row["change"]) for row in told["changes"]] == [
        ("trial-a", 1),
        ("trial-a", 2),
        ("trial-b", 1),
    ]
    shown = told["changes"][0]
    assert (shown["outcome"], shown["kind"], shown["focus"], shown["target"]) == ("shown", "change", "TL", "BR")
    assert shown["trigger_to_next_frame_ms"] == 20.0
    assert shown["fields"] == {"condition": "blink", "block": 2}


async def test_some_of_the_changes(site: Site) -> None:
    write_session(site.sessions, "s", 1)
    record(site.sessions / "s", SyntheticTrial().whole(5))
    for query, expected in (
        ("", [1, 2, 3, 4, 5]),
        ("?from=3", [4, 5]),
        ("?from=1&limit=2", [2, 3]),
        ("?limit=0", []),
        ("?from=900", []),
    ):
        told = (await site.client.get(f"/session/s/trials{query}")).json()
        assert [row["change"] for row in told["changes"]] == expected
        assert len(told["trials"]) == 1
    answer = await site.client.get("/session/s/trials?from=-1")
    assert (answer.status_code, list(answer.json()["fields"])) == (422, ["from"])


async def test_without_trials_the_lists_are_empty(site: Site) -> None:
    write_session(site.sessions, "s", 1)
    told = await site.client.get("/session/s/trials")
    assert (told.status_code, told.json()) == (200, {"session_id": "s", "trials": [], "changes": []})
    missing = await site.client.get("/session/nobody/trials")
    assert (missing.status_code, missing.json()["error"]) == (404, "session_not_found")


async def test_what_is_damaged_is_passed_over(site: Site) -> None:
    write_session(site.sessions, "s", 1)
    folder = site.sessions / "s"
    record(folder, SyntheticTrial().whole(1))
    whole = (folder / "trials.jsonl").read_bytes()
    (folder / "trials.jsonl").write_bytes(b"no line\n\xff\xfe\n[]\n" + whole + b'{"trial_id": "trial-a", "id": ')
    told = await site.client.get("/session/s/trials")
    assert told.status_code == 200, told.text
    assert [row["outcome"] for row in told.json()["changes"]] == ["shown"]
    (folder / "trials.jsonl").unlink()
    (folder / "trials.jsonl").mkdir()
    assert (await site.client.get("/session/s/trials")).status_code in (200, 409)
    assert (await site.health())["status"] == "ok"
