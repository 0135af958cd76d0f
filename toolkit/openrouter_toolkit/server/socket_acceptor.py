"""Accepts connections up to the process's limit of open files; further ones wait in the system's queue."""

from __future__ import annotations

import asyncio
import errno
import logging
import socket
from collections.abc import Callable
from pathlib import Path

_BACKLOG = 2048
_MAX_ACCEPTS = 100
_PAUSE = 1.0
# Reserved for the database, DNS lookups, logs and other files that are opened now and then.
_RESERVED_FILES = 64
_MAX_FILES = 1_000_000
_OPEN_FILES_FALLBACK = 32
_ABORTED = (errno.ECONNABORTED, errno.EPERM, errno.EPROTO)
_log = logging.getLogger("openrouter_toolkit")


class Acceptor:
    """Accepts connections of a listening socket. Use it on the event loop's thread only.

    asyncio itself retries thousands of times a second when no file descriptor is left, and logs each failure.
    """

    def __init__(self, listening: socket.socket, make: Callable[[], asyncio.Protocol], limit: int) -> None:
        """Create each connection's protocol with `make`; keep at most `limit` connections open."""
        self._listening = listening
        self._make = make
        self._limit = limit
        self._open = 0
        self._accepting = False
        self._closed = False
        self._tasks: set[asyncio.Task[None]] = set()

    def start(self) -> None:
        """Start to accept connections."""
        self._loop = asyncio.get_running_loop()
        self._listening.setblocking(False)
        self._listening.listen(_BACKLOG)
        self._resume()

    def release(self) -> None:
        """Make room for another connection after one was closed."""
        self._open -= 1
        if not self._accepting:
            self._loop.call_soon(self._resume)  # the descriptor is released only after this call

    def close(self) -> None:
        """Stop accepting connections. The socket stays open."""
        self._pause()
        self._closed = True

    def _resume(self) -> None:
        if not self._accepting and not self._closed and self._open < self._limit:
            self._accepting = True
            self._loop.add_reader(self._listening.fileno(), self._accept)

    def _pause(self) -> None:
        if self._accepting:
            self._accepting = False
            self._loop.remove_reader(self._listening.fileno())

    def _accept(self) -> None:
        for _ in range(_MAX_ACCEPTS):
            if self._open >= self._limit:
                _log.warning("%d connections are open, as many as may be; further ones wait", self._open)
                self._pause()
                return
            try:
                connection, _ = self._listening.accept()
            except (BlockingIOError, InterruptedError):
                return
            except OSError as error:
                if error.errno in _ABORTED:  # only this connection failed
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
        except OSError:  # the client disconnected before the protocol saw the connection
            connection.close()
            self.release()


def most_connections(calls: int) -> int:
    """Return how many connections may be open: the file limit minus what calls, the database and others need."""
    left = _files_allowed() - _files_open()
    return max(1, left - min(calls + _RESERVED_FILES, left // 2))


def _files_allowed() -> int:
    try:
        import resource
    except ImportError:
        return _BACKLOG
    limit, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return _MAX_FILES if limit == resource.RLIM_INFINITY else min(limit, _MAX_FILES)


def _files_open() -> int:
    try:
        return sum(1 for _ in Path("/proc/self/fd").iterdir())
    except OSError:
        return _OPEN_FILES_FALLBACK
