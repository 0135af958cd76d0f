"""The pool of connections, with a queue that an interrupt can't leave locked.

SQLAlchemy's own queue has a lock that Python code takes and releases. An interrupt (Ctrl-C) between the two leaves it
locked, and then every other thread waits for ever. `queue.SimpleQueue` does each of its steps as a whole.
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
    """First in, first out. Two threads at once may put in one more than `maxsize`, which does no harm."""

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

    def put(self, item: _Item, block: bool = True, timeout: float | None = None) -> None:  # noqa: ARG002 - as the base
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
    """SQLAlchemy's pool with that queue."""

    _queue_class: ClassVar[type[QueueCommon]] = _Queue  # type: ignore[type-arg,misc]
