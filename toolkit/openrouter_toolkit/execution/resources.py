"""A registry's client and worker threads, created once per process."""

from __future__ import annotations

import contextvars
import os
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from typing import Any, Generic, TypeVar
from weakref import WeakSet

from ..call import Call
from ..envelope import ActionError
from ..steps import Steps, finish

DEFAULT_WORKERS = 256
_Answer = TypeVar("_Answer")


@dataclass(frozen=True, slots=True)
class Job(Generic[_Answer]):
    """A call for a worker thread.

    Attributes:
        call: its deadline and its cancellation.
        steps: makes the call.
        failed: the answer if the call never runs, because all workers were busy until its deadline.
    """

    call: Call
    steps: Callable[[], Steps[_Answer]]
    failed: Callable[[ActionError], _Answer]

    def run(self) -> _Answer:
        """Make the call in this thread."""
        return finish(self.steps())


class Clients:
    """The clients of a registry's toolkits, each made at its first call. Safe to use from many threads."""

    def __init__(self, factories: Mapping[str, Callable[[], Any]]) -> None:
        """`factories` makes each toolkit's client, by the toolkit's slug."""
        self._factories = factories
        self._made: dict[str, Any] = {}
        self._lock = threading.Lock()

    def of(self, toolkit: str) -> Any:
        """Return a toolkit's client, which keeps connections open between calls."""
        client = self._made.get(toolkit)
        if client is None:
            with self._lock:
                client = self._made.get(toolkit)
                if client is None:
                    client = self._made[toolkit] = self._factories[toolkit]()
        return client

    def close(self) -> None:
        """Close all that were made."""
        for client in self._made.values():
            if client is not None:
                client.close()


class Resources:
    """A client and worker threads, created on first use. Safe to use from many threads.

    A forked process creates its own, since connections and threads can't be shared with the parent.
    """

    _client: Any
    _workers: ThreadPoolExecutor | None
    _lock: threading.Lock

    def __init__(self, make_client: Callable[[], Any], max_workers: int = DEFAULT_WORKERS) -> None:
        """See `ToolRegistry.from_manifest` for `max_workers`."""
        if isinstance(max_workers, bool) or not isinstance(max_workers, int):
            raise TypeError(f"max_workers must be a whole number, not {type(max_workers).__name__}")
        if max_workers < 1:
            raise ValueError("max_workers must be 1 or more")
        self._make_client = make_client
        self._max_workers = max_workers
        self._thread = threading.local()
        self._reset()
        _instances.add(self)

    def client(self) -> Any:
        """Return the client, which keeps connections open between calls."""
        client = self._client
        if client is None:
            with self._lock:
                client = self._client
                if client is None:
                    client = self._client = self._make_client()
        return client

    def submit(self, run: Callable[[], _Answer]) -> Future[_Answer]:
        """Run a function in a worker thread, with the caller's context variables."""
        context = contextvars.copy_context()
        with self._lock:  # so that `close` can't shut the workers down in between
            if self._workers is None:
                self._workers = ThreadPoolExecutor(self._max_workers, "openrouter-toolkit", self._mark_worker)
            return self._workers.submit(context.run, run)

    def is_worker(self) -> bool:
        """Whether the current thread is one of its worker threads, which must not wait for others."""
        return getattr(self._thread, "is_worker", False)

    def run(self, jobs: Sequence[Job[_Answer]]) -> list[_Answer]:
        """Run jobs in worker threads and return their answers in order; an exception, as by Ctrl-C, cancels all."""
        futures = [self.submit(job.run) for job in jobs]
        try:
            return [_wait(job, future) for job, future in zip(jobs, futures, strict=True)]
        except BaseException:
            _cancel(jobs, futures)
            raise

    async def run_async(self, jobs: Sequence[Job[_Answer]]) -> list[_Answer]:
        """`run` for async code: nothing of a call runs in the event loop's thread; cancelling it cancels all calls."""
        futures = [self.submit(job.run) for job in jobs]
        try:
            return [await _wait_async(job, future) for job, future in zip(jobs, futures, strict=True)]
        except BaseException:
            _cancel(jobs, futures)
            raise

    def close(self) -> None:
        """Close the client and the workers; later use creates new ones."""
        with self._lock:
            client, self._client = self._client, None
            workers, self._workers = self._workers, None
        if client is not None:
            client.close()
        if workers is not None:
            workers.shutdown(wait=False)

    def _mark_worker(self) -> None:
        self._thread.is_worker = True

    def _reset(self) -> None:
        self._client = None
        self._workers = None
        self._lock = threading.Lock()


def _wait(job: Job[_Answer], future: Future[_Answer]) -> _Answer:
    wait([future], timeout=job.call.remaining())
    expired = _expired(job, future)
    return future.result() if expired is None else job.failed(expired)


async def _wait_async(job: Job[_Answer], future: Future[_Answer]) -> _Answer:
    import asyncio

    waiting = asyncio.wrap_future(future)
    remaining = job.call.remaining()
    if remaining is None:
        return await waiting
    await asyncio.wait([waiting], timeout=remaining)
    expired = _expired(job, future)
    return await waiting if expired is None else job.failed(expired)


def _expired(job: Job[Any], future: Future[Any]) -> ActionError | None:
    """The error of a job that did not begin before its call ended, else None."""
    ended = job.call.ending()
    return ended if ended is not None and future.cancel() else None


def _cancel(jobs: Sequence[Job[Any]], futures: Sequence[Future[Any]]) -> None:
    for job, future in zip(jobs, futures, strict=True):
        future.cancel()
        job.call.cancel()


def _reset_after_fork() -> None:
    for resources in list(_instances):
        resources._reset()  # noqa: SLF001 - not for use from outside this module


_instances: WeakSet[Resources] = WeakSet()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_reset_after_fork)
