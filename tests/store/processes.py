"""Child processes that work on a store: forked, so that they begin at once, and killed when a test says so."""

from __future__ import annotations

import os
import select
import signal
import time
import traceback
import warnings
from collections.abc import Callable, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Self

Say = Callable[[str], None]


class Child:
    """A forked process. `work` is called in it with a function that says a line to this one, which reads `said`."""

    def __init__(self, work: Callable[[Say], None]) -> None:
        reading, writing = os.pipe()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # a fork beside threads: the children use none of them
            self._pid = os.fork()
        if self._pid == 0:
            os.close(reading)
            _work_and_end(work, writing)
        os.close(writing)
        self._reading = reading
        self._heard = b""
        self._ended = False

    def said(self, patience: float = 60) -> str:
        """The next line that it says."""
        while b"\n" not in self._heard:
            if not select.select([self._reading], [], [], patience)[0]:
                raise TimeoutError("the child says nothing")
            piece = os.read(self._reading, 65536)
            if not piece:
                raise EOFError(f"the child ended: {self._heard.decode()}")
            self._heard += piece
        line, _, self._heard = self._heard.partition(b"\n")
        return line.decode()

    def rest(self) -> list[str]:
        """All that it said and that was not read yet, once it has ended."""
        self._wait()
        while piece := os.read(self._reading, 65536):
            self._heard += piece
        return self._heard.decode().splitlines()

    def kill(self) -> None:
        """End it as a power cut would: it can't say or do anything more."""
        os.kill(self._pid, signal.SIGKILL)
        self._wait()

    def _wait(self) -> None:
        if not self._ended:
            os.waitpid(self._pid, 0)
            self._ended = True

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if not self._ended:
            with suppress(ProcessLookupError):
                self.kill()
        os.close(self._reading)


def all_said(children: Sequence[Child]) -> list[str]:
    """All lines that the children said, once all have ended."""
    with ExitStack() as stack:
        return [line for child in children for line in stack.enter_context(child).rest()]


def start_together(count: int, work: Callable[[Say], None], folder: Path) -> list[str]:
    """Start children that begin `work` at the same moment, and return all that they said."""

    def wait_and_work(say: Say) -> None:
        while not (folder / "go").exists():
            time.sleep(0.0005)
        work(say)

    children = [Child(wait_and_work) for _ in range(count)]
    (folder / "go").touch()
    return all_said(children)


def _work_and_end(work: Callable[[Say], None], writing: int) -> None:
    status = 1
    try:

        def say(line: str) -> None:
            os.write(writing, f"{line}\n".encode())

        work(say)
        status = 0
    except BaseException:  # noqa: BLE001 - the parent is told
        os.write(writing, traceback.format_exc().encode())
    finally:
        os._exit(status)
