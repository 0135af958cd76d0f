"""What a registry holds open: its toolkit's client and its worker threads, one set a process."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

_MOST_WORKERS = 256


class Resources:
    """A client and worker threads, made when they are first needed. Safe to use from many threads.

    A forked process leaves its parent's alone, since connections and threads can't be shared, and makes its own.
    """

    def __init__(self, make_client: Callable[[], Any]) -> None:
        self._make_client = make_client
        self._client: Any = None
        self._workers: ThreadPoolExecutor | None = None
        self._lock = threading.Lock()
        self._process = os.getpid()

    def client(self) -> Any:
        """The client, which keeps connections open between calls."""
        self._notice_a_fork()
        client = self._client
        if client is None:
            with self._lock:
                client = self._client
                if client is None:
                    client = self._client = self._make_client()
        return client

    def workers(self) -> ThreadPoolExecutor:
        """Threads for calls that are made several at once, or from async code."""
        self._notice_a_fork()
        with self._lock:
            if self._workers is None:
                self._workers = ThreadPoolExecutor(_MOST_WORKERS, "openrouter-toolkit")
            return self._workers

    def close(self) -> None:
        """Let go of both; what is asked for afterwards is made anew."""
        self._notice_a_fork()
        with self._lock:
            client, self._client = self._client, None
            workers, self._workers = self._workers, None
        if client is not None:
            client.close()
        if workers is not None:
            workers.shutdown(wait=False)

    def _notice_a_fork(self) -> None:
        if self._process != os.getpid():
            self._client = self._workers = None
            self._lock = threading.Lock()
            self._process = os.getpid()
