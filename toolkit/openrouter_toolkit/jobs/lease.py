"""A lease in the database: of all processes that want it, one has it at a time, until it stops renewing it.

No wall clock is involved, since those of several machines differ, and jump. The row has a number that its holder
raises. Another process takes the lease over after it has seen the same number for the lease's whole time, by its own
monotonic clock. The holder counts from before it wrote the number, and gives up earlier, so the two never overlap.
"""

from __future__ import annotations

from collections.abc import Callable
from time import monotonic

from ..store import names
from ..store.database import Database
from ..store.tables import LeaseRow

SECONDS = 30.0
# The part of the time after which the holder itself no longer counts on the lease.
_OWN_PART = 2 / 3
_LOCK_TIMEOUT = 5.0


class Lease:
    """One process's view of a lease. For one thread at a time, but for `held`."""

    def __init__(
        self, database: Database, name: str, *, seconds: float = SECONDS, clock: Callable[[], float] = monotonic
    ) -> None:
        """Take nothing yet."""
        self._database = database
        self._name = name
        self._seconds = seconds
        self._clock = clock
        self._holder = names.new_id("holder")
        self._seen: tuple[str, int] | None = None
        self._seen_at = 0.0
        self._held_until: float | None = None

    @property
    def held(self) -> bool:
        """Whether this process has it, as far as it knows without asking the database."""
        return self._held_until is not None and self._clock() < self._held_until

    def renew(self) -> bool:
        """Take or renew it, if it is free, run out or this process's own. Returns whether this process has it now.

        Raises:
            StoreUnavailable: the database can't be used. A lease that is held stays so until its time is over.
        """
        began = self._clock()
        current = self._read()
        if current is not None and not self._may_take(current):
            self._held_until = None
            return False
        with self._database.write(lock_timeout=_LOCK_TIMEOUT, counts_as_change=False) as session:
            if current is None:
                session.execute(self._database.insert_missing(LeaseRow, name=self._name, holder="", number=0))
            row = session.get(LeaseRow, self._name, with_for_update=True)
            if row is None or (current is not None and (row.holder, row.number) != current):
                taken = False  # another process was faster
            else:
                taken = row.holder in ("", self._holder) or current is not None
            if taken and row is not None:
                row.holder, row.number = self._holder, row.number + 1
        self._held_until = began + self._seconds * _OWN_PART if taken else None
        return taken

    def confirm(self) -> bool:
        """Whether this process has it by the database's word too: its own clock may have stood still meanwhile.

        Raises:
            StoreUnavailable: the database can't be used.
        """
        if not self.held:
            return False
        current = self._read()
        if current is None or current[0] != self._holder:
            self._held_until = None
        return self.held

    def release(self) -> None:
        """Let another process take it at once.

        Raises:
            StoreUnavailable: the database can't be used; it runs out by itself.
        """
        if self._held_until is None:
            return
        self._held_until = None
        with self._database.write(lock_timeout=1.0, counts_as_change=False) as session:
            row = session.get(LeaseRow, self._name, with_for_update=True)
            if row is not None and row.holder == self._holder:
                row.holder, row.number = "", row.number + 1

    def _read(self) -> tuple[str, int] | None:
        with self._database.read() as session:
            row = session.get(LeaseRow, self._name)
            return None if row is None else (row.holder, row.number)

    def _may_take(self, current: tuple[str, int]) -> bool:
        if current[0] in ("", self._holder):
            return True
        at = self._clock()
        if current != self._seen:
            self._seen, self._seen_at = current, at
        return at - self._seen_at >= self._seconds
