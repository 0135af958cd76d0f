"""The SQLite engine: a file that only its owner can read, durable commits, and waiting for locks."""

from __future__ import annotations

import os
import random
import sqlite3
from contextlib import suppress
from pathlib import Path
from time import monotonic, sleep
from typing import cast
from urllib.parse import quote, unquote

from sqlalchemy import Engine, create_engine, event
from sqlalchemy.engine import URL, Connection, ExceptionContext

from .changes import ChangeCheck
from .errors import StoreUnavailable
from .pool import ENGINE_OPTIONS
from .urls import DATABASE, data_folder

# The time limit for waiting for a lock, in milliseconds.
LOCK_TIMEOUT = 10_000
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


class Changes(ChangeCheck):
    """SQLite tells each connection whether another one has committed."""

    blocks = False
    query = "PRAGMA data_version"
    _file: tuple[int, int] | None = None

    def is_elsewhere(self) -> bool:
        """Whether the file was replaced or deleted."""
        return self._file is None or self._file != self._file_now()

    def _file_now(self) -> tuple[int, int] | None:
        try:
            status = Path(unquote(str(self._engine.url.database).removeprefix("file:"))).stat()
        except OSError:
            return None
        return status.st_dev, status.st_ino

    def _connect(self) -> sqlite3.Connection:
        self._file = self._file_now()
        connection = cast(sqlite3.Connection, super()._connect())
        connection.execute("PRAGMA busy_timeout=0")
        return connection

    def is_busy(self, error: Exception) -> bool:
        """Whether a writer holds the lock, as it does in a commit without WAL."""
        return _code(error) == sqlite3.SQLITE_BUSY


def journal_mode(version: tuple[int, ...]) -> str:
    """Return "wal" (readers continue during writes) if this version of SQLite is safe with it, else "truncate".

    Before 3.51.3 a concurrent checkpoint and write may corrupt a WAL database (sqlite.org/wal.html). DELETE is not
    used, since with synchronous=FULL it may lose a commit in a power loss right after it.
    """
    fixed_in = _FIXED_IN_PATCH.get((version[0], version[1]))
    return "wal" if version >= _OLDEST_SAFE_WAL or (fixed_in is not None and version[2] >= fixed_in) else "truncate"


def engine(url: URL) -> Engine:
    """Create an engine for the file. A file that does not exist is created with mode 0600.

    Raises:
        StoreUnavailable: the file can't be created.
    """
    path = Path(url.database or "").absolute()
    _create_file(path)
    # mode=rw: a deleted file is an error; SQLite would silently create a new one that all users can read.
    location = URL.create("sqlite", database=f"file:{quote(str(path))}", query={"mode": "rw", "uri": "true"})
    created = create_engine(location, **ENGINE_OPTIONS)
    event.listen(created, "connect", _configure)
    event.listen(created, "begin", _begin)
    event.listen(created, "handle_error", _discard_if_file_changed)
    return created


def advice_for(error: BaseException | None) -> str | None:
    """Return a sentence that says how to fix an SQLite error, or None if no fix is known."""
    code = _code(error)
    return _PERMISSION_ADVICE if code == sqlite3.SQLITE_PERM else _FILE_ERRORS.get(code)


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


def _configure(connection: sqlite3.Connection, _record: object) -> None:
    connection.isolation_level = None  # only _begin begins transactions, not the driver
    try:
        connection.execute(f"PRAGMA busy_timeout={LOCK_TIMEOUT}")
        _set_journal_mode(connection, journal_mode(sqlite3.sqlite_version_info))
        connection.execute("PRAGMA synchronous=FULL")
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
