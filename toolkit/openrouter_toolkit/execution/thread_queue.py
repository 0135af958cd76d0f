"""A queue from threads to a thread or to tasks of event loops."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from queue import Empty, SimpleQueue
from typing import Generic, TypeVar

_Item = TypeVar("_Item")


class ThreadQueue(Generic[_Item]):
    """A queue whose items are taken by threads (`get`) or, without blocking an event loop, by tasks (`get_async`)."""

    def __init__(self) -> None:
        self._items: SimpleQueue[_Item] = SimpleQueue()
        self._lock = threading.Lock()
        self._waiting: list[Callable[[], object]] = []  # each wakes a task, in its own event loop

    def put(self, item: _Item) -> None:
        """Add an item, and wake the waiting tasks."""
        self._items.put(item)
        with self._lock:
            woken, self._waiting = self._waiting, []
        for wake in woken:
            with suppress(RuntimeError):  # its event loop is closed
                wake()

    def get(self, timeout: float | None = None) -> _Item:
        """Remove the next item; waits for it. Raises `TimeoutError` after `timeout` seconds."""
        try:
            return self._items.get(timeout=timeout)
        except Empty:
            raise TimeoutError from None

    async def get_async(self, timeout: float | None = None) -> _Item:
        """`get` without blocking the event loop."""
        import asyncio

        wake_up = asyncio.get_running_loop().call_soon_threadsafe
        async with asyncio.timeout(timeout):
            while True:
                with suppress(Empty):
                    return self._items.get_nowait()
                arrived = asyncio.Event()
                with self._lock:
                    self._waiting.append(partial(wake_up, arrived.set))
                if self._items.empty():  # else an item came before the task was among the waiting
                    await arrived.wait()
