"""A disk whose steps fail as a test wishes, in this process or in a real service.

The plan is a JSON file that the test may write at any time, while the service runs. It is a list of rules; a rule is
``{"step": ..., "match": ..., "action": ..., "after": ..., "times": ...}``:

- ``step``: a name from ``tests.support.scripted_disk.STEPS``, or ``*``.
- ``match``: a part of the path (of an open file: of the path it was opened by); empty matches all.
- ``action``: ``errno`` (with ``errno``: its name), ``short`` (write about half), ``torn`` (write about half, then die),
  ``kill`` (die before the step), ``killed-after`` (die behind it), ``slow`` (with ``seconds``).
- ``after``: how many matching steps pass first; ``times``: how many then meet the fault (none given: all).

Each fault that was met adds a line to the file ``<plan>.met``.
"""

from __future__ import annotations

import errno
import functools
import json
import os
import signal
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from shared.system.disk import Buffer, Disk
from tests.support.scripted_disk import STEPS


class Plan:
    """What a test writes and a faulty disk reads."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.met_path = path.with_name(path.name + ".met")

    def write(self, *rules: dict[str, Any]) -> None:
        """Put these rules in force, in place of all others."""
        temporary = self.path.with_name(self.path.name + ".new")
        temporary.write_text(json.dumps(rules))
        temporary.replace(self.path)

    def clear(self) -> None:
        """No faults from now on."""
        self.write()

    def met(self) -> list[dict[str, Any]]:
        """The faults that were met, in order."""
        if not self.met_path.exists():
            return []
        return [json.loads(line) for line in self.met_path.read_text().splitlines()]


class FaultyDisk(Disk):
    """A :class:`Disk` under a plan."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._version: tuple[int, int] | None = None
        self._rules: list[dict[str, Any]] = []
        self._names: dict[int, str] = {}
        for step in STEPS:
            setattr(self, step, functools.partial(self._step, step, getattr(super(), step)))

    def _step(self, step: str, real: Callable[..., Any], *arguments: Any) -> Any:
        target = self._target(arguments[0])
        rule = self._due(step, target)
        result = self._meet(rule, step, target, real, arguments) if rule else real(*arguments)
        if step in ("create", "open"):
            self._names[result] = target
        return result

    def _target(self, first: Path | int) -> str:
        return self._names.get(first, "") if isinstance(first, int) else str(first)

    def _due(self, step: str, target: str) -> dict[str, Any] | None:
        self._reload()
        for rule in self._rules:
            if rule["step"] not in (step, "*") or rule.get("match", "") not in target:
                continue
            rule["seen"] = rule.get("seen", 0) + 1
            over = rule["seen"] - rule.get("after", 0)
            if over > 0 and over <= rule.get("times", over):
                return rule
        return None

    def _reload(self) -> None:
        try:
            status = self._plan.path.stat()
        except FileNotFoundError:
            return
        version = (status.st_mtime_ns, status.st_ino)
        if version != self._version:
            self._version = version
            self._rules = json.loads(self._plan.path.read_text())

    def _meet(
        self, rule: dict[str, Any], step: str, target: str, real: Callable[..., Any], arguments: Sequence[Any]
    ) -> Any:
        action = rule["action"]
        with self._plan.met_path.open("a") as file:
            file.write(json.dumps({"step": step, "target": target, "action": action}) + "\n")
        if action == "errno":
            number = getattr(errno, rule["errno"])
            raise OSError(number, os.strerror(number), target)
        if action == "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        if action == "slow":
            time.sleep(rule["seconds"])
            return real(*arguments)
        if action in ("short", "torn") and step in ("write", "pwrite"):
            arguments = [arguments[0], _half(arguments[1]), *arguments[2:]]
        result = real(*arguments)
        if action in ("torn", "killed-after"):
            os.kill(os.getpid(), signal.SIGKILL)
        return result


def _half(data: Buffer) -> memoryview:
    view = memoryview(data).cast("B")
    return view[: max(1, len(view) // 2)]
