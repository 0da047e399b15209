"""Work that is too heavy for this process, done by the ``parafovea`` command in processes of their own.

What can be done over HTTP is so the same as what can be done at the prompt; its libraries and its memory end with it.
Plain ``subprocess`` and threads: asyncio's own processes need an event loop that ZeroMQ can't use on Windows.
"""

from __future__ import annotations

import os
import subprocess
import sys
from typing import IO, Any

from shared.errors import InternalError, ParafoveaError, from_code
from shared.json_loads import loads
from shared.process.settings import Settings

STOP_S = 1.5
_ERROR_BYTES = 4000


class Command:
    """One run of ``parafovea``.

    Args:
        settings: of this process; where the sessions and the bus are is told by them, whatever the environment says.
        arguments: of the command.
        takes_input: whether :meth:`write` is going to be used.
    """

    def __init__(self, settings: Settings, *arguments: str, takes_input: bool = False) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "cli.main", *arguments],
            stdin=subprocess.PIPE if takes_input else subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={
                **os.environ,
                "PARAFOVEA_SESSIONS_DIR": str(settings.sessions_dir),
                "PARAFOVEA_BUS": settings.bus,
            },
        )

    def write(self, data: bytes) -> bool:
        """Hand it more input; False once it reads no more, for it has its answer."""
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(data)
        except (BrokenPipeError, OSError, ValueError):
            return False
        return True

    def finish(self) -> bytes:
        """End its input, and wait: its output.

        Raises:
            ParafoveaError: the error that it told as JSON.
            InternalError: it failed without.
        """
        try:
            out, errors = self._process.communicate()
        except (BrokenPipeError, ValueError):
            out, errors = self._rest()
        if self._process.returncode != 0:
            raise _error(out, errors)
        return out

    def line(self) -> Any:
        """The next line of its output, as JSON; None at the end of a run that went well.

        Raises:
            ParafoveaError: it failed.
        """
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if line:
            told = loads(line)
            if isinstance(told, dict) and "error" in told:
                raise _error(line, b"")
            return told
        out, errors = self._rest()
        if self._process.returncode != 0:
            raise _error(out, errors)
        return None

    def stop(self) -> None:
        """End it, in whatever state it is. What it had begun to write it removes."""
        self._close(self._process.stdin)  # an import whose archive ends here gives up by itself
        if self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(STOP_S)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        self._close(self._process.stdout)
        self._close(self._process.stderr)

    def _close(self, pipe: IO[bytes] | None) -> None:
        try:
            if pipe is not None:
                pipe.close()
        except OSError:
            return  # what was still to be written has nobody to read it

    def _rest(self) -> tuple[bytes, bytes]:
        assert self._process.stdout is not None
        assert self._process.stderr is not None
        out, errors = self._process.stdout.read(), self._process.stderr.read()
        self._process.wait()
        return out, errors


def _error(out: bytes, errors: bytes) -> ParafoveaError:
    try:
        told = loads(out)
        return from_code(told["error"], told["detail"], told.get("fields"))
    except (ValueError, KeyError, TypeError):
        last = errors[-_ERROR_BYTES:].decode(errors="replace").strip().splitlines()
        return InternalError(f"the command failed: {last[-1] if last else 'without a word'}")
