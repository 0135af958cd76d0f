"""The SQLite engine: a file that only its owner can read, durable commits, and waiting for locks."""

from __future__ import annotations

import os
import random
import sqlite3
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from time import monotonic, sleep
from typing import Any, TypeVar, cast
from urllib.parse import quote, unquote

from sqlalchemy import Engine, create_engine, event
from sqlalchemy.engine import URL, Connection, ExceptionContext

from .changes import ChangeCheck
from .errors import StoreUnavailable
from .pool import ENGINE_OPTIONS, connect_beside
from .urls import DATABASE, data_folder

T = TypeVar("T")
# The time limit for waiting for a lock, in milliseconds.
LOCK_TIMEOUT = 10_000
# What SQLite may have beside a file.
LOGS = ("-journal", "-wal", "-shm")
_OLDEST_SAFE_WAL = (3, 51, 3)
# Older release lines that have the fix too: the first patch release with it.
_FIXED_IN_PATCH = {(3, 44): 6, (3, 50): 7}
_PERMISSION_ADVICE = (
    "See that whoever runs this owns the file and its folder, and may read and write both; "
    f"or name another file in {DATABASE}."
)
NOT_A_DATABASE_ADVICE = f"Name another file in {DATABASE}, or put a backup in its place."
# Errors that may mean that the file was replaced or deleted, and the advice for them.
_FILE_ERRORS = {
    sqlite3.SQLITE_READONLY: _PERMISSION_ADVICE,
    sqlite3.SQLITE_CANTOPEN: _PERMISSION_ADVICE,
    sqlite3.SQLITE_NOTADB: NOT_A_DATABASE_ADVICE,
    sqlite3.SQLITE_CORRUPT: NOT_A_DATABASE_ADVICE,
    sqlite3.SQLITE_IOERR: None,
}


class _File:
    """The file of an engine, as it is now: another one may be in its place."""

    def __init__(self, engine: Engine) -> None:
        self._path = unquote(str(engine.url.database).removeprefix("file:"))
        self.opened: tuple[int, int] | None = None

    def open(self) -> None:
        """Note which file it is."""
        self.opened = self._now()

    def is_another(self) -> bool:
        """Whether the file that was opened was replaced or deleted."""
        return self.opened is None or self.opened != self._now()

    def _now(self) -> tuple[int, int] | None:
        try:
            status = os.stat(self._path)  # noqa: PTH116 - for each call: a Path takes several times as long
        except OSError:
            return None
        return status.st_dev, status.st_ino


class Changes(ChangeCheck):
    """SQLite tells each connection whether another one has committed."""

    blocks = False
    query = "PRAGMA data_version"

    def __init__(self, engine: Engine) -> None:
        super().__init__(engine)
        self._file = _File(engine)

    def is_elsewhere(self) -> bool:
        """Whether the file was replaced or deleted."""
        return self._file.is_another()

    def _connect(self) -> sqlite3.Connection:
        self._file.open()
        connection = cast(sqlite3.Connection, super()._connect())
        connection.execute("PRAGMA busy_timeout=0")
        return connection

    def is_busy(self, error: Exception) -> bool:
        """Whether a writer holds the lock, as it does in a commit without WAL."""
        return _code(error) == sqlite3.SQLITE_BUSY


class Kept:
    """What a `KeptConnection` does on SQLite."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._file = _File(engine)

    def connect(self) -> sqlite3.Connection:
        """Open a connection."""
        self._file.open()
        connection = cast(sqlite3.Connection, connect_beside(self._engine))
        connection.execute("PRAGMA busy_timeout=0")  # it is waited for locks here
        return connection

    def is_elsewhere(self) -> bool:
        """Whether the file was replaced or deleted."""
        return self._file.is_another()

    def run(
        self, connection: sqlite3.Connection, work: Callable[[Any], T], lock_timeout: float, *, transaction: bool
    ) -> T:
        """Work in a transaction, which SQLite needs for everything, and commit."""
        timeout = int(lock_timeout * 1000)
        _execute_when_unlocked(connection, "BEGIN IMMEDIATE", timeout)
        found = work(connection)
        _execute_when_unlocked(connection, "COMMIT", timeout)
        return found

    def is_lost(self, connection: sqlite3.Connection) -> bool:
        """Whether an error was the connection's, so that another one may do."""
        return False

    def close(self, connection: sqlite3.Connection) -> None:
        """Roll back, and close."""
        with suppress(sqlite3.Error):  # one that is closed with an open cursor would keep its lock
            connection.execute("ROLLBACK")
        connection.close()


def journal_mode(version: tuple[int, ...]) -> str:
    """Return "wal" (readers continue during writes) if this version of SQLite is safe with it, else "truncate".

    Before 3.51.3 a concurrent checkpoint and write may corrupt a WAL database (sqlite.org/wal.html). DELETE is not
    used, since with synchronous=FULL it may lose a commit in a power loss right after it.
    """
    fixed_in = _FIXED_IN_PATCH.get((version[0], version[1]))
    return "wal" if version >= _OLDEST_SAFE_WAL or (fixed_in is not None and version[2] >= fixed_in) else "truncate"


def engine(url: URL, survives_power_loss: bool = True) -> Engine:
    """Create an engine for the file. A file that does not exist is created with mode 0600.

    A commit waits for the disk, unless a power loss may take it, or damage the file.

    Raises:
        StoreUnavailable: the file can't be created.
    """
    path = Path(url.database or "").absolute()
    _create_file(path)
    # mode=rw: a deleted file is an error; SQLite would silently create a new one that all users can read.
    location = URL.create("sqlite", database=f"file:{quote(str(path))}", query={"mode": "rw", "uri": "true"})
    created = create_engine(location, **ENGINE_OPTIONS)
    event.listen(created, "connect", partial(_configure, survives_power_loss=survives_power_loss))
    event.listen(created, "begin", _begin)
    event.listen(created, "handle_error", _discard_if_file_changed)
    return created


def advice_for(error: BaseException | None) -> str | None:
    """Return a sentence that says how to fix an SQLite error, or None if no fix is known."""
    code = _code(error)
    return _PERMISSION_ADVICE if code == sqlite3.SQLITE_PERM else _FILE_ERRORS.get(code)


def is_damaged(error: BaseException | None) -> bool:
    """Whether an error says that the file is damaged, or no SQLite file."""
    return _code(error) in (sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT)


def _code(error: BaseException | None) -> int:
    """Return an error's primary code: extended ones have more above the lowest byte."""
    return (getattr(error, "sqlite_errorcode", None) or 0) & 0xFF


def _create_file(path: Path) -> None:
    what = f"folder {path.parent}"
    try:
        if path.parent == data_folder():
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        what = f"SQLite file {path}"
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
    except FileExistsError:
        if path.is_dir():
            raise StoreUnavailable(f"{path} is a folder, and no SQLite file. Name a file in {DATABASE}.") from None
    except FileNotFoundError:
        raise StoreUnavailable(f"The SQLite file {path} can't be made: make its folder first.") from None
    except OSError as error:
        advice = _PERMISSION_ADVICE if isinstance(error, PermissionError) else f"Name another file in {DATABASE}."
        raise StoreUnavailable(f"The {what} can't be made: {error.strerror}. {advice}") from None


def _configure(connection: sqlite3.Connection, _record: object, *, survives_power_loss: bool = True) -> None:
    connection.isolation_level = None  # only _begin begins transactions, not the driver
    try:
        connection.execute(f"PRAGMA busy_timeout={LOCK_TIMEOUT}")
        mode = journal_mode(sqlite3.sqlite_version_info)
        if mode == "truncate" and not survives_power_loss:
            mode = "persist"  # cheaper, if nothing waits for the disk
        _set_journal_mode(connection, mode)
        connection.execute(f"PRAGMA synchronous={'FULL' if survives_power_loss else 'OFF'}")
    except BaseException:
        connection.close()  # the pool does not have it yet
        raise


def _set_journal_mode(connection: sqlite3.Connection, mode: str) -> None:
    if connection.execute("PRAGMA journal_mode").fetchone()[0] != mode:
        try:
            _execute_when_unlocked(connection, f"PRAGMA journal_mode={mode}", LOCK_TIMEOUT)
        except sqlite3.OperationalError as error:
            if _code(error) == sqlite3.SQLITE_BUSY:
                raise
            # otherwise the file is read-only


def _discard_if_file_changed(failure: ExceptionContext) -> None:
    """Open the file again after an error that may mean that it was replaced or deleted."""
    error = failure.original_exception
    if _code(error) in _FILE_ERRORS:
        failure.is_disconnect = True
    elif isinstance(error, Exception):
        return
    # SQLAlchemy closes the connection next, also after an interrupt: an open cursor would keep its lock in the file.
    cursor = getattr(failure.execution_context, "cursor", None)
    if cursor is not None:
        with suppress(sqlite3.Error):
            cursor.close()


def _begin(connection: Connection) -> None:
    """Begin a transaction. Writers take the lock at once: after a read, SQLite could refuse it, and no retry helps."""
    options = connection.get_execution_options()
    timeout = options.get("lock_timeout", LOCK_TIMEOUT)
    raw = cast(sqlite3.Connection, connection.connection.driver_connection)
    # Off while tables are rebuilt: dropping an old table would delete the rows that refer to it.
    raw.execute(f"PRAGMA foreign_keys={'OFF' if options.get('rebuilding') else 'ON'}")
    if not options.get("reading"):
        raw.execute("PRAGMA busy_timeout=0")
        try:
            _execute_when_unlocked(raw, "BEGIN IMMEDIATE", timeout)
        except sqlite3.Error:
            connection.exec_driver_sql("BEGIN IMMEDIATE")  # raises the error so that SQLAlchemy handles it
    raw.execute(f"PRAGMA busy_timeout={timeout}")
    if options.get("reading"):
        connection.exec_driver_sql("BEGIN")


def _execute_when_unlocked(raw: sqlite3.Connection, statement: str, timeout: int) -> None:
    """Wait for a lock. SQLite's own waiting polls ten times a second, and starves beside a busy writer."""
    deadline = monotonic() + timeout / 1000
    while True:
        try:
            raw.execute(statement)
        except sqlite3.Error as error:
            if _code(error) != sqlite3.SQLITE_BUSY or monotonic() > deadline:
                raise
            sleep(random.uniform(0.001, 0.01))  # noqa: S311 - so that not all retry at once
        else:
            return
