"""The engines' connection pool, whose queue can't stay locked after an interrupt.

SQLAlchemy's own queue acquires and releases a lock in Python code. An interrupt (Ctrl-C) in between leaves it locked,
and then all other threads wait forever. The operations of `queue.SimpleQueue` are atomic.
"""

from __future__ import annotations

import logging
import queue
from typing import Any, ClassVar

from sqlalchemy import Engine, QueuePool
from sqlalchemy.util.queue import Empty, Full, QueueCommon

# SQLAlchemy logs what its pool does under the name of the pool's module: not among what this package reports.
logging.getLogger(__name__).setLevel(logging.WARNING)


class _Queue(QueueCommon[Any]):
    """A FIFO queue. Concurrent threads may add more than `maxsize` items, which is harmless."""

    def __init__(self, maxsize: int = 0, use_lifo: bool = False) -> None:
        self.maxsize = maxsize
        self.use_lifo = use_lifo
        self._items: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self.qsize = self._items.qsize  # type: ignore[method-assign]

    def put(self, item: Any, block: bool = True, timeout: float | None = None) -> None:
        if self.qsize() >= self.maxsize:
            raise Full
        self._items.put(item)

    def get(self, block: bool = True, timeout: float | None = None) -> Any:
        try:
            return self._items.get(block, timeout)
        except queue.Empty:
            raise Empty from None


class _ConnectionPool(QueuePool):
    _queue_class: ClassVar[type[QueueCommon]] = _Queue  # type: ignore[type-arg,misc]


# The settings of both databases' engines. `pool_timeout` is in seconds.
ENGINE_OPTIONS = {"hide_parameters": True, "poolclass": _ConnectionPool, "pool_pre_ping": True, "pool_timeout": 10}


def connect_beside(engine: Engine) -> Any:
    """Open a connection of the driver that is none of the pool's."""
    pooled = engine.raw_connection()
    connection = pooled.driver_connection
    pooled.detach()
    return connection
