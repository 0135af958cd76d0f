"""A command on a terminal of its own, and a person who reads and types there."""

from __future__ import annotations

import os
import pty
import select
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

PATIENCE = 30.0


class Terminal:
    """A pseudo-terminal, on which a command runs as in a shell: it controls the command, and Ctrl-C reaches it.

    Attributes:
        shown: all that the person has seen so far.
    """

    def __init__(self, command: Sequence[str], *, environment: Mapping[str, str], folder: Path) -> None:
        self._ours, theirs = pty.openpty()
        on_terminal = f'exec "$@" <>{os.ttyname(theirs)} 1>&0 2>&0'  # the session's first terminal controls it
        self._process = subprocess.Popen(
            ["sh", "-c", on_terminal, "sh", *command],
            env=dict(environment),
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        self._theirs = theirs  # kept open, or a read before the command opens it would see the end
        self.shown = ""

    def wait_for(self, text: str) -> None:
        """Read until a text is shown."""
        until = time.monotonic() + PATIENCE
        while text not in self.shown:
            assert time.monotonic() < until, f"{text!r} was not shown, but {self.shown!r}"
            self._read(0.1)

    def enter(self, text: str) -> None:
        """Type, without waiting for an echo."""
        os.write(self._ours, text.encode())

    def end(self) -> int:
        """Read to the end; the exit status."""
        until = time.monotonic() + PATIENCE
        while self._process.poll() is None:
            assert time.monotonic() < until, f"it did not end, but showed {self.shown!r}"
            self._read(0.05)
        while self._read(0):
            pass
        return self._process.returncode

    def arguments(self) -> bytes:
        """The command line as others on the machine see it."""
        return Path(f"/proc/{self._process.pid}/cmdline").read_bytes()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self._process.poll() is None:
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        os.close(self._ours)
        os.close(self._theirs)

    def _read(self, seconds: float) -> bool:
        readable, _, _ = select.select([self._ours], [], [], seconds)
        if readable:
            self.shown += os.read(self._ours, 65536).decode(errors="replace").replace("\r\n", "\n")
        return bool(readable)
