"""Writes rows and daily sums of the ledger in one transaction, with plain SQL."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from operator import add, attrgetter, sub
from typing import Any

from ..store.database import Database
from ..store.tables import CallGroupRow, CallRow, UsageDayRow, UsageRollupRow
from .entry import DIMENSIONS, MEASURES, Entry, day_number, day_of_number, new_id
from .rows import Rows

_calls: Any = CallRow.__table__
_groups: Any = CallGroupRow.__table__
_days: Any = UsageDayRow.__table__
_rollups: Any = UsageRollupRow.__table__
_ERROR_TYPE = DIMENSIONS.index("error_type")
_OWN = [column.name for column in _calls.columns if column.name not in ("id", "group_id")]
_own_values = attrgetter(*_OWN)
_MAX_REMEMBERED = 20_000
_LOCK_TIMEOUT = 10.0

Group = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Change:
    """A call that has ended.

    Attributes:
        after: the call.
        before: its row as it was written earlier, if it is different now.
        begun: its id among the running calls, if it may have a row there.
    """

    after: Entry
    before: Entry | None = None
    begun: int | None = None


class Batches:
    """Writes to one database. A batch is written as a whole or not at all. For one thread at a time."""

    def __init__(self, database: Database) -> None:
        self._shared = database.shared
        self._connection = database.keep_connection()
        self._group_ids: dict[Group, int] = {}
        rows = self._rows = Rows(shared=database.shared)
        self._insert_group = rows.insert(_groups, ["digest", *DIMENSIONS]) + " ON CONFLICT DO NOTHING"
        self._insert_call = rows.insert(_calls, ["id", "group_id", *_OWN])
        self._add_to_days = _adding(rows, _days, MEASURES)
        self._add_to_rollups = _adding(rows, _rollups, ("failures", *MEASURES))

    def write(self, changes: Sequence[Change], *, again: bool = False) -> None:
        """Write a batch.

        Args:
            changes: calls that have ended.
            again: whether it was tried before. If the connection broke while it was committed, it may be written.

        Raises:
            StoreUnavailable: the database can't be used; nothing was written, as far as is known.
        """

        def write(connection: Any) -> dict[Group, int]:
            if again and self._is_written(connection, changes):
                return {}
            return self.write_in(connection, changes)

        found = self._connection.run(write, lock_timeout=_LOCK_TIMEOUT)
        if len(self._group_ids) > _MAX_REMEMBERED:
            self._group_ids.clear()
        self._group_ids.update(found)

    def write_in(self, connection: Any, changes: Sequence[Change]) -> dict[Group, int]:
        """Write changes in a transaction of the driver's connection. Returns the ids of their groups."""
        after = [change.after.group for change in changes]
        before = [None if change.before is None else change.before.group for change in changes]
        ids = self._ids(connection, {group for group in (*after, *before) if group is not None})
        rows: list[tuple[Any, ...]] = []
        sums: dict[tuple[int, int], list[int]] = {}
        for change, group, earlier in zip(changes, after, before, strict=True):
            entry, number = change.after, ids[group]
            rows.append((entry.id, number, *_own_values(entry)))
            _add(sums, entry, number, 1)
            if change.before is not None and earlier is not None:
                _add(sums, change.before, ids[earlier], -1)
        self._rows.delete(connection, _calls, [change.after.id for change in changes if change.before is not None])
        self._rows.execute(connection, self._insert_call, rows)
        # In an order that is the same in all processes, so that none waits for another in a circle.
        days = [(self._as_date(day), group, *sums[day, group]) for day, group in sorted(sums) if any(sums[day, group])]
        self._rows.execute(connection, self._add_to_days, days)
        by = _rolled_up(sums, {number: group for group, number in ids.items()})
        rollups = [(name, self._as_date(day), value, *by[name, day, value]) for name, day, value in sorted(by)]
        self._rows.execute(connection, self._add_to_rollups, rollups)
        return ids

    def close(self) -> None:
        """Close the connection; it is opened again when it is needed."""
        self._connection.close()

    def forget(self) -> None:
        """Forget the connection, which is a parent process's."""
        self._connection.forget()

    def _ids(self, connection: Any, groups: Iterable[Group]) -> dict[Group, int]:
        """Return the ids of groups; those that are not in the database yet are added."""
        ids: dict[Group, int] = {}
        missing: dict[str, Group] = {}
        for group in groups:
            known = self._group_ids.get(group)
            if known is None:
                missing[_digest(group)] = group
            else:
                ids[group] = known
        if missing:
            digests = sorted(missing)
            self._rows.execute(connection, self._insert_group, [(digest, *missing[digest]) for digest in digests])
            found = self._rows.select(connection, _groups, "digest, id", "digest", digests)
            ids |= {missing[digest]: number for digest, number in found}
        return ids

    def _is_written(self, connection: Any, changes: Sequence[Change]) -> bool:
        """Whether a batch is in the database. A row whose id another process has taken gets a new one."""
        new = {change.after.id: change.after for change in changes if change.before is None}
        found = {row[0] for row in self._rows.select(connection, _calls, "id", "id", new)}
        if new and len(found) == len(new):
            return True
        for number in found:
            new[number].id = new_id()
        return False

    def _as_date(self, day: int) -> Any:
        """Return a day as the driver takes it."""
        found = day_of_number(day)
        return found if self._shared else found.isoformat()


def _add(sums: dict[tuple[int, int], list[int]], entry: Entry, group: int, sign: int) -> None:
    """Add what a call adds to its day and group, or take it away."""
    key = (day_number(entry.id), group)
    found = sums.get(key)
    if found is None:
        sums[key] = [sign * value for value in entry.measures]
    else:
        sums[key] = list(map(add if sign > 0 else sub, found, entry.measures))


def _rolled_up(
    sums: Mapping[tuple[int, int], Sequence[int]], groups: Mapping[int, Group]
) -> dict[tuple[str, int, str], list[int]]:
    """Return sums of days and groups, with the failures before them, as those of each dimension's days and values."""
    found: dict[tuple[str, int, str], list[int]] = {}
    for (day, number), measures in sums.items():
        group = groups[number]
        added = [measures[0] if group[_ERROR_TYPE] else 0, *measures]
        if not any(added):
            continue
        for name, value in zip(DIMENSIONS, group, strict=True):
            key = (name, day, value)
            found[key] = list(map(add, found[key], added)) if key in found else added
    return found


def _adding(rows: Rows, table: Any, measures: Sequence[str]) -> str:
    """Return the statement that adds to sums, which are made where there are none yet."""
    keys = [column.name for column in table.primary_key.columns]
    added = ", ".join(f"{name} = {table.name}.{name} + excluded.{name}" for name in measures)
    return f"{rows.insert(table, [*keys, *measures])} ON CONFLICT ({', '.join(keys)}) DO UPDATE SET {added}"


def _digest(group: Group) -> str:
    return hashlib.blake2b(json.dumps(group).encode(), digest_size=16).hexdigest()
