"""Processes stopped, killed, late, doubled: every answered frame is in its session, or named as lost."""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable

import psutil
import pytest
import zmq

from services.generator.pictures import KEPT_PICTURES
from tests.support.studio import Answered, Studio, noise_png
from tests.support.waiting import eventually

pytestmark = pytest.mark.system

MIB = 1024 * 1024


def test_a_stopped_recorder_catches_up(studio: Studio) -> None:
    studio.start_session("s")
    recorder = studio.process("recorder")
    first = studio.generate(0, durable=True)  # the recorder is up, and idle
    recorder.send(signal.SIGSTOP)
    frames = [first, *(studio.generate(seed) for seed in range(1, 30))]
    assert {frame.recorded for frame in frames[1:]} == {"pending"}
    recorder.send(signal.SIGCONT)
    studio.wait_recorded("s", frames)


def test_a_recorder_that_starts_late_finds_every_frame(studio: Studio) -> None:
    studio.start_session("s")
    studio.process("recorder").stop()
    frames = [studio.generate(seed) for seed in range(12)]
    assert {frame.recorded for frame in frames} == {"pending"}
    studio.start_recorder()
    studio.wait_recorded("s", frames)


def test_a_killed_recorder_is_told_which_session_is_active(studio: Studio) -> None:
    studio.start_session("s")
    frames = [studio.generate(0)]
    studio.process("recorder").kill()
    frames.append(studio.generate(1))
    studio.start_recorder()
    frames.append(studio.generate(2))
    studio.wait_recorded("s", frames)
    eventually(lambda: studio.http.get("/session/status").json()["session_id"] == "s")
    frames.append(studio.generate(3, durable=True))
    assert frames[-1].recorded == "disk"


def test_a_killed_api_adopts_the_active_session(studio: Studio) -> None:
    studio.start_session("s")
    frames = [studio.generate(0)]
    studio.process("api").kill()
    studio.start_api()
    frames.append(studio.generate(1))
    assert frames[-1].session_id == "s"
    studio.wait_recorded("s", frames)


def test_an_api_killed_while_the_recorder_is_stopped_records_all_or_refuses(studio: Studio) -> None:
    studio.start_session("s")
    recorder = studio.process("recorder")
    recorder.send(signal.SIGSTOP)
    frames = [studio.generate(0)]
    studio.process("api").kill()
    studio.start("api")
    refused = studio.post_generate(1)
    assert (refused.status_code, studio.error_of(refused)) == (503, "recorder_unavailable")
    recorder.send(signal.SIGCONT)
    studio.wait_until_ready()
    frames.append(studio.generate(2))
    assert frames[-1].session_id == "s"
    studio.wait_recorded("s", frames)


def test_when_everything_restarts_no_session_is_active(studio: Studio) -> None:
    studio.start_session("s")
    frames = [studio.generate(0, durable=True)]
    studio.stop_all()
    studio.start_everything()
    assert studio.generate(1).recorded == "no"
    studio.start_session("s", resume="true")
    frames.append(studio.generate(2))
    studio.wait_recorded("s", frames)


def test_a_killed_generator_loses_what_only_it_had_and_the_loss_is_named(studio: Studio) -> None:
    studio.start_session("s")
    kept = [studio.generate(0, durable=True)]
    studio.process("recorder").send(signal.SIGSTOP)
    gone = [studio.generate(seed) for seed in (1, 2, 3)]
    studio.process("generator").kill()
    # What the recorder was sent before it stopped reading may be recorded after all; the rest is named.
    studio.process("recorder").send(signal.SIGCONT)
    studio.start_generator()
    studio.wait_until_ready()
    kept_after = studio.generate(4, durable=True)

    def settled() -> bool:
        named = set(studio.metadata("s").get("lost", []))
        recorded = set(studio.frame_ids("s"))
        return {frame.frame_id for frame in gone} == (named | recorded) - {kept[0].frame_id, kept_after.frame_id}

    eventually(settled, 30, "each frame is recorded or named as lost")
    lost = studio.metadata("s").get("lost", [])
    survivors = [frame for frame in gone if frame.frame_id not in lost]
    studio.assert_whole("s", [*kept, *survivors, kept_after])
    eventually(lambda: sorted(studio.health()["lost"].get("s", [])) == sorted(lost), 10, "/health names them")


def test_durable_answers_survive_a_killed_generator(studio: Studio) -> None:
    studio.start_session("s")
    frames = []
    for round_ in range(3):
        frames += [studio.generate(10 * round_ + number, durable=True) for number in range(4)]
        studio.process("generator").kill()
        studio.start_generator()
        studio.wait_until_ready()
    assert {frame.recorded for frame in frames} == {"disk"}
    studio.wait_recorded("s", frames)


def test_everything_stopped_at_once_with_frames_pending(studio: Studio) -> None:
    studio.start_session("s")
    studio.plan.write({"step": "fsync", "match": "", "action": "errno", "errno": "EIO"})
    frames = [studio.generate(seed) for seed in range(8)]
    assert {frame.recorded for frame in frames} == {"pending"}
    studio.stop_all()
    assert list((studio.sessions / ".spill").iterdir())
    studio.plan.clear()
    studio.start_everything()
    studio.wait_recorded("s", frames)
    eventually(lambda: not list((studio.sessions / ".spill").glob("*")), 10, "the spill is empty")
    assert studio.metadata("s").get("lost", []) == []


def test_a_generator_restarted_alone_leaves_its_spill_to_the_recorder(studio: Studio) -> None:
    studio.start_session("s")
    studio.plan.write({"step": "fsync", "match": "", "action": "errno", "errno": "ENOSPC"})
    frames = [studio.generate(seed) for seed in range(4)]
    studio.process("generator").stop()
    studio.start_generator()
    studio.wait_until_ready()
    studio.plan.clear()
    frames.append(studio.generate(9))
    studio.wait_recorded("s", frames)
    assert studio.metadata("s").get("lost", []) == []
    assert studio.health()["lost"] == {}


@pytest.mark.parametrize("name", ["generator", "recorder"])
def test_a_second_holder_refuses_and_says_so(studio: Studio, name: str) -> None:
    studio.start_session("s")
    frames = [studio.generate(0)]
    second = studio.run(name, [sys.executable, "-m", "tests.support.launch", name])
    assert second.wait(30) == 2
    assert "another process already holds" in second.err
    frames.append(studio.generate(1))
    studio.wait_recorded("s", frames)


def test_a_second_recorder_on_another_bus_and_the_same_folder_refuses(studio: Studio) -> None:
    elsewhere = studio.folder / "bus2"
    command = [sys.executable, "-m", "tests.support.launch", "recorder"]
    second = studio.run("recorder2", command, PARAFOVEA_BUS=f"ipc://{elsewhere}")
    assert second.wait(30) == 2
    assert str(studio.sessions) in second.err


def test_frames_are_named_though_generator_api_and_recorder_died(studio: Studio) -> None:
    studio.start_session("s")
    kept = [studio.generate(0, durable=True)]
    studio.process("recorder").send(signal.SIGSTOP)
    gone = [studio.generate(seed) for seed in (1, 2)]
    assert {frame.recorded for frame in gone} == {"pending"}
    (journal,) = (studio.sessions / ".journal").glob("*.jsonl")
    assert all(frame.frame_id in journal.read_text() for frame in gone)
    for name in ("api", "generator", "recorder"):
        studio.process(name).kill()
    studio.start_recorder()
    eventually(lambda: studio.metadata("s").get("lost") == [frame.frame_id for frame in gone], 30, "they are named")
    eventually(lambda: not journal.parent.exists(), 10, "and the journal is gone")
    studio.start_generator()
    studio.start_api()
    studio.start_session("s", resume="true")
    kept.append(studio.generate(3, durable=True))
    studio.assert_whole("s", kept)
    assert studio.health()["lost"] == {"s": [frame.frame_id for frame in gone]}


def test_a_mark_so_small_that_nearly_all_is_dropped(make_studio: Callable[..., Studio]) -> None:
    studio = make_studio(PARAFOVEA_BUS_BUDGET_BYTES="1")
    studio.start_everything()
    studio.start_session("s")
    recorder = studio.process("recorder")
    frames = []
    for seed in range(60):
        if seed % 20 == 5:
            recorder.send(signal.SIGSTOP)
        if seed % 20 == 15:
            recorder.send(signal.SIGCONT)
        frames.append(studio.generate(seed))
    studio.wait_recorded("s", frames)


def test_a_subscriber_that_never_reads_slows_nobody_and_memory_stays_bounded(
    make_studio: Callable[..., Studio],
) -> None:
    studio = make_studio(PARAFOVEA_BUS_BUDGET_BYTES=str(4 * MIB))
    studio.start_everything()
    studio.start_session("s")
    with zmq.Context() as context, context.socket(zmq.SUB) as deaf:
        deaf.linger = 0
        deaf.subscribe(b"")
        deaf.connect(studio.address.of("frames"))
        generator = psutil.Process(studio.process("generator").pid)
        image = noise_png(256, 256, 1)
        # As many that the generator has kept what it keeps of recent pictures, whoever listens.
        frames = [studio.generate(seed, image=image) for seed in range(KEPT_PICTURES)]
        early = generator.memory_info().rss
        frames += [studio.generate(seed, image=image) for seed in range(KEPT_PICTURES, KEPT_PICTURES + 120)]
        grown = generator.memory_info().rss - early
    published = sum(len(frame.png) for frame in frames[KEPT_PICTURES:])
    assert grown < published / 4, f"{grown} bytes for {published} published"
    studio.wait_recorded("s", frames)


def test_a_recorder_that_dies_under_honcho_takes_all_down_and_loses_nothing(studio: Studio) -> None:
    studio.stop_all()
    launch = f"exec {sys.executable} -m tests.support.launch"
    procfile = studio.folder / "Procfile"
    procfile.write_text(
        f"generator: {launch} generator\n"
        f"recorder: {launch} recorder\n"
        f"replayer: exec {sys.executable} -m services.replayer\n"
        f"api: exec {sys.executable} -m services.api\n"
    )
    honcho = studio.run("honcho", [sys.executable, "-m", "honcho", "-f", str(procfile), "start"])
    studio.wait_until_ready()
    studio.start_session("s")
    frames = [studio.generate(0, durable=True)]
    (recorder,) = (
        child for child in psutil.Process(honcho.pid).children(recursive=True) if "recorder" in child.cmdline()
    )
    recorder.suspend()
    frames += [studio.generate(seed) for seed in range(1, 6)]
    recorder.kill()
    honcho.wait(15)
    assert list((studio.sessions / ".spill").iterdir())
    studio.start_everything()
    studio.wait_recorded("s", frames)
    assert studio.metadata("s").get("lost", []) == []


def test_past_the_backlogs_limit_requests_are_refused_before_a_step(make_studio: Callable[..., Studio]) -> None:
    studio = make_studio(PARAFOVEA_BACKLOG_BYTES="400000")
    studio.start_everything()
    studio.start_session("s")
    recorder = studio.process("recorder")
    frames = [studio.generate(0, durable=True)]
    recorder.send(signal.SIGSTOP)
    image = noise_png(128, 128, 1)
    response = studio.post_generate(1, image=image)
    while response.status_code == 200:
        frames.append(Answered.of(response))
        response = studio.post_generate(len(frames), image=image)
        assert len(frames) < 20
    assert len(frames) > 1
    assert (response.status_code, studio.error_of(response)) == (503, "recording_backlog_full")
    before = studio.ask("generator", "status")
    studio.post_generate(1, image=image)
    after = studio.ask("generator", "status")
    assert before is not None
    assert after is not None
    assert before["last_seq"] == after["last_seq"]
    recorder.send(signal.SIGCONT)
    studio.wait_recorded("s", frames)
    assert studio.generate(5).recorded in ("disk", "pending")
