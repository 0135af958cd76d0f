"""The database: transactions that read, transactions that write, and what is said when it can't be reached."""

from __future__ import annotations

import hashlib
import logging
import os
import threading
import weakref
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from sqlalchemy import Engine, Pool, Update, event, func, select, text
from sqlalchemy.dialects import postgresql as for_postgresql
from sqlalchemy.dialects import sqlite as for_sqlite
from sqlalchemy.engine import URL
from sqlalchemy.exc import DBAPIError, InvalidRequestError
from sqlalchemy.exc import TimeoutError as PoolExhausted
from sqlalchemy.orm import Session
from sqlalchemy.orm.exc import FlushError, StaleDataError

from . import names, postgresql, sqlite
from .errors import StoreUnavailable
from .tables import Row
from .urls import described

# Rows that are not there, or not as they were a moment ago: nobody else changes rows in a way that leads to these.
_INCONSISTENT = (StaleDataError, FlushError, InvalidRequestError)
_CHANGES = "changes"
_PATIENCE_FOR_NOTES = 0.2
_log = logging.getLogger("openrouter_toolkit")


class Database:
    """A database and its connections. Safe to use from many threads, and in forked processes.

    A connection is held for one transaction and no longer: nothing slow, such as a call to an API, belongs inside.
    """

    def __init__(self, url: URL) -> None:
        """Does not connect yet; a SQLite file that does not exist is made."""
        self.name = described(url)
        self.shared = url.get_backend_name() == "postgresql"
        self._engine = (postgresql if self.shared else sqlite).engine(url)
        event.listen(self._engine, "before_cursor_execute", self._note_cursor)  # before engines are made of it
        self._reading = self._engine.execution_options(reading=True)
        self._writing = threading.local()
        self._cursors = threading.local()
        self._process = os.getpid()
        self._parents: list[Pool] = []

    def __repr__(self) -> str:
        return f"<Database {self.name}>"

    @contextmanager
    def read(self) -> Iterator[Session]:
        """A transaction that only reads; inside of one that writes, that one, whose changes it sees.

        Raises:
            StoreUnavailable: the database can't be used.
        """
        outer = self._outer()
        if outer is not None:
            yield outer
            return
        with self._map_errors(), self._transaction(self._reading) as session:
            yield session

    @contextmanager
    def write(self, *, patience: float | None = None) -> Iterator[Session]:
        """A transaction that writes: committed at the end, rolled back when something is raised.

        Inside of another one of the same thread it is a part of that: undone alone when it fails, and committed
        with the whole. Of several writers SQLite lets one in after the other; for PostgreSQL, read what is to be
        changed with `with_for_update()`, or take a `lock`.

        Args:
            patience: seconds to wait for another's lock (10 when left out).

        Raises:
            StoreUnavailable: the database can't be used; nothing was written.
        """
        outer = self._outer()
        if outer is not None:
            with outer.begin_nested():
                yield outer
            return
        engine = self._engine
        if patience is not None:
            engine = engine.execution_options(patience=int(patience * 1000))
        with self._map_errors(), self._transaction(engine) as session:
            session.connection()  # now, not at the first statement: SQLite's lock is taken by this
            try:
                self._writing.session = weakref.ref(session)
                yield session
            finally:
                self._writing.session = None
        for change in session.info.get(_CHANGES, ()):
            _log.info("%s", change)

    def log_change(self, session: Session, change: str) -> None:
        """Log a change in a few words, once it is committed, for who looks after the store."""
        session.info.setdefault(_CHANGES, []).append(change)

    @contextmanager
    def rebuild(self) -> Iterator[Session]:
        """A transaction that may rebuild tables. One process at a time; readers see it whole or not at all."""
        with self._map_errors(), self._transaction(self._engine.execution_options(rebuilding=True)) as session:
            self.lock(session, "structure")
            yield session
            if not self.shared and session.execute(text("PRAGMA foreign_key_check")).first() is not None:
                raise StoreUnavailable(f"The {self.name} is damaged: it has rows that refer to nothing.")

    def lock(self, session: Session, name: str) -> None:
        """Keep others who lock the same name waiting until the transaction ends (SQLite has one writer anyway)."""
        if self.shared:
            session.execute(select(func.pg_advisory_xact_lock(_lock_number(name))))

    def add_missing(self, session: Session, table: type[Row], **values: Any) -> None:
        """Insert a row, unless one like it is there, whoever else inserts it at the same time."""
        insert = for_postgresql.insert if self.shared else for_sqlite.insert
        session.execute(insert(table).values(**values).on_conflict_do_nothing())

    def note(self, statement: Update, what: str) -> None:
        """Write something that is not worth waiting for, and that nothing fails without, such as a last use.

        `what` says in the log what was not noted, should that fail: "that a token was used".
        """
        try:
            with self.write(patience=_PATIENCE_FOR_NOTES) as session:
                session.execute(statement)
        except StoreUnavailable as error:
            _log.warning("%s was not noted, and everything else goes on: %s", what, error)

    def close(self) -> None:
        """Close the connections that are kept open. The database can still be used; it opens new ones."""
        self._outer()
        self._engine.dispose()

    def _outer(self) -> Session | None:
        """The transaction that this thread is writing in. In a forked process, nothing of the parent's is used."""
        if self._process != os.getpid():
            self._parents.append(self._engine.pool)  # kept: its end would roll the parent's transactions back
            self._engine.dispose(close=False)
            self._writing = threading.local()
            self._process = os.getpid()
        reference = getattr(self._writing, "session", None)
        session: Session | None = None if reference is None else reference()
        return session if session is not None and session.in_transaction() else None

    def _note_cursor(self, _connection: object, cursor: Any, *_: object) -> None:
        self._cursors.last = cursor

    @contextmanager
    def _transaction(self, engine: Engine) -> Iterator[Session]:
        """A session and its transaction. An interrupt may come at any moment, in the midst of the pool's work too."""
        session = Session(engine, expire_on_commit=False)
        try:
            with session, session.begin():
                yield session
        except (Exception, GeneratorExit):
            raise
        except BaseException:
            with suppress(Exception):  # a connection that is closed while a cursor is open keeps SQLite's lock
                self._cursors.last.close()
            with suppress(Exception):
                session.invalidate()  # whatever state it is in, its locks in the database end
            self._engine.dispose()  # the pool may have lost a connection that it still counts
            raise

    @contextmanager
    def _map_errors(self) -> Iterator[None]:
        try:
            yield
        except PoolExhausted:
            reason, way_out = "all connections are in use", None
        except (DBAPIError, self._engine.dialect.loaded_dbapi.Error) as error:
            cause = error.orig if isinstance(error, DBAPIError) else error
            reason = names.reason(str(cause).strip().partition("\n")[0]).rstrip(".")
            way_out = sqlite.what_to_do(cause)
        except UnicodeDecodeError:  # the driver's, where even SQLite's message about the damage has bytes of it
            reason, way_out = "it has text that is no text", sqlite.NO_DATABASE
        except _INCONSISTENT as error:
            reason, way_out = f"it is inconsistent ({type(error).__name__})", None
        else:
            return
        said = f"The {self.name} can't be used: {reason}."
        raise StoreUnavailable(f"{said} {way_out}" if way_out else said) from None


def _lock_number(name: str) -> int:
    """A name as PostgreSQL's advisory locks want it: a 64-bit number, the same everywhere."""
    return int.from_bytes(hashlib.sha256(f"openrouter-toolkit {name}".encode()).digest()[:8], "big", signed=True)
