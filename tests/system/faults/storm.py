"""A storm of faults: ``make faults N=1000`` (``python -m tests.system.faults.storm``).

Frames are asked for all the while, in a session that goes on through everything; between the faults its folder is
copied, renamed, or exported and imported, and recording goes on in what came of it. All is drawn from a printed seed.
At the end every answer is held against what is on disk.
"""

from __future__ import annotations

import argparse
import random
import signal
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import httpx

from tests.support.scripted_disk import STEPS
from tests.support.studio import Answered, Studio
from tests.support.waiting import eventually
from tests.system.faults.moves import SETTLE_S, Folders, go_on_elsewhere

SESSION = "storm"
ERRNOS = ("ENOSPC", "EIO", "EROFS", "EDQUOT")
WRITING = tuple(step for step in STEPS if step not in ("free_bytes", "rmdir", "chmod"))
FRAMES_A_FAULT = 4
DURABLE_TIMEOUT_S = "2"
"""A durable request waits for a recorder that the storm itself has stopped: not for long."""


@dataclass
class Ledger:
    """What the user of the storm was told."""

    answered: list[Answered] = field(default_factory=list)
    refused: Counter[str] = field(default_factory=Counter)
    faults: Counter[str] = field(default_factory=Counter)
    generators_killed: int = 0
    resumed: int = 0
    folders: Folders = field(default_factory=lambda: Folders(SESSION, {SESSION: SESSION}))


class Storm:
    """Draws faults and applies them to one studio."""

    def __init__(self, studio: Studio, seed: int) -> None:
        self._studio = studio
        self._random = random.Random(seed)
        self._frame = 0
        self.ledger = Ledger()

    def blow(self, faults: int) -> None:
        """Apply faults, frames before and during each."""
        kinds = (
            self._pause_recorder,
            self._kill_recorder,
            self._kill_api,
            self._stop_generator,
            self._kill_generator,
            self._disk_error,
            self._die_at_a_step,
            self._restart_recorder,
            self._go_on_in_a_copy,
            self._go_on_in_an_import,
            self._go_on_under_another_name,
        )
        for number in range(faults):
            if number % 10 == 0:
                print(f"{number} of {faults} faults, {len(self.ledger.answered)} frames", flush=True)
            kind = self._random.choice(kinds)
            self.ledger.faults[kind.__name__.strip("_")] += 1
            self._go_on()
            self._frames(self._random.randint(0, FRAMES_A_FAULT))
            kind()

    def _go_on(self) -> None:
        """Go on with the session as its user would, where recorder and API have both begun anew at the same time."""
        current = self.ledger.folders.current
        if self._studio.http.get("/session/status").json().get("session_id") != current:
            self._studio.wait_until_ready()
            self._studio.start_session(current, resume="true")
            self.ledger.resumed += 1

    def _frames(self, count: int) -> None:
        for _ in range(count):
            self._frame += 1
            durable = self._random.random() < 0.2
            try:
                response = self._studio.post_generate(self._frame, durable=durable)
            except httpx.TransportError as error:
                self.ledger.refused[type(error).__name__] += 1
                continue
            if response.status_code != 200:
                self.ledger.refused[self._studio.error_of(response)] += 1
                continue
            self.ledger.answered.append(Answered.of(response))

    # -- faults -------------------------------------------------------------------------------------------------------

    def _pause_recorder(self) -> None:
        recorder = self._studio.process("recorder")
        recorder.send(signal.SIGSTOP)
        self._frames(FRAMES_A_FAULT)
        recorder.send(signal.SIGCONT)

    def _kill_recorder(self) -> None:
        self._studio.process("recorder").kill()
        self._frames(self._random.randint(0, FRAMES_A_FAULT))
        self._studio.start_recorder()

    def _restart_recorder(self) -> None:
        self._studio.process("recorder").stop()
        self._frames(self._random.randint(0, FRAMES_A_FAULT))
        self._studio.start_recorder()

    def _kill_api(self) -> None:
        self._studio.process("api").kill()
        self._studio.start_api()

    def _stop_generator(self) -> None:
        self._studio.process("generator").stop()
        self._start_generator()

    def _kill_generator(self) -> None:
        self.ledger.generators_killed += 1
        self._studio.process("generator").kill()
        self._start_generator()

    def _start_generator(self) -> None:
        self._studio.start_generator()
        self._studio.wait_until_ready()

    def _disk_error(self) -> None:
        rule = {"step": self._random.choice(WRITING), "match": "", "action": "errno"}
        self._studio.plan.write({**rule, "errno": self._random.choice(ERRNOS), "times": self._random.randint(1, 6)})
        self._frames(FRAMES_A_FAULT)
        self._studio.plan.clear()

    def _die_at_a_step(self) -> None:
        recorder, before = self._studio.process("recorder"), len(self._studio.plan.met())
        action = self._random.choice(("kill", "killed-after", "torn"))
        step = self._random.choice(("write", "pwrite") if action == "torn" else WRITING)
        self._studio.plan.write({"step": step, "match": "", "action": action, "times": 1})
        self._frames(FRAMES_A_FAULT)
        self._studio.plan.clear()
        # A step under way may still meet the old plan: one more request lets it, since the recorder then reads the new.
        if len(self._studio.plan.met()) > before:  # it met the fault, so it is dead or about to be
            recorder.wait()
            self._studio.start_recorder()

    # -- what is done to folders --------------------------------------------------------------------------------------

    def _go_on_in_a_copy(self) -> None:
        self._go_on_elsewhere("copied")

    def _go_on_in_an_import(self) -> None:
        self._go_on_elsewhere("imported")

    def _go_on_under_another_name(self) -> None:
        self._go_on_elsewhere("renamed")

    def _go_on_elsewhere(self, how: str) -> None:
        self._go_on()
        go_on_elsewhere(self._studio, self.ledger.folders, self.ledger.answered, how)
        self._frames(FRAMES_A_FAULT)


def settle(studio: Studio, ledger: Ledger) -> tuple[int, int, int]:
    """Wait until every answered frame is recorded or named as lost; counts of recorded, lost, recorded twice.

    A frame counts as recorded in the session that it was answered with; what a copy was made with is held against it.

    Raises:
        AssertionError: a promise was broken.
    """
    if studio.process("recorder").exit_code is not None:
        studio.start_recorder()  # its last fault met it just as the plan was cleared
    folders = ledger.folders
    counts = Counter[str]()
    for folder in dict.fromkeys(folders.place.values()):
        wanted = folders.of(folder, ledger.answered)
        settled = partial(folders.is_settled, studio, folder, ledger.answered)
        eventually(settled, SETTLE_S, f"every answered frame of {folder} is recorded or named as lost")
        counts.update(_hold_against(studio, ledger, folder, wanted))
    return counts["recorded"], counts["lost"], counts["twice"]


def _hold_against(studio: Studio, ledger: Ledger, folder: str, wanted: list[Answered]) -> dict[str, int]:
    """Compare one session with what was answered with it."""
    frames = {frame.frame_id: frame for frame in wanted}
    recorded = studio.frame_ids(folder)
    inherited = ledger.folders.inherited.get(folder, [])
    lost = [frame_id for frame_id in studio.metadata(folder).get("lost", []) if frame_id in frames]
    twice = len(recorded) - len(set(recorded))
    assert twice == 0, f"{twice} frames were recorded twice in {folder}"
    assert recorded[: len(inherited)] == inherited, f"{folder} no longer holds what it was copied with"
    assert not set(lost) & set(recorded), "a frame is both recorded and named as lost"
    assert not lost or ledger.generators_killed, "frames were lost and no generator was killed"
    safe = [frame.frame_id for frame in wanted if frame.recorded == "disk"]
    assert set(safe) <= set(recorded), f"a frame answered as on disk is not in {folder}"
    order = [frame_id for frame_id in recorded if frame_id in frames]
    assert order == [frame_id for frame_id in frames if frame_id in set(order)], "the order is not that of the answers"
    everything = {frame.frame_id: frame for frame in ledger.answered}
    for entry in studio.metadata(folder)["sequence"]:
        frame = everything.get(entry["frame_id"])
        data = (studio.sessions / folder / entry["filename"]).read_bytes()
        assert frame is None or data == frame.png, f"{entry['filename']} of {folder} is not what was answered"
    return {"recorded": len(recorded) - len(inherited), "lost": len(lost), "twice": twice}


def main() -> int:
    """Run a storm and print the counts."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("faults", type=int, nargs="?", default=100)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    arguments = parser.parse_args()
    print(f"seed {arguments.seed}")
    with tempfile.TemporaryDirectory(prefix="pf-", dir="/tmp") as folder:
        studio = Studio(Path(folder), PARAFOVEA_GENERATION_TIMEOUT_S=DURABLE_TIMEOUT_S)
        try:
            studio.start_everything()
            studio.start_session(SESSION)
            storm = Storm(studio, arguments.seed)
            storm.blow(arguments.faults)
            recorded, lost, twice = settle(studio, storm.ledger)
        except BaseException:
            studio.print_logs()
            raise
        finally:
            studio.stop_all()
            studio.kill_all()
    ledger = storm.ledger
    print("faults:  ", ", ".join(f"{count} {name}" for name, count in sorted(ledger.faults.items())))
    print("refused: ", ", ".join(f"{count} {name}" for name, count in sorted(ledger.refused.items())) or "none")
    given = sum(frame.session_id is not None for frame in ledger.answered)
    print(f"{len(ledger.folders.place)} sessions, {len(ledger.folders.inherited)} of them copies")
    print(f"{ledger.resumed} times the session had to be gone on with by hand")
    print(f"{given} frames given, {recorded} recorded, {lost} lost (and named), {twice} recorded twice")
    return 0


if __name__ == "__main__":
    sys.exit(main())
