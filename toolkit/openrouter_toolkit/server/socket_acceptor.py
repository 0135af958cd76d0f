"""Takes connections in, but no more than the process may have files open: further ones wait in the system's queue."""

from __future__ import annotations

import asyncio
import errno
import logging
import socket
from collections.abc import Callable
from pathlib import Path

_QUEUE = 2048
_AT_ONCE = 100
_PAUSE = 1.0
# For the database, name look-ups, logs and what else is opened now and then.
_SPARE = 64
_MOST_FILES = 1_000_000
_FILES_IF_UNKNOWN = 32
_GONE = (errno.ECONNABORTED, errno.EPERM, errno.EPROTO)
_log = logging.getLogger("openrouter_toolkit")


class Acceptor:
    """Accepts connections of a listening socket. To be used on the event loop's thread alone.

    asyncio's own way goes on while there are no descriptors left, and logs each of thousands of tries a second.
    """

    def __init__(self, listening: socket.socket, make: Callable[[], asyncio.Protocol], most: int) -> None:
        """`make` gives the protocol of a new connection; `most` are open at the same time."""
        self._listening = listening
        self._make = make
        self._most = most
        self._open = 0
        self._accepting = False
        self._closed = False
        self._tasks: set[asyncio.Task[None]] = set()

    def start(self) -> None:
        """Begin to accept."""
        self._loop = asyncio.get_running_loop()
        self._listening.setblocking(False)
        self._listening.listen(_QUEUE)
        self._resume()

    def closed_one(self) -> None:
        """Make room for another connection, for one has been closed."""
        self._open -= 1
        if not self._accepting:
            self._loop.call_soon(self._resume)  # its descriptor is given back behind this

    def close(self) -> None:
        """Accept no more. The socket stays open."""
        self._pause()
        self._closed = True

    def _resume(self) -> None:
        if not self._accepting and not self._closed and self._open < self._most:
            self._accepting = True
            self._loop.add_reader(self._listening.fileno(), self._accept)

    def _pause(self) -> None:
        if self._accepting:
            self._accepting = False
            self._loop.remove_reader(self._listening.fileno())

    def _accept(self) -> None:
        for _ in range(_AT_ONCE):
            if self._open >= self._most:
                _log.warning("%d connections are open, as many as may be; further ones wait", self._open)
                self._pause()
                return
            try:
                connection, _ = self._listening.accept()
            except (BlockingIOError, InterruptedError):
                return
            except OSError as error:
                if error.errno in _GONE:  # that one alone
                    continue
                _log.error("no connection can be accepted (%s); the next try is in a second", error.strerror)
                self._pause()
                self._loop.call_later(_PAUSE, self._resume)
                return
            self._open += 1
            task = self._loop.create_task(self._connect(connection))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _connect(self, connection: socket.socket) -> None:
        connection.setblocking(False)
        protocol = self._make()
        try:
            await self._loop.connect_accepted_socket(lambda: protocol, connection)
        except OSError:  # it was gone before it was there; the protocol has never heard of it
            connection.close()
            self.closed_one()


def most_connections(threads: int) -> int:
    """How many connections may be open: as many as files, without those that calls, the database and others need."""
    left = _files_allowed() - _files_open()
    return max(1, left - min(threads + _SPARE, left // 2))


def _files_allowed() -> int:
    try:
        import resource  # noqa: PLC0415 - not on every system
    except ImportError:
        return _QUEUE
    limit, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return _MOST_FILES if limit == resource.RLIM_INFINITY else min(limit, _MOST_FILES)


def _files_open() -> int:
    try:
        return sum(1 for _ in Path("/proc/self/fd").iterdir())
    except OSError:
        return _FILES_IF_UNKNOWN
