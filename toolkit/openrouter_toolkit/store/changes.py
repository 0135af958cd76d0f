"""Asks a database, over a connection of its own, whether anything was committed."""

from __future__ import annotations

import threading
from contextlib import suppress
from time import monotonic
from typing import Any

from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from .pool import connect_beside

_LOCK_TIMEOUT = 1.0
_PAUSE = 1.0
# Counts the commits that may change what is looked up; rows of the ledger do not.
NUMBER = "SELECT number FROM ort_changes"
# A process of an older release does not count its commits: beside the ledger's, they are noticed after these seconds.
_LONGEST_UNNOTICED = 2.0


class ChangeCheck:
    """The check for one kind of database, with a connection that is kept open. Safe for many threads."""

    blocks = True
    query = ""
    has_number = False  # whether the query's last column is the number

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._opened = 0
        self._forgotten: list[Any] = []
        self._connection: Any = None
        self._next_try = 0.0
        self._version = 0
        self._seen: tuple[Any, Any] = (None, None)
        self._valid_until = 0.0
        self.forget()

    def version(self, *, wait: bool) -> object | None:
        """Return a value that differs after each change, None if it is not known. See `Database.version`."""
        if (self.blocks and not wait) or monotonic() < self._next_try:
            return None
        if not self._lock.acquire(timeout=_LOCK_TIMEOUT if wait else 0):
            return None
        try:
            if self._connection is not None and self.is_elsewhere():
                self._disconnect()
            if self._connection is None:
                if not wait:
                    return None
                self._connection = self._connect()
                self._opened += 1
            return self._opened, self._current_version()
        except (SQLAlchemyError, self._engine.dialect.loaded_dbapi.Error) as error:
            if not self.is_busy(error):
                self._disconnect()
                self._next_try = monotonic() + _PAUSE
            return None
        except TypeError:  # there is no row: the tables are gone, or were emptied
            return None
        except BaseException:
            self._disconnect()
            raise
        finally:
            self._lock.release()

    def _current_version(self) -> int:
        """Return a number that differs after each change. What is not counted is only asked for after a commit."""
        committed, number = self._seen
        found = self._connection.execute(self.query).fetchone()
        if found != committed:
            counted = (found if self.has_number else self._connection.execute(NUMBER).fetchone())[-1]
            at = monotonic()
            if counted != number or at > self._valid_until:
                self._version += 1
                self._valid_until = at + _LONGEST_UNNOTICED
            self._seen = found, counted
        return self._version

    def is_elsewhere(self) -> bool:
        """Whether the connection's database is not the one that a new connection would have."""
        return False

    def is_busy(self, error: Exception) -> bool:
        """Whether the check failed only because a commit is under way."""
        return False

    def close(self) -> None:
        """Close the connection; the next check opens another."""
        with self._lock:
            self._disconnect()

    def forget(self) -> None:
        """Forget the connection without closing it: it is a parent process's."""
        self._lock = threading.Lock()
        self._forgotten.append(self._connection)  # if collected, it would be closed
        self._connection = None
        self._next_try = 0.0

    def _connect(self) -> Any:
        """Open a connection that takes part in no transaction."""
        return connect_beside(self._engine)

    def _disconnect(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(Exception):
                connection.close()
