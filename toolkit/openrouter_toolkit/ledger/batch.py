"""Writes changes of the ledger, rows and daily sums alike, in one transaction."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from operator import add, attrgetter, sub
from typing import Any

from sqlalchemy import Connection, select
from sqlalchemy.dialects import postgresql, sqlite

from ..store.database import Database
from ..store.tables import CallGroupRow, CallRow, UsageDayRow
from .entry import DIMENSIONS, MEASURES, Entry, day_number, day_of_number, new_id

_calls: Any = CallRow.__table__
_groups: Any = CallGroupRow.__table__
_days: Any = UsageDayRow.__table__
_OWN = [column.name for column in _calls.columns if column.name not in ("id", "group_id")]
_own_values = attrgetter(*_OWN)
_MAX_REMEMBERED = 20_000
_SOME = 500

Group = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Change:
    """A row that is new, or one that was written before and is different now."""

    before: Entry | None
    after: Entry


class Batches:
    """Writes to one database. A batch is written as a whole or not at all. For one thread at a time."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._group_ids: dict[Group, int] = {}
        insert = postgresql.insert if database.shared else sqlite.insert
        self._insert_group = insert(_groups).on_conflict_do_nothing()
        # Plain SQL, since SQLAlchemy's own takes several times as long for each row.
        value = "%s" if database.shared else "?"
        names = ("id", "group_id", *_OWN)
        self._insert_call = f"INSERT INTO {_calls.name} ({', '.join(names)}) VALUES ({_list(value, names)})"  # noqa: S608
        changed = ", ".join(f"{name} = {value}" for name in names[1:])
        self._update_call = f"UPDATE {_calls.name} SET {changed} WHERE id = {value}"  # noqa: S608 - own names
        columns = ("day", "group_id", *MEASURES)
        added = ", ".join(f"{name} = {_days.name}.{name} + excluded.{name}" for name in MEASURES)
        self._add_to_day = (
            f"INSERT INTO {_days.name} ({', '.join(columns)}) VALUES ({_list(value, columns)}) "  # noqa: S608
            f"ON CONFLICT (day, group_id) DO UPDATE SET {added}"
        )

    def write(self, changes: Sequence[Change], *, again: bool = False, lock_timeout: float | None = None) -> None:
        """Write a batch.

        Args:
            changes: what to write.
            again: whether it was tried before. If the connection broke while it was committed, it may be written.
            lock_timeout: see `Database.write`.

        Raises:
            StoreUnavailable: the database can't be used; nothing was written, as far as is known.
        """
        with self._database.write(lock_timeout=lock_timeout, counts_as_change=False) as session:
            connection = session.connection()
            if again and _is_written(connection, changes):
                return
            found = self.write_in(connection, changes)
        if len(self._group_ids) > _MAX_REMEMBERED:
            self._group_ids.clear()
        self._group_ids.update(found)

    def write_in(self, connection: Connection, changes: Sequence[Change]) -> dict[Any, int]:
        """Write changes in the caller's transaction. Returns the ids of their groups."""
        after = [change.after.group for change in changes]
        before = [None if change.before is None else change.before.group for change in changes]
        ids = self._ids(connection, {*after, *before} - {None})
        new: list[tuple[Any, ...]] = []
        changed: list[tuple[Any, ...]] = []
        sums: dict[tuple[int, int], list[int]] = {}
        for change, group, earlier in zip(changes, after, before, strict=True):
            entry, number = change.after, ids[group]
            if change.before is None:
                new.append((entry.id, number, *_own_values(entry)))
            else:
                changed.append((number, *_own_values(entry), entry.id))
                _add(sums, change.before, ids[earlier], -1)
            _add(sums, entry, number, 1)
        # Days in an order that is the same in all processes, so that none waits for another in a circle.
        days = [(_as_date(self._database, day), group, *sums[day, group]) for day, group in sorted(sums)]
        for statement, rows in (
            (self._insert_call, new),
            (self._update_call, changed),
            (self._add_to_day, [row for row in days if any(row[2:])]),
        ):
            if rows:
                connection.exec_driver_sql(statement, rows)
        return ids

    def _ids(self, connection: Connection, groups: Iterable[Any]) -> dict[Any, int]:
        """Return the ids of groups; those that are not in the database yet are added."""
        ids: dict[Any, int] = {}
        missing: dict[str, Group] = {}
        for group in groups:
            known = self._group_ids.get(group)
            if known is None:
                missing[_digest(group)] = group
            else:
                ids[group] = known
        if missing:
            rows = [
                {"digest": digest, **dict(zip(DIMENSIONS, missing[digest], strict=True))} for digest in sorted(missing)
            ]
            connection.execute(self._insert_group, rows)
            for some in _parts(sorted(missing)):
                query = select(_groups.c.digest, _groups.c.id).where(_groups.c.digest.in_(some))
                ids |= {missing[row.digest]: row.id for row in connection.execute(query)}
        return ids


def _add(sums: dict[tuple[int, int], list[int]], entry: Entry, group: int, sign: int) -> None:
    """Add what a call adds to its day and group, or take it away."""
    key = (day_number(entry.id), group)
    found = sums.get(key)
    if found is None:
        sums[key] = [sign * value for value in entry.measures]
    else:
        sums[key] = list(map(add if sign > 0 else sub, found, entry.measures))


def _as_date(database: Database, day: int) -> Any:
    """Return a day as the driver takes it."""
    found = day_of_number(day)
    return found if database.shared else found.isoformat()


def _list(value: str, names: Sequence[str]) -> str:
    return ", ".join([value] * len(names))


def _is_written(connection: Connection, changes: Sequence[Change]) -> bool:
    """Whether a batch is in the database. A row whose id another process has taken gets a new one."""
    new = {change.after.id: change.after for change in changes if change.before is None}
    found = {
        number
        for some in _parts(list(new))
        for number in connection.scalars(select(_calls.c.id).where(_calls.c.id.in_(some)))
    }
    if new and len(found) == len(new):
        return True
    for number in found:
        new[number].id = new_id()
    return False


def _digest(group: Group) -> str:
    return hashlib.blake2b(json.dumps(group).encode(), digest_size=16).hexdigest()


def _parts(values: Sequence[Any]) -> Iterable[Sequence[Any]]:
    return (values[start : start + _SOME] for start in range(0, len(values), _SOME))
