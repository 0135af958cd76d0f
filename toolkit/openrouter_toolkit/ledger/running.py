"""Calls that may cost money and have not ended: written before they are made, and removed once they are in the ledger.

On SQLite they are in a file of their own beside the store's. Its commits survive the end of the process, however it
comes, without waiting for the disk, which would cost several times as much as the rest of the call. A power loss may
take the last ones, or the file; then a new one is made.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import fields
from datetime import datetime, timedelta
from functools import partial
from operator import attrgetter
from random import getrandbits
from threading import Lock
from time import monotonic
from typing import Any

from sqlalchemy import Connection, case, literal, null, or_, select, text

from ..spending.decisions import Shortage
from ..store import StoreUnavailable
from ..store.columns import now
from ..store.database import Database
from ..store.errors import StoreDamaged
from ..store.kept_connection import KeptConnection
from ..store.tables import BudgetCounterRow, ProcessRow, ReservationRow, RunningCallRow
from .counters import Beginning, Counters, Settlement
from .entry import DIMENSIONS, UNFINISHED, UNSETTLED, Entry, first_id_at, new_id
from .rows import Rows
from .window_sums import window_sums

_table: Any = RunningCallRow.__table__
_processes: Any = ProcessRow.__table__
_reservations: Any = ReservationRow.__table__
_counters: Any = BudgetCounterRow.__table__
_BESIDE = (_table, _processes, _counters, _reservations)
_NAMES = [column.name for column in _table.columns if column.name != "process"]
_values = attrgetter(*_NAMES)
_FILE = "running"
_LOCK_TIMEOUT = 5.0
# How often a process that makes calls says that it is alive, and how long it may be silent, in seconds.
BEAT = 20.0
SILENCE = 90.0
_LONGEST_CALL = timedelta(hours=6)
# How long counters are kept, in seconds: longer than the longest window.
_KEPT = 40 * 86_400


class RunningCalls:
    """The running calls of one store's ledger. Writing is for one thread at a time."""

    def __init__(self, database: Database) -> None:
        """Make no file yet."""
        self._of_store = database
        self._is_shared = database.shared
        self._rows = Rows(shared=database.shared)
        self._counters = Counters(shared=database.shared, from_ledger=partial(window_sums, database))
        names = [*_NAMES, "process"]
        value = "%s" if database.shared else "?"
        values = ", ".join([value] * len(names))
        self._insert_one = f"INSERT INTO {_table.name} ({', '.join(names)}) VALUES ({values}) ON CONFLICT DO NOTHING"  # noqa: S608
        self._insert_all = self._rows.insert(_table, names) + " ON CONFLICT DO NOTHING RETURNING id"
        self._now = "extract(epoch FROM now())::bigint" if database.shared else "CAST(strftime('%s', 'now') AS INTEGER)"
        self._note_alive = (
            f"INSERT INTO {_processes.name} (id, seen) VALUES ({value}, {self._now}) "  # noqa: S608 - own names
            "ON CONFLICT (id) DO UPDATE SET seen = excluded.seen"
        )
        self._process, self._beat_at = getrandbits(62), 0.0
        self._lock = Lock()
        self._database: Database | None = None
        self._connection: KeptConnection | None = None

    def begin(self, beginnings: Sequence[Beginning], settlements: Sequence[Settlement] = ()) -> None:
        """Commit the rows of calls that may begin, with what they reserve in budgets, and settle earlier ones before.

        A call whose id another process has taken gets a new one. One that a budget refuses has that as its answer.

        Raises:
            StoreUnavailable: the database can't be used; nothing was written, as far as is known.
        """
        is_due = monotonic() - self._beat_at > BEAT
        if not settlements and not is_due and all(one.request is None for one in beginnings):
            self._run(lambda connection: self._insert(connection, [one.entry for one in beginnings]))
            return

        def begin(connection: Any) -> None:
            if is_due:
                connection.execute(self._note_alive, (self._process,))
            changes = self._counters.begin(connection, beginnings, settlements)
            granted = [one for one in beginnings if not isinstance(one.answer, Shortage)]
            if granted and self._is_shared:
                rows = [self._row(one.entry) for one in granted]
                writes = [(self._insert_all, rows), *self._counters.writes(granted, changes)]
                inserted = {row[0] for row in self._rows.insert_together(connection, writes)}
                _check_ids([one.entry for one in granted], inserted)
                return
            self._insert(connection, [one.entry for one in granted])
            for statement, rows in self._counters.writes(granted, changes):
                self._rows.execute(connection, statement, rows)

        while True:
            try:
                self._run(begin, transaction=True)
            except _IdTaken:
                continue
            break
        if is_due:
            self._beat_at = monotonic()

    def note_alive(self) -> None:
        """Write that this process is alive, if it is time to."""
        if monotonic() - self._beat_at > BEAT:
            self._run(lambda connection: connection.execute(self._note_alive, (self._process,)))
            self._beat_at = monotonic()

    def settle(self, settlements: Sequence[Settlement]) -> None:
        """Replace what calls have reserved in budgets by what they have cost; once, however often it is called."""
        if settlements:
            self._run(lambda connection: self._counters.settle(connection, settlements), transaction=True)

    def tidy(self, budgets: Sequence[int]) -> None:
        """Delete counters of budgets that were removed and of times long past, and processes that have ended.

        `budgets` are the numbers of those that there are; one that was made since has a greater one.
        """
        if self._database is None and not self._of_store.has_beside(_FILE):
            return
        past = f"{self._now} - {_KEPT}"
        conditions = [f"slot BETWEEN 1 AND {past}"]  # greater numbers are those of sessions, which have no time
        if budgets:
            conditions.append(f"budget_id < {max(budgets)} AND budget_id NOT IN ({', '.join(map(str, budgets))})")
        for condition in conditions:
            self._execute(f"DELETE FROM {_counters.name} WHERE {condition}")  # noqa: S608 - own names, and numbers
        is_running = f"SELECT process FROM {_table.name}"  # noqa: S608
        self._execute(f"DELETE FROM {_processes.name} WHERE seen < {past} AND id NOT IN ({is_running})")  # noqa: S608

    def _execute(self, statement: str) -> None:
        self._run(lambda connection: connection.execute(statement))

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

    def find_lost(self, limit: int) -> list[Entry]:
        """Return calls whose process has not said for long that it is alive, or that began longer ago than any takes.

        The latter have a row by mistake: a connection broke while it was committed, and it was written again.
        """
        alive = select(_processes.c.id).where(_processes.c.seen > text(f"{self._now} - {SILENCE:.0f}"))
        lost = select(_table.c.id).where(_table.c.process.not_in(alive))
        old = COLUMNS.id < first_id_at(now() - _LONGEST_CALL)
        return self.find([or_(COLUMNS.id.in_(lost), old)], limit)

    def left_over(self, before: datetime, limit: int) -> list[int]:
        """Return the ids of calls that reserve something though they ended some time ago, or never began."""
        if self._database is None and not self._of_store.has_beside(_FILE):
            return []
        old = _reservations.c.call_id < first_id_at(before)
        query = select(_reservations.c.call_id).where(old, _reservations.c.call_id.not_in(select(_table.c.id)))
        with self._opened().read() as session:
            return list(session.scalars(query.order_by(_reservations.c.call_id).limit(limit)))

    def counters(self, budget: int, first: int, last: int) -> list[Any]:
        """Return the counters of a budget between two slots, and the one of what goes on."""
        if self._database is None and not self._of_store.has_beside(_FILE):
            return []
        slots = _counters.c.slot.between(first, last) | (_counters.c.slot < 0)
        with self._opened().read() as session:
            return list(session.execute(select(_counters).where(_counters.c.budget_id == budget, slots)))

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
        self._process, self._beat_at = getrandbits(62), 0.0
        if self._connection is not None:
            self._connection.forget()

    def _insert(self, connection: Any, entries: Sequence[Entry]) -> None:
        missing: Collection[Entry] = entries
        while missing:
            missing = self._not_inserted(connection, missing)
            for entry in missing:
                entry.id = new_id()

    def _run(self, work: Any, *, transaction: bool = False) -> None:
        try:
            self._opened()
            assert self._connection is not None
            self._connection.run(work, lock_timeout=_LOCK_TIMEOUT, transaction=transaction)
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
        rows = [self._row(entry) for entry in entries]
        if self._is_shared and len(rows) > 1:
            inserted = {row[0] for row in self._rows.execute(connection, self._insert_all, rows)}
            return [entry for entry in entries if entry.id not in inserted]
        return [
            entry
            for entry, row in zip(entries, rows, strict=True)
            if not connection.execute(self._insert_one, row).rowcount
        ]

    def _row(self, entry: Entry) -> tuple[Any, ...]:
        return (*_values(entry), self._process)


class _IdTaken(Exception):
    """Another process has taken the id of a call; it has a new one now."""


def _check_ids(entries: Iterable[Entry], inserted: Collection[int]) -> None:
    missing = [entry for entry in entries if entry.id not in inserted]
    for entry in missing:
        entry.id = new_id()
    if missing:
        raise _IdTaken


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
            for table in _BESIDE:
                table.create(session.connection(), checkfirst=True)
    except BaseException:
        found.close()
        raise
    return found


def _check(connection: Connection) -> None:
    if connection.scalar(text("PRAGMA quick_check(1)")) != "ok":
        raise StoreDamaged("The file is damaged.")
