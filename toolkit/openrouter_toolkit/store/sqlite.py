"""SQLite's own ways: a file that only its owner reads, settings that keep what was confirmed, and its locks."""

from __future__ import annotations

import os
import random
import sqlite3
from contextlib import suppress
from pathlib import Path
from time import monotonic, sleep
from typing import cast
from urllib.parse import quote

from sqlalchemy import Engine, create_engine, event
from sqlalchemy.engine import URL, Connection, ExceptionContext

from .errors import StoreUnavailable
from .pool import ConnectionPool
from .urls import DATABASE, data_folder

# How long one waits for another's lock, in milliseconds.
PATIENCE = 10_000
_OLDEST_SAFE_WAL = (3, 51, 3)
# Older lines that have the fix, too: the first release of each.
_MENDED_LINES = {(3, 44): 6, (3, 50): 7}
_OF_THE_FILE = (
    sqlite3.SQLITE_READONLY,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_CORRUPT,
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_NOTADB,
)
_NO_RIGHT = (
    "See that whoever runs this owns the file and its folder, and may read and write both; "
    f"or name another file in {DATABASE}."
)
NO_DATABASE = f"Name another file in {DATABASE}, or put a backup in its place."
_WHAT_TO_DO = {
    sqlite3.SQLITE_READONLY: _NO_RIGHT,
    sqlite3.SQLITE_CANTOPEN: _NO_RIGHT,
    sqlite3.SQLITE_PERM: _NO_RIGHT,
    sqlite3.SQLITE_NOTADB: NO_DATABASE,
    sqlite3.SQLITE_CORRUPT: NO_DATABASE,
}


def journal_mode(version: tuple[int, ...]) -> str:
    """WAL, which lets readers go on while another writes, where this version of SQLite can't corrupt it.

    Before 3.51.3 two connections that checkpoint and write at the same moment may (sqlite.org/wal.html). TRUNCATE
    is taken there, since DELETE at synchronous=FULL does not survive a power loss right after the commit.
    """
    mended = _MENDED_LINES.get((version[0], version[1]))
    return "wal" if version >= _OLDEST_SAFE_WAL or (mended is not None and version[2] >= mended) else "truncate"


def engine(url: URL) -> Engine:
    """An engine for the file, which is made (mode 0600) where it does not exist.

    Raises:
        StoreUnavailable: the file can't be made.
    """
    path = Path(url.database or "").absolute()
    _make(path)
    # mode=rw: a file that vanished is an error, not silently a new one that everybody can read.
    location = URL.create("sqlite", database=f"file:{quote(str(path))}", query={"mode": "rw", "uri": "true"})
    made = create_engine(
        location,
        hide_parameters=True,
        poolclass=ConnectionPool,
        pool_pre_ping=True,
        pool_timeout=PATIENCE / 1000,
    )
    event.listen(made, "connect", _settle)
    event.listen(made, "begin", _begin)
    event.listen(made, "handle_error", _distrust)
    return made


def what_to_do(error: BaseException | None) -> str | None:
    """What somebody can do about an error of SQLite's, in a sentence; None where nothing is known to help."""
    return _WHAT_TO_DO.get((getattr(error, "sqlite_errorcode", None) or 0) & 0xFF)


def _make(path: Path) -> None:
    try:
        if path.parent == data_folder():
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise _not_made(f"folder {path.parent}", error) from None
    try:
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
    except FileExistsError:
        if path.is_dir():
            raise StoreUnavailable(f"{path} is a folder, and no SQLite file. Name a file in {DATABASE}.") from None
    except FileNotFoundError:
        raise StoreUnavailable(f"The SQLite file {path} can't be made: make its folder first.") from None
    except OSError as error:
        raise _not_made(f"SQLite file {path}", error) from None


def _not_made(what: str, error: OSError) -> StoreUnavailable:
    way_out = _NO_RIGHT if isinstance(error, PermissionError) else f"Name another file in {DATABASE}."
    return StoreUnavailable(f"The {what} can't be made: {error.strerror}. {way_out}")


def _settle(connection: sqlite3.Connection, _record: object) -> None:
    connection.isolation_level = None  # transactions begin where _begin says so, not where the driver guesses
    try:
        connection.execute(f"PRAGMA busy_timeout={PATIENCE}")
        _set_journal_mode(connection, journal_mode(sqlite3.sqlite_version_info))
        connection.execute("PRAGMA synchronous=FULL")
    except BaseException:
        connection.close()  # nobody else knows it yet
        raise


def _set_journal_mode(connection: sqlite3.Connection, wanted: str) -> None:
    """Wait for others who do the same at this moment, since SQLite itself does not wait here."""
    until = monotonic() + PATIENCE / 1000
    while connection.execute("PRAGMA journal_mode").fetchone()[0] != wanted:
        try:
            connection.execute(f"PRAGMA journal_mode={wanted}")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY:
                return  # a file that can only be read
            if monotonic() > until:
                raise
            sleep(0.01)
        else:
            return  # set, or not possible with this file system


def _distrust(failure: ExceptionContext) -> None:
    """Open the file anew after an error that may be that of a file which was replaced or is gone."""
    error = failure.original_exception
    if isinstance(error, sqlite3.Error) and getattr(error, "sqlite_errorcode", 0) & 0xFF in _OF_THE_FILE:
        failure.is_disconnect = True
    elif isinstance(error, Exception):
        return
    # The connection is closed now, also after an interrupt: with an open cursor it would keep its lock in the file.
    cursor = getattr(failure.execution_context, "cursor", None)
    if cursor is not None:
        with suppress(sqlite3.Error):
            cursor.close()


def _begin(connection: Connection) -> None:
    """Writers queue up from the start: one that begins by reading would be refused the lock later, unrepeatably."""
    options = connection.get_execution_options()
    patience = options.get("lock_timeout", PATIENCE)
    raw = cast(sqlite3.Connection, connection.connection.driver_connection)
    # Off while tables are rebuilt: dropping the old one would delete the rows that refer to it.
    raw.execute(f"PRAGMA foreign_keys={'OFF' if options.get('rebuilding') else 'ON'}")
    if not options.get("reading"):
        raw.execute("PRAGMA busy_timeout=0")
        locked = _locked(raw, patience)
        if not locked:
            connection.exec_driver_sql("BEGIN IMMEDIATE")  # says what is wrong
    raw.execute(f"PRAGMA busy_timeout={patience}")
    if options.get("reading"):
        connection.exec_driver_sql("BEGIN")


def _locked(raw: sqlite3.Connection, patience: int) -> bool:
    """Begin to write. SQLite's own waiting looks ten times a second, and starves beside one who writes all the time."""
    until = monotonic() + patience / 1000
    while True:
        try:
            raw.execute("BEGIN IMMEDIATE")
        except sqlite3.Error as error:
            if getattr(error, "sqlite_errorcode", 0) & 0xFF != sqlite3.SQLITE_BUSY or monotonic() > until:
                return False
            sleep(random.uniform(0.001, 0.01))  # noqa: S311 - so that not all look at once
        else:
            return True
