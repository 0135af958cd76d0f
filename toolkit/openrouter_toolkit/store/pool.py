"""A connection pool whose queue can't stay locked after an interrupt.

SQLAlchemy's own queue acquires and releases a lock in Python code. An interrupt (Ctrl-C) in between leaves it locked,
and then all other threads wait forever. The operations of `queue.SimpleQueue` are atomic.
"""

from __future__ import annotations

import logging
import queue
from typing import ClassVar, TypeVar

from sqlalchemy import QueuePool
from sqlalchemy.util.queue import Empty, Full, QueueCommon

_Item = TypeVar("_Item")
# SQLAlchemy logs what its pool does under the name of the pool's module: not among what this package reports.
logging.getLogger(__name__).setLevel(logging.WARNING)


class _Queue(QueueCommon[_Item]):
    """A FIFO queue. Concurrent threads may add more than `maxsize` items, which is harmless."""

    def __init__(self, maxsize: int = 0, use_lifo: bool = False) -> None:
        self.maxsize = maxsize
        self.use_lifo = use_lifo
        self._items: queue.SimpleQueue[_Item] = queue.SimpleQueue()

    def empty(self) -> bool:
        return self._items.empty()

    def full(self) -> bool:
        return 0 < self.maxsize <= self._items.qsize()

    def qsize(self) -> int:
        return self._items.qsize()

    def put_nowait(self, item: _Item) -> None:
        self.put(item, block=False)

    def put(self, item: _Item, block: bool = True, timeout: float | None = None) -> None:
        if self.full():
            raise Full
        self._items.put(item)

    def get_nowait(self) -> _Item:
        return self.get(block=False)

    def get(self, block: bool = True, timeout: float | None = None) -> _Item:
        try:
            return self._items.get(block, timeout)
        except queue.Empty:
            raise Empty from None


class ConnectionPool(QueuePool):
    """SQLAlchemy's pool with this queue."""

    _queue_class: ClassVar[type[QueueCommon]] = _Queue  # type: ignore[type-arg,misc]
