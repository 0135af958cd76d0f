"""Writes rows and daily sums of the ledger in one transaction, with plain SQL."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from operator import add, attrgetter, sub
from typing import Any

from ..store.database import Database
from ..store.tables import CallGroupRow, CallRow, UsageDayRow
from .entry import DIMENSIONS, MEASURES, Entry, day_number, day_of_number, new_id
from .rows import Rows

_calls: Any = CallRow.__table__
_groups: Any = CallGroupRow.__table__
_days: Any = UsageDayRow.__table__
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
        added = ", ".join(f"{name} = {_days.name}.{name} + excluded.{name}" for name in MEASURES)
        self._add_to_day = (
            rows.insert(_days, ["day", "group_id", *MEASURES]) + f" ON CONFLICT (day, group_id) DO UPDATE SET {added}"
        )

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
        # Days in an order that is the same in all processes, so that none waits for another in a circle.
        days = [(self._as_date(day), group, *sums[day, group]) for day, group in sorted(sums)]
        self._rows.delete(connection, _calls, [change.after.id for change in changes if change.before is not None])
        self._rows.execute(connection, self._insert_call, rows)
        self._rows.execute(connection, self._add_to_day, [day for day in days if any(day[2:])])
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


def _digest(group: Group) -> str:
    return hashlib.blake2b(json.dumps(group).encode(), digest_size=16).hexdigest()
