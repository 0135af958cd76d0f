"""A streamed call that holds no thread while it waits: the event loop watches its socket, and reads what arrives.

Worker threads make the call up to the answer's head, and what follows its last event, since both may block.
"""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from functools import partial
from typing import Any, Generic, TypeVar

from ..call import SwiftListener
from ..execution.resources import Job
from ..steps import Pause

_Answer = TypeVar("_Answer")
_Submit = Callable[[Callable[[], Pause | None]], Future[Pause | None]]


def parks(job: Job[Any]) -> bool:
    """Whether a call may be parked: its listener never waits, and it has no deadline."""
    return isinstance(job.call.on_event, SwiftListener) and job.call.timeout is None and _loop_watches_sockets()


def _loop_watches_sockets() -> bool:
    return type(asyncio.get_running_loop()).add_reader is not asyncio.AbstractEventLoop.add_reader


class ParkedCall(Generic[_Answer]):
    """One such call. Use it on the event loop's thread only."""

    def __init__(self, job: Job[_Answer], submit: _Submit, on_parked: Callable[[], None]) -> None:
        """`submit` runs a step in a worker thread; `on_parked` is called as often as the call begins to hold none."""
        self._call = job.call
        self._call.parks = True
        self._listener: Any = job.call.on_event
        self._steps = job.steps()
        self._submit = submit
        self._on_parked = on_parked
        self._loop = asyncio.get_running_loop()
        self._context = contextvars.copy_context()
        self._ended: asyncio.Future[_Answer] = self._loop.create_future()
        self._answer: _Answer
        self._pause: Pause | None = None  # while it is parked
        self._watched: int | None = None
        self._silent_at = 0.0
        self._timer: asyncio.TimerHandle | None = None

    async def run(self) -> _Answer:
        """Make the call. Cancelling this cancels it, and its last steps follow in a worker thread."""
        self._go_on_in_worker()
        try:
            return await self._ended
        except BaseException:
            self._call.cancel()
            if self._pause is not None:
                self._go_on_in_worker()
            raise

    def _advance(self, failure: BaseException | None = None) -> Pause | None:
        """Run to the next pause; None at the end. Called in any thread, never in two at once."""
        steps = self._steps
        try:
            if failure is None:
                return self._context.run(next, steps)
            return self._context.run(steps.throw, failure)
        except StopIteration as end:
            self._answer = end.value
            return None

    def _go_on_in_worker(self, failure: BaseException | None = None) -> None:
        self._unwatch()
        self._pause = None
        self._submit(partial(self._advance, failure)).add_done_callback(self._worker_paused)

    def _worker_paused(self, done: Future[Pause | None]) -> None:
        with suppress(RuntimeError):  # the loop is closed
            self._loop.call_soon_threadsafe(self._follow, done.result)

    def _follow(self, step: Callable[[], Pause | None]) -> None:
        """Run a step, and do what its end asks for."""
        try:
            pause = step()
        except BaseException as error:  # noqa: BLE001 - the caller gets it
            self._end(partial(self._ended.set_exception, error))
            return
        if pause is None:
            self._end(partial(self._ended.set_result, self._answer))
        elif pause.socket is None or self._ended.done():
            self._go_on_in_worker()
        else:
            self._park(pause)

    def _end(self, tell: Callable[[], None]) -> None:
        self._unwatch()
        if not self._ended.done():
            tell()

    def _park(self, pause: Pause) -> None:
        if self._pause is None:
            self._on_parked()
        self._pause = pause
        if self._listener.is_full(self._make_room):
            self._unwatch()
            return
        if self._watched is None:
            self._watched = pause.socket.fileno()
            self._loop.add_reader(self._watched, self._read)
        self._silent_at = self._loop.time() + pause.seconds
        if self._timer is None or self._silent_at < self._timer.when():
            self._watch_silence()

    def _read(self) -> None:
        self._follow(self._advance)

    def _make_room(self) -> None:
        if self._pause is not None:
            self._park(self._pause)

    def _watch_silence(self) -> None:
        """Look again when the socket will have been silent for too long, if nothing comes; each event moves that."""
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._loop.call_at(self._silent_at, self._check_silence)

    def _check_silence(self) -> None:
        self._timer = None
        if self._loop.time() < self._silent_at:
            self._watch_silence()
        else:
            self._go_on_in_worker(TimeoutError("timed out"))

    def _unwatch(self) -> None:
        if self._watched is not None:
            self._loop.remove_reader(self._watched)
            self._watched = None
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
