"""Database connections, read and write transactions, and the mapping of database errors to `StoreUnavailable`."""

from __future__ import annotations

import hashlib
import logging
import os
import threading
import weakref
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar, cast

from sqlalchemy import (
    CursorResult,
    Delete,
    Engine,
    Insert,
    Pool,
    Select,
    Update,
    event,
    func,
    inspect,
    or_,
    select,
    text,
    update,
)
from sqlalchemy.dialects import postgresql as for_postgresql
from sqlalchemy.dialects import sqlite as for_sqlite
from sqlalchemy.engine import URL
from sqlalchemy.exc import DBAPIError, InvalidRequestError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolExhausted
from sqlalchemy.orm import InstrumentedAttribute, Session
from sqlalchemy.orm.exc import FlushError, StaleDataError

from . import names, postgresql, sqlite
from .audit import record
from .audit.record import Change
from .changes import ChangeCheck
from .columns import now
from .errors import StoreDamaged, StoreUnavailable
from .kept_connection import KeptConnection
from .tables import Row
from .urls import described

T = TypeVar("T")
_AUDITED = {mapper.class_.__tablename__ for mapper in Row.registry.mappers if mapper.class_.audited}
# Rows are missing or differ from what was just read. Only a damaged database causes these errors.
_INCONSISTENT_ROWS = (StaleDataError, FlushError, InvalidRequestError)
_CHANGES = "changes"
_COUNT_CHANGE = text("UPDATE ort_changes SET number = number + 1")
_SECTION = "section"
_RECORD_INTERVAL = timedelta(minutes=1)
_RECORD_LOCK_TIMEOUT = 0.2
_MAX_REMEMBERED = 10_000
_log = logging.getLogger("openrouter_toolkit")


class UnrecordedChange(RuntimeError):
    """A mistake in the store: a transaction changed a table without an entry of the audit log. It is rolled back."""


class _Section:
    """What a `Database.write` has changed and recorded so far, without what sections inside it have changed."""

    def __init__(self, audited: bool) -> None:
        self.audited = audited
        self.changed: set[str] = set()
        self.recorded = False


class Database:
    """A database and its connections. Safe to use from many threads, and in forked processes.

    A transaction holds a connection until it ends, so do nothing slow in it, such as an API call.
    """

    def __init__(self, url: URL, *, survives_power_loss: bool = True) -> None:
        """Create the engine without connecting. A SQLite file that does not exist is created.

        Args:
            url: where it is.
            survives_power_loss: whether SQLite waits for the disk at each commit; PostgreSQL does as its server is set.
        """
        self.name = described(url)
        self.shared = url.get_backend_name() == "postgresql"
        self._url = url
        self._engine = postgresql.engine(url) if self.shared else sqlite.engine(url, survives_power_loss)
        event.listen(self._engine, "before_cursor_execute", self._remember_cursor)  # before engines are derived from it
        event.listen(self._engine, "after_cursor_execute", self._note_changed_table)
        self._reading = self._engine.execution_options(reading=True)
        self._write_session = threading.local()
        self._cursors = threading.local()
        self._process = os.getpid()
        self._parent_pools: list[Pool] = []
        self._recorded: dict[tuple[str, str], datetime] = {}
        self._changes: ChangeCheck = (postgresql if self.shared else sqlite).Changes(self._engine)

    def __repr__(self) -> str:
        return f"<Database {self.name}>"

    @contextmanager
    def read(self) -> Iterator[Session]:
        """Open a read-only transaction. Inside a write transaction, return that one, so its changes are visible.

        Raises:
            StoreUnavailable: the database can't be used.
        """
        outer = self._open_write_session()
        if outer is not None:
            yield outer
            return
        with self._map_errors(), self._transaction(self._reading) as session:
            yield session

    @contextmanager
    def write(
        self, *, lock_timeout: float | None = None, counts_as_change: bool = True, audited: bool = True
    ) -> Iterator[Session]:
        """Open a write transaction: it commits at the end, and rolls back on an exception.

        What it changes has to be recorded in it, see `record`; else it is rolled back, whatever transaction it is in.

        Inside another write transaction of the same thread it is a savepoint: it is rolled back alone if it fails,
        and committed with the outer one. SQLite runs one writer at a time; for PostgreSQL, read the rows to change
        with `with_for_update()`, or take a `lock`.

        Args:
            lock_timeout: seconds to wait for locks of other transactions (10 by default).
            counts_as_change: whether it may change what is looked up, see `Lookups`.
            audited: False for what is no change to an administrator, such as the time of the last use.

        Raises:
            StoreUnavailable: the database can't be used; nothing was written.
            UnrecordedChange: a change was not recorded.
        """
        outer = self._open_write_session()
        if outer is not None:
            outer.flush()
            with outer.begin_nested(), _section(outer, audited):
                yield outer
            return
        engine = self._engine
        if lock_timeout is not None:
            engine = engine.execution_options(lock_timeout=int(lock_timeout * 1000))
        with self._map_errors(), self._transaction(engine) as session:
            session.connection()  # begins now, not at the first statement, so that SQLite's lock is taken
            try:
                self._write_session.session = weakref.ref(session)
                with _section(session, audited):
                    yield session
                if counts_as_change:
                    session.execute(_COUNT_CHANGE)  # last, since others wait for it
            finally:
                self._write_session.session = None
        for change in session.info.get(_CHANGES, ()):
            _log.info("%s", change)

    def version(self, *, wait: bool = True) -> object | None:
        """Return a value that differs after each change by any process, None if it can't be found out.

        Without `wait` it never blocks, and is None if it would have to.
        """
        self._open_write_session()  # a forked process forgets its parent's connections
        return self._changes.version(wait=wait)

    @property
    def is_writing(self) -> bool:
        """Whether this thread has a write transaction."""
        return self._open_write_session() is not None

    def record(self, session: Session, change: Change) -> None:
        """Record a change in the audit log, in its transaction. Its line is logged after that has committed."""
        session.execute(record.statement(change))
        session.info[_SECTION].recorded = True
        if change.line is not None:
            self.log_change(session, change.line)

    def log_change(self, session: Session, change: str) -> None:
        """Log a short description of a change for administrators, after the transaction has committed."""
        session.info.setdefault(_CHANGES, []).append(change)

    def read_all(self, query: Select[T]) -> list[T]:
        """Return the first column, or the row object, of all results."""
        with self.read() as session:
            return list(session.scalars(query))

    def read_first(self, query: Select[T]) -> T | None:
        """Return the first column, or the row object, of the first result, or None."""
        with self.read() as session:
            return session.scalars(query.limit(1)).first()

    def change(self, statement: Insert | Update | Delete, change: Change) -> bool:
        """Execute one statement in a transaction, and record the change; return whether it changed anything."""
        with self.write() as session:
            options = {"preserve_rowcount": True}
            result = cast("CursorResult[Any]", session.execute(statement, execution_options=options))
            if result.rowcount:
                self.record(session, change)
            return bool(result.rowcount)

    def insert_missing(self, table: type[Row], **values: Any) -> Insert:
        """Return the statement that inserts a row unless it exists, even if others insert it at the same time."""
        insert = for_postgresql.insert if self.shared else for_sqlite.insert
        return insert(table).values(**values).on_conflict_do_nothing()

    def record_use(
        self, column: InstrumentedAttribute[Any], key: str, what: str, *, last: datetime | None = None
    ) -> None:
        """Set a last-used time to now, at most once a minute over all processes. A failure is logged, not raised.

        It waits at most 0.2 seconds for a lock.

        Args:
            column: the column of the time.
            key: the row's primary key.
            what: the change for the log, such as "that a token was used".
            last: the last time, if the row was just read.
        """
        if not self.is_use_due(column, key, last):
            return
        at, name = now(), (str(column), key)
        threshold = at - _RECORD_INTERVAL
        if len(self._recorded) >= _MAX_REMEMBERED:
            self._recorded.clear()
        self._recorded[name] = at  # a race of two threads is harmless: the statement checks the time again
        (primary_key,) = inspect(column.class_).primary_key
        condition = (primary_key == key, or_(column.is_(None), column <= threshold))
        try:
            with self.write(lock_timeout=_RECORD_LOCK_TIMEOUT, audited=False) as session:
                session.execute(update(column.class_).where(*condition).values({column: at}))
        except StoreUnavailable as error:
            _log.warning("%s was not noted, and everything else goes on: %s", what, error)

    def is_use_due(self, column: InstrumentedAttribute[Any], key: str, last: datetime | None = None) -> bool:
        """Whether `record_use` would write."""
        threshold = now() - _RECORD_INTERVAL
        return not any(time is not None and time > threshold for time in (last, self._recorded.get((str(column), key))))

    @contextmanager
    def rebuild(self) -> Iterator[Session]:
        """Open a transaction that may rebuild tables. One process at a time; readers see all changes or none.

        Raises:
            StoreUnavailable: the database can't be used, or has foreign keys that refer to no row.
        """
        with self._map_errors(), self._transaction(self._engine.execution_options(rebuilding=True)) as session:
            self.lock(session, "structure")
            yield session
            if not self.shared and session.execute(text("PRAGMA foreign_key_check")).first() is not None:
                raise StoreUnavailable(f"The {self.name} is damaged: it has rows that refer to nothing.")

    def lock(self, session: Session, name: str) -> None:
        """Lock a name until the transaction ends; others wait. SQLite needs no lock: it has one writer at a time."""
        if self.shared:
            digest = hashlib.sha256(f"openrouter-toolkit {name}".encode()).digest()
            number = int.from_bytes(digest[:8], "big", signed=True)  # PostgreSQL's advisory locks have 64-bit numbers
            session.execute(select(func.pg_advisory_xact_lock(number)))

    def keep_connection(self) -> KeptConnection:
        """Return a connection that is kept open beside the pool, for small writes. The caller closes it."""
        return KeptConnection(self._engine, self._map_errors)

    def beside(self, name: str) -> Database:
        """Return a database in an SQLite file beside this one's, whose last commits a power loss may take.

        The end of a process, however it comes, takes none. It is made if there is none.

        Raises:
            StoreUnavailable: it can't be made.
        """
        return Database(self._url.set(database=str(self._path_beside(name))), survives_power_loss=False)

    def has_beside(self, name: str) -> bool:
        """Whether there is such a database."""
        return self.shared or self._path_beside(name).exists()

    def delete_beside(self, name: str) -> None:
        """Delete such a database, which is damaged."""
        path = self._path_beside(name)
        for part in (path, *(path.with_name(path.name + end) for end in sqlite.LOGS)):
            part.unlink(missing_ok=True)
        _log.warning("%s was damaged, as by a power loss, and is made again", path)

    def _path_beside(self, name: str) -> Path:
        return Path(f"{Path(self._url.database or '').absolute()}-{name}")

    def close(self) -> None:
        """Close the pooled connections. The database can still be used; it opens new ones."""
        self._open_write_session()
        self._changes.close()
        self._engine.dispose()

    def _open_write_session(self) -> Session | None:
        """Return this thread's write transaction, or None. A forked process never uses its parent's connections."""
        if self._process != os.getpid():
            self._parent_pools.append(self._engine.pool)  # if collected, it would roll back the parent's transactions
            self._engine.dispose(close=False)
            self._write_session = threading.local()
            self._process = os.getpid()
            self._changes.forget()
        reference = getattr(self._write_session, "session", None)
        session: Session | None = None if reference is None else reference()
        return session if session is not None and session.in_transaction() else None

    def _remember_cursor(self, _connection: object, cursor: Any, *_: object) -> None:
        self._cursors.last = cursor

    def _note_changed_table(
        self, _connection: object, cursor: Any, _statement: str, _parameters: object, context: Any, _many: bool
    ) -> None:
        """Note which tables the transaction changes."""
        if not (context.isinsert or context.isupdate or context.isdelete) or cursor.rowcount == 0:
            return
        session = self._open_write_session()
        table = context.compiled.statement.table
        if session is not None and table.name in _AUDITED:
            session.info[_SECTION].changed.add(table.name)

    @contextmanager
    def _transaction(self, engine: Engine) -> Iterator[Session]:
        """Open a session and its transaction. An interrupt (Ctrl-C) may occur at any moment, even inside the pool."""
        session = Session(engine, expire_on_commit=False)
        try:
            with session, session.begin():
                yield session
        except (Exception, GeneratorExit) as error:
            interrupt = _interrupt_before(error)
            if interrupt is None:
                raise
            self._abandon(session)
            raise interrupt from None
        except BaseException:
            self._abandon(session)
            raise

    def _abandon(self, session: Session) -> None:
        """Give up a session that was interrupted, and the pool: both may be in any state."""
        with suppress(Exception):  # a connection that is closed with an open cursor keeps SQLite's lock
            self._cursors.last.close()
        with suppress(Exception):
            session.invalidate()  # releases its locks in the database, whatever its state
        self._engine.dispose()  # the pool may have lost a connection that it still counts

    @contextmanager
    def _map_errors(self) -> Iterator[None]:
        kind = StoreUnavailable
        try:
            yield
        except PoolExhausted:
            reason, advice = "all connections are in use", None
        except (DBAPIError, self._engine.dialect.loaded_dbapi.Error) as error:
            cause = error.orig if isinstance(error, DBAPIError) else error
            reason = names.reason(str(cause).strip().partition("\n")[0]).rstrip(".")
            advice, kind = sqlite.advice_for(cause), StoreDamaged if sqlite.is_damaged(cause) else StoreUnavailable
        except UnicodeDecodeError:  # raised by the driver if SQLite's own error message contains damaged bytes
            reason, advice = "it has text that is no text", sqlite.NOT_A_DATABASE_ADVICE
        except _INCONSISTENT_ROWS as error:
            reason, advice = f"it is inconsistent ({type(error).__name__})", None
        else:
            return
        raise kind(" ".join(filter(None, [f"The {self.name} can't be used: {reason}.", advice]))) from None


@contextmanager
def _section(session: Session, audited: bool) -> Iterator[None]:
    """Check at the end that what was changed is recorded, as far as it is audited."""
    outer: _Section | None = session.info.get(_SECTION)
    section = session.info[_SECTION] = _Section(audited)
    try:
        yield
        session.flush()
        if section.audited and section.changed and not section.recorded:
            raise UnrecordedChange(f"a change of {', '.join(sorted(section.changed))} is not recorded")
    finally:
        session.info[_SECTION] = outer


def _interrupt_before(error: BaseException) -> BaseException | None:
    """The interrupt that SQLAlchemy was handling when it failed itself, if that is what happened.

    An interrupt in the middle of its commit or rollback can break an assertion of its own about the state it is in.
    """
    if not isinstance(error, AssertionError | SQLAlchemyError):
        return None
    earlier = error.__context__
    while isinstance(earlier, Exception):
        earlier = earlier.__context__
    return earlier if isinstance(earlier, KeyboardInterrupt | SystemExit) else None
