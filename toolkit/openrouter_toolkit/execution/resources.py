"""A registry's client and worker threads, created once per process."""

from __future__ import annotations

import contextvars
import os
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, TypeVar
from weakref import WeakSet

DEFAULT_WORKERS = 256
_Answer = TypeVar("_Answer")


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
        """Whether the current thread is one of its worker threads."""
        return getattr(self._thread, "is_worker", False)

    def _mark_worker(self) -> None:
        self._thread.is_worker = True

    def close(self) -> None:
        """Close the client and the workers; later use creates new ones."""
        with self._lock:
            client, self._client = self._client, None
            workers, self._workers = self._workers, None
        if client is not None:
            client.close()
        if workers is not None:
            workers.shutdown(wait=False)

    def _reset(self) -> None:
        self._client = None
        self._workers = None
        self._lock = threading.Lock()


def _reset_after_fork() -> None:
    for resources in list(_instances):
        resources._reset()  # noqa: SLF001 - not for use from outside this module


_instances: WeakSet[Resources] = WeakSet()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_reset_after_fork)
