"""Calls that may cost money and have not ended: written before they are made, and removed once they are in the ledger.

On SQLite they are in a file of their own beside the store's. Its commits survive the end of the process, however it
comes, without waiting for the disk, which would cost several times as much as the rest of the call. A power loss may
take the last ones, or the file; then a new one is made.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import fields
from operator import attrgetter
from threading import Lock
from typing import Any

from sqlalchemy import Connection, case, literal, null, select, text

from ..store import StoreUnavailable
from ..store.database import Database
from ..store.errors import StoreDamaged
from ..store.kept_connection import KeptConnection
from ..store.tables import RunningCallRow
from .entry import DIMENSIONS, UNFINISHED, UNSETTLED, Entry, new_id
from .rows import Rows

_table: Any = RunningCallRow.__table__
_NAMES = [column.name for column in _table.columns]
_values = attrgetter(*_NAMES)
_FILE = "running"
_LOCK_TIMEOUT = 5.0


class RunningCalls:
    """The running calls of one store's ledger. Writing is for one thread at a time."""

    def __init__(self, database: Database) -> None:
        """Make no file yet."""
        self._of_store = database
        self._is_shared = database.shared
        self._rows = Rows(shared=database.shared)
        values = ", ".join(["%s" if database.shared else "?"] * len(_NAMES))
        self._insert_one = f"INSERT INTO {_table.name} ({', '.join(_NAMES)}) VALUES ({values}) ON CONFLICT DO NOTHING"  # noqa: S608
        self._insert_all = self._rows.insert(_table, _NAMES) + " ON CONFLICT DO NOTHING RETURNING id"
        self._lock = Lock()
        self._database: Database | None = None
        self._connection: KeptConnection | None = None

    def begin(self, entries: Sequence[Entry]) -> None:
        """Commit the rows of calls. One whose id another process has taken gets a new one.

        Raises:
            StoreUnavailable: the database can't be used; nothing was written, as far as is known.
        """

        def insert(connection: Any) -> None:
            missing: Collection[Entry] = entries
            while missing:
                missing = self._not_inserted(connection, missing)
                for entry in missing:
                    entry.id = new_id()

        self._run(insert)

    def note_generations(self, generations: Mapping[int, str]) -> None:
        """Write the ids of generations, by the ids of their calls."""
        rows = [(generation_id, call_id) for call_id, generation_id in generations.items()]
        if rows:
            self._run(lambda connection: self._rows.update(connection, _table, "generation_id", rows))

    def remove(self, ids: Sequence[int]) -> None:
        """Remove the rows of calls, which are in the ledger now."""
        if ids:
            self._run(lambda connection: self._rows.delete(connection, _table, ids))

    def find(self, conditions: Iterable[Any], limit: int, *, oldest_first: bool = False) -> list[Entry]:
        """Return the newest that match conditions of `COLUMNS`, or the oldest."""
        if self._database is None and not self._of_store.has_beside(_FILE):
            return []
        order = COLUMNS.id if oldest_first else COLUMNS.id.desc()
        query = select(_columns).where(*conditions).order_by(order).limit(limit)
        with self._opened().read() as session:
            return [Entry(**row) for row in session.execute(query).mappings()]

    def close(self) -> None:
        """Close the connections; they are opened again when they are needed."""
        with self._lock:
            if self._connection is not None:
                self._connection.close()
            if self._database is not None and not self._is_shared:
                self._database.close()
            self._connection = self._database = None

    def forget(self) -> None:
        """Forget the connections, which are a parent process's."""
        self._lock = Lock()
        if self._connection is not None:
            self._connection.forget()

    def _run(self, work: Any) -> None:
        try:
            self._opened()
            assert self._connection is not None
            self._connection.run(work, lock_timeout=_LOCK_TIMEOUT, transaction=False)
        except StoreUnavailable:
            self.close()  # the file is looked at, and made again if need be, by the next one
            raise

    def _opened(self) -> Database:
        with self._lock:
            if self._database is None:
                database = self._of_store if self._is_shared else _file_beside(self._of_store)
                self._connection = database.keep_connection()
                self._database = database
            return self._database

    def _not_inserted(self, connection: Any, entries: Collection[Entry]) -> list[Entry]:
        """Insert rows. Returns those whose id there was already."""
        if self._is_shared and len(entries) > 1:
            rows = self._rows.execute(connection, self._insert_all, list(map(_values, entries)))
            found = {row[0] for row in rows}
            return [entry for entry in entries if entry.id not in found]
        return [entry for entry in entries if not connection.execute(self._insert_one, _values(entry)).rowcount]


def _known() -> Any:
    """What is known of calls that have not ended, with the names of an `Entry`."""
    known = {column.name: column for column in _table.columns}
    known["request_model"] = case((_table.c.model != "", _table.c.model))
    known |= {name: literal("") for name in DIMENSIONS if name not in known}
    known |= {"error_type": literal(UNFINISHED), "billing": literal(UNSETTLED), "attempts": literal(0)}
    return select(*(known.get(field.name, null()).label(field.name) for field in fields(Entry))).subquery()


_columns = _known()
COLUMNS = _columns.c


def _file_beside(database: Database) -> Database:
    """Open the file beside the store's. One that a power loss has damaged is made again."""
    try:
        return _opened_beside(database)
    except StoreDamaged:
        database.delete_beside(_FILE)
        return _opened_beside(database)


def _opened_beside(database: Database) -> Database:
    found = database.beside(_FILE)
    try:
        with found.write(counts_as_change=False) as session:
            _check(session.connection())
            _table.create(session.connection(), checkfirst=True)
    except BaseException:
        found.close()
        raise
    return found


def _check(connection: Connection) -> None:
    if connection.scalar(text("PRAGMA quick_check(1)")) != "ok":
        raise StoreDamaged("The file is damaged.")
