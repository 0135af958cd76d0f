"""A connection that is kept open beside the pool, for the few statements that are written for each call."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, suppress
from typing import Any, TypeVar

from sqlalchemy import Engine

from . import postgresql, sqlite

T = TypeVar("T")


class KeptConnection:
    """A connection of the driver, without SQLAlchemy's layers. For one thread at a time."""

    def __init__(self, engine: Engine, map_errors: Callable[[], AbstractContextManager[None]]) -> None:
        """Connect nothing yet; see `Database.keep_connection`."""
        self._engine = engine
        self._map_errors = map_errors
        self._of_kind: postgresql.Kept | sqlite.Kept = (
            postgresql if engine.dialect.name == "postgresql" else sqlite
        ).Kept(engine)
        self._connection: Any = None
        self._forgotten: list[Any] = []

    def run(self, work: Callable[[Any], T], *, lock_timeout: float, transaction: bool = True) -> T:
        """Return what `work` returns for the connection; its changes are committed.

        It is done a second time if a connection that was kept turns out to be lost. After an error, the connection is
        closed, and nothing is committed.

        Args:
            work: executes statements.
            lock_timeout: seconds to wait for locks of others.
            transaction: whether it is more than one statement, which would commit by itself.

        Raises:
            StoreUnavailable: the database can't be used.
        """
        with self._map_errors():
            is_old = self._connection is not None
            try:
                return self._run(work, lock_timeout, transaction=transaction)
            except self._engine.dialect.loaded_dbapi.Error:
                if not is_old or not self._was_lost:
                    raise
            return self._run(work, lock_timeout, transaction=transaction)

    _was_lost = False

    def _run(self, work: Callable[[Any], T], lock_timeout: float, *, transaction: bool) -> T:
        if self._connection is not None and self._of_kind.is_elsewhere():
            self.close()
        if self._connection is None:
            self._connection = self._of_kind.connect()
        connection = self._connection
        try:
            return self._of_kind.run(connection, work, lock_timeout, transaction=transaction)
        except BaseException:
            self._was_lost = self._of_kind.is_lost(connection)
            self.close()
            raise

    def close(self) -> None:
        """Close the connection; the next use opens another."""
        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(Exception):
                self._of_kind.close(connection)

    def forget(self) -> None:
        """Forget the connection without closing it: it is a parent process's."""
        self._forgotten.append(self._connection)  # if collected, it would be closed
        self._connection = None
